//! The page a person reads: what was measured, what was found, what mends it, and the verdict last.

use super::check::{Check, State};
use super::load::{CoreLoad, Load, percent};
use super::{Subject, which};
use pitlane_app::report::{duration, thousands};
use std::fmt;

/// Shows checks; `Display` is the page.
pub struct Page<'a> {
    /// What was examined.
    pub subject: &'a Subject,
    /// What was found.
    pub checks: &'a [Check],
}

/// Checks that ended as fail, warn, unknown, ok.
pub fn counts(checks: &[Check]) -> [(State, usize); 4] {
    [State::Fail, State::Warn, State::Unknown, State::Ok].map(|state| {
        (
            state,
            checks
                .iter()
                .filter(|check| check.found.state == state)
                .count(),
        )
    })
}

/// Where a figure was read that no file holds.
const MEASURED: &str = "measured";
/// Columns of state and name.
const INDENT: usize = 25;
/// Columns up to the file that a good line was read from.
const WIDTH: usize = 73;

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject;
        writeln!(f, "host      {}", subject.machine())?;
        writeln!(f, "core map  {}", subject.map)?;
        if let Some(load) = &subject.load {
            writeln!(f)?;
            measured(f, load)?;
        }
        let mut topic = "";
        for check in self.checks {
            if check.topic != topic {
                topic = check.topic;
                writeln!(f, "\n{topic}")?;
            }
            line(f, check)?;
        }
        let counts = counts(self.checks);
        let profile = subject.profile_name();
        let verdict = match counts {
            [(_, 0), (_, 0), ..] => format!("fit for profile {profile}"),
            [(_, 0), ..] => format!("fit for profile {profile}, and could be fitter"),
            _ => format!("not fit for profile {profile}"),
        };
        let counted: Vec<_> = counts
            .iter()
            .filter(|(_, n)| *n > 0)
            .map(|(state, n)| format!("{n} {}", state.to_string().to_lowercase()))
            .collect();
        writeln!(f, "\nverdict   {verdict}: {}", counted.join(", "))
    }
}

fn line(f: &mut fmt::Formatter<'_>, check: &Check) -> fmt::Result {
    let found = &check.found;
    let head = format!("  {:<7} {:<14} {}", found.state, check.id, found.what);
    let good = found.state == State::Ok;
    match found.evidence.first() {
        Some(evidence) if good => {
            let file = evidence.file.trim_start_matches("/sys/devices/system/");
            writeln!(f, "{head:<WIDTH$}  {file}")?;
        }
        _ => writeln!(f, "{head}")?,
    }
    if good {
        return Ok(());
    }
    let mut more =
        |label: &str, text: &dyn fmt::Display| writeln!(f, "{:INDENT$}{label:<7}{text}", "");
    // What was measured stands in the tables above.
    for evidence in found
        .evidence
        .iter()
        .filter(|evidence| evidence.file != MEASURED)
    {
        more(
            "read",
            &format_args!("{}: {}", evidence.file, evidence.value),
        )?;
    }
    if !found.why.is_empty() {
        more("why", &found.why)?;
    }
    found
        .fixes
        .iter()
        .try_for_each(|fix| more(fix.label(), fix))
}

fn measured(f: &mut fmt::Formatter<'_>, load: &Load) -> fmt::Result {
    let cores = load.cores.iter().map(|core| core.core).collect();
    writeln!(
        f,
        "measured  {:.1} s on {}, all at the same time: a pinned thread on each reads the clock in a tight loop",
        load.seconds,
        which(&cores)
    )?;
    writeln!(
        f,
        "\n  time lost in gaps between two readings, gaps by length, and what came between"
    )?;
    gaps(
        f,
        [
            "core",
            "lost",
            ">1 us",
            ">10 us",
            ">100 us",
            ">1 ms",
            "preempted",
            "steal",
        ],
        "interrupts",
    )?;
    for core in &load.cores {
        let cells = [
            core.core.to_string(),
            percent(core.lost_ppm()),
            thousands(core.gaps_over_1us),
            thousands(core.gaps_over_10us),
            thousands(core.gaps_over_100us),
            thousands(core.gaps_over_1ms),
            core.switches_involuntary.map_or("-".to_owned(), thousands),
            core.steal_ms
                .map_or("-".to_owned(), |ms| format!("{ms} ms")),
        ];
        gaps(f, cells.each_ref().map(String::as_str), &interrupts(core))?;
    }
    writeln!(
        f,
        "\n  what an event every microsecond would have waited for its thread"
    )?;
    waits(f, ["core", "p50", "p99", "p99.9", "p99.99", "max"])?;
    for core in &load.cores {
        let wait = core.wait_ns;
        let times = [wait.p50, wait.p99, wait.p999, wait.p9999, wait.max].map(duration);
        let [p50, p99, p999, p9999, max] = times.each_ref().map(String::as_str);
        waits(f, [&core.core.to_string(), p50, p99, p999, p9999, max])?;
    }
    Ok(())
}

fn gaps(
    f: &mut fmt::Formatter<'_>,
    [core, lost, us, us10, us100, ms, preempted, steal]: [&str; 8],
    last: &str,
) -> fmt::Result {
    writeln!(
        f,
        "  {core:>4} {lost:>9} {us:>8} {us10:>8} {us100:>8} {ms:>8} {preempted:>10} {steal:>8}   {last}"
    )
}

fn waits(f: &mut fmt::Formatter<'_>, [core, p50, p99, p999, p9999, max]: [&str; 6]) -> fmt::Result {
    writeln!(
        f,
        "  {core:>4} {p50:>9} {p99:>9} {p999:>9} {p9999:>9} {max:>9}"
    )
}

/// How many, and the most frequent by name.
fn interrupts(core: &CoreLoad) -> String {
    let Some(interrupts) = &core.interrupts else {
        return "-".to_owned();
    };
    let mut came: Vec<_> = interrupts.iter().collect();
    came.sort_by_key(|(what, count)| (std::cmp::Reverse(**count), (*what).clone()));
    let named = came.iter().take(2).map(|(what, count)| {
        let what = what.trim_end_matches(" interrupts");
        format!("{} {what}", thousands(**count))
    });
    let named = named.collect::<Vec<_>>().join(", ");
    match came.len() {
        0 => "none".to_owned(),
        1 | 2 => named,
        _ => format!("{}: {named}, ...", thousands(interrupts.values().sum())),
    }
}
