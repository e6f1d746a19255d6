//! Is this host fit for a core map? What the kernel's files say, judged for the profile.
//!
//! Every reading is a function of the files under a root, so that a handful of files in a folder is a host to
//! a test. Nothing here changes a setting; what would is handed out as text.

mod check;
mod clocks;
mod cores;
mod disks;
mod fixes;
mod kernel;
mod limits;
mod load;
mod memory;
mod page;
mod power;
mod tree;

pub use check::{Check, State};
pub use disks::Place;
pub use fixes::script;
pub use load::{Before, Load};
pub use page::{Page, counts};

use check::{Finding, Fix};
use pitlane_runtime::core_map::{Host, Profile, list};
use pitlane_runtime::os::Machine;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tree::Tree;

/// What is examined: a host, and what a core map wants of it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Where the kernel's files are: `/`, or a folder with copies of them.
    pub root: PathBuf,
    /// How the engine is to share the machine.
    pub profile: Profile,
    /// What the core map says and whose it is, such as `configs/local.toml, profile shared`.
    pub map: String,
    /// What is wrong with the core map, each fault with its place and its mend.
    pub faults: Vec<String>,
    /// Threads in the map.
    pub threads: usize,
    /// Whether it names cores, be they here or not.
    pub names_cores: bool,
    /// The cores that threads are pinned to, of those this process can have.
    pub pinned: BTreeSet<usize>,
    /// Of these, the ones whose thread spins.
    pub spinning: BTreeSet<usize>,
    /// The cores of this machine.
    pub host: Host,
    /// Where the engine is to write.
    pub places: Vec<Place>,
    /// What was measured, if anything was.
    pub load: Option<Load>,
}

impl Subject {
    /// The cores that are looked at: those of the map, or every usable one if it pins nothing.
    pub fn cores(&self) -> BTreeSet<usize> {
        if self.pinned.is_empty() {
            self.host.usable()
        } else {
            self.pinned.clone()
        }
    }

    /// What keeps the system off the cores of the map, given the cores that are left to it.
    /// A map that leaves none has to change first: no setting can send the system nowhere.
    fn keep_off(&self, fix: impl FnOnce(&BTreeSet<usize>) -> Fix) -> Fix {
        let left = &self.host.online - &self.pinned;
        if left.is_empty() {
            Fix::config(format!(
                "name fewer cores: the system needs at least one of {}",
                list(&self.host.online)
            ))
        } else {
            fix(&left)
        }
    }

    /// Whether the map promises its threads cores of their own.
    fn strict(&self) -> bool {
        self.profile == Profile::Isolated || !self.spinning.is_empty()
    }

    fn profile_name(&self) -> &'static str {
        match self.profile {
            Profile::Isolated => "isolated",
            Profile::Shared => "shared",
            Profile::Folded => "folded",
        }
    }

    /// Something is missing that only threads with cores of their own need: as bad as told for them, good for others.
    fn lack(&self, state: State, finding: impl AsRef<str>, why: &str) -> Finding {
        let finding = finding.as_ref();
        if self.strict() {
            Finding::bad(state, finding, why)
        } else {
            Finding::ok(format!("{finding} (matters to isolated only)"))
        }
    }

    /// Why there is no core to look at.
    fn unpinned(&self) -> &'static str {
        if self.names_cores {
            "no core of the map is here"
        } else {
            "no thread is pinned to a core"
        }
    }

    fn tree(&self) -> Tree<'_> {
        Tree::new(&self.root)
    }

    /// The machine in one line.
    fn machine(&self) -> String {
        let machine = Machine::under(&self.root);
        let model = if machine.cpu_model.is_empty() {
            "processor not named"
        } else {
            &machine.cpu_model
        };
        let memory = machine.memory_kib / (1 << 20);
        let kind =
            clocks::hypervisor_name(&self.tree()).map_or(String::new(), |name| format!(", {name}"));
        format!(
            "Linux {}, {model}, cores {}, {memory} GiB{kind}",
            machine.kernel,
            list(&self.host.online)
        )
    }
}

/// `core 1`, `cores 2-5`.
pub fn which(cores: &BTreeSet<usize>) -> String {
    let many = if cores.len() == 1 { "core" } else { "cores" };
    format!("{many} {}", list(cores))
}

/// A reading and its judgement; the error is why it could not be read.
type Examine = fn(&Subject) -> Result<Finding, String>;

/// Every line of the page, by topic.
const CHECKS: [(&str, &str, Examine); 28] = [
    ("cores", "isolation", cores::isolation),
    ("cores", "nohz_full", cores::nohz_full),
    ("cores", "rcu_nocbs", cores::rcu_nocbs),
    ("cores", "smt", cores::smt),
    ("cores", "numa", cores::numa),
    ("cores", "cpuset", limits::cpuset),
    ("cores", "cpu_quota", limits::quota),
    ("interruptions", "irq_affinity", kernel::irq_affinity),
    ("interruptions", "irqbalance", kernel::irqbalance),
    ("interruptions", "workqueues", kernel::workqueues),
    ("interruptions", "watchdog", kernel::watchdog),
    ("interruptions", "stat_interval", kernel::stat_interval),
    ("interruptions", "audit", kernel::audit),
    ("interruptions", "steal", clocks::steal),
    ("interruptions", "hypervisor", clocks::hypervisor),
    ("power", "governor", power::governor),
    ("power", "turbo", power::turbo),
    ("power", "c_states", power::c_states),
    ("clock", "tsc", clocks::tsc),
    ("clock", "clocksource", clocks::clocksource),
    ("clock", "skew", clocks::skew),
    ("memory", "swap", memory::swap),
    ("memory", "thp", memory::thp),
    ("memory", "numa_balancing", memory::numa_balancing),
    ("memory", "memlock", memory::memlock),
    ("system", "priority", limits::priority),
    ("system", "rt_throttling", limits::rt_throttling),
    ("system", "kernel", kernel::version),
];

/// Everything there is to say about the host, by topic.
pub fn examine(subject: &Subject) -> Vec<Check> {
    let mut checks = vec![core_map(subject)];
    checks.extend(load::checks(subject));
    checks.extend(CHECKS.into_iter().map(|(topic, id, examine)| {
        let found = examine(subject);
        Check::new(topic, id, found.unwrap_or_else(Finding::unknown))
    }));
    checks.extend(disks::checks(subject));
    checks
}

fn core_map(subject: &Subject) -> Check {
    let finding = if subject.faults.is_empty() {
        let pinned = if subject.pinned.is_empty() {
            "none pinned".to_owned()
        } else {
            format!("pinned to {}", which(&subject.pinned))
        };
        let threads = match subject.threads {
            1 => "1 thread".to_owned(),
            n => format!("{n} threads"),
        };
        Finding::ok(format!("{threads}, {pinned}"))
    } else {
        let many = match subject.faults.len() {
            1 => "1 fault".to_owned(),
            n => format!("{n} faults"),
        };
        let why = "the engine refuses to start with it";
        let mends = subject.faults.iter().cloned().map(Fix::config);
        Finding::bad(State::Fail, many, why).fixes(mends)
    };
    Check::new("in short", "core_map", finding)
}

#[cfg(test)]
mod tests;
