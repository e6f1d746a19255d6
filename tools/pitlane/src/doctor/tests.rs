//! Hosts made of files: a tuned one that is fit, one wrong setting at a time, and what people really have.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes snapshots with them"
)]

use super::check::Finding;
use super::load::{CoreLoad, Waits};
use super::*;
use expect_test::{Expect, expect};
use hosts::Files;
use pitlane_runtime::core_map::parse_core_list;
use pitlane_runtime::hiccup::Skew;
use pitlane_runtime::os::Room;

mod files;
mod hosts;
mod mends;

fn cores(text: &str) -> BTreeSet<usize> {
    parse_core_list(text).unwrap()
}

/// A host with a map of cores 2 to 5 for the profile; spinning if it is the isolated one.
fn subject(files: &Files, profile: Profile) -> Subject {
    let isolated = profile == Profile::Isolated;
    let hot = if isolated {
        cores("2-5")
    } else {
        BTreeSet::new()
    };
    let status = files.text("/proc/self/status");
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:\t"));
    Subject {
        root: files.root().to_owned(),
        profile,
        map: "test.toml".to_owned(),
        faults: Vec::new(),
        threads: 6,
        names_cores: isolated,
        pinned: hot.clone(),
        spinning: hot,
        host: Host::under(files.root(), cores(allowed.unwrap())),
        places: Vec::new(),
        load: None,
    }
}

fn examined(files: &Files, profile: Profile) -> Vec<Check> {
    examine(&subject(files, profile))
}

fn found(checks: &[Check], id: &str) -> Finding {
    let check = checks.iter().find(|check| check.id == id);
    check
        .unwrap_or_else(|| panic!("no check {id}"))
        .found
        .clone()
}

fn page(subject: &Subject) -> String {
    let checks = examine(subject);
    let page = Page {
        subject,
        checks: &checks,
    };
    page.to_string()
}

fn quiet_core(core: usize) -> CoreLoad {
    CoreLoad {
        core,
        elapsed_ns: 3_000_000_000,
        readings: 150_000_000,
        gaps_over_1us: 12,
        gaps_over_10us: 0,
        gaps_over_100us: 0,
        gaps_over_1ms: 0,
        lost_ns: 30_000,
        wait_ns: Waits {
            p50: 20,
            p99: 20,
            p999: 20,
            p9999: 20,
            max: 4_300,
        },
        switches_voluntary: Some(0),
        switches_involuntary: Some(0),
        interrupts: Some([("Local timer interrupts".to_owned(), 3)].into()),
        steal_ms: Some(0),
    }
}

fn quiet(cores: &BTreeSet<usize>) -> Load {
    Load {
        seconds: 3.0,
        cores: cores.iter().map(|core| quiet_core(*core)).collect(),
        not_measured: Vec::new(),
        skew: vec![Skew {
            core: 3,
            against: 2,
            offset_ns: -4,
            bound_ns: 60,
        }],
    }
}

#[test]
fn a_tuned_host_is_fit() {
    let files = Files::tuned();
    let mut subject = subject(&files, Profile::Isolated);
    subject.load = Some(quiet(&subject.cores()));
    let expected: Expect = expect![[r#"
        host      Linux 6.12.5, Xeon 6, cores 0-7, 62 GiB
        core map  test.toml

        measured  3.0 s on cores 2-5, all at the same time: a pinned thread on each reads the clock in a tight loop

          time lost in gaps between two readings, gaps by length, and what came between
          core      lost    >1 us   >10 us  >100 us    >1 ms  preempted    steal   interrupts
             2    0.00 %       12        0        0        0          0     0 ms   3 Local timer
             3    0.00 %       12        0        0        0          0     0 ms   3 Local timer
             4    0.00 %       12        0        0        0          0     0 ms   3 Local timer
             5    0.00 %       12        0        0        0          0     0 ms   3 Local timer

          what an event every microsecond would have waited for its thread
          core       p50       p99     p99.9    p99.99       max
             2     20 ns     20 ns     20 ns     20 ns   4300 ns
             3     20 ns     20 ns     20 ns     20 ns   4300 ns
             4     20 ns     20 ns     20 ns     20 ns   4300 ns
             5     20 ns     20 ns     20 ns     20 ns   4300 ns

        in short
          ok      core_map       6 threads, pinned to cores 2-5
          ok      hiccups        longest 4300 ns on core 5, 0.00 % of the time lost  measured

        cores
          ok      isolation      cores 2-5 isolated                                cpu/isolated
          ok      nohz_full      no tick on cores 2-5                              cpu/nohz_full
          ok      rcu_nocbs      RCU callbacks of cores 2-5 run elsewhere          /proc/cmdline
          ok      smt            no siblings                                       cpu/cpu2/topology/thread_siblings_list
          ok      numa           one node                                          node/node*/cpulist
          ok      cpuset         cores 0-7 of 0-7 are allowed                      /proc/self/status
          ok      cpu_quota      none                                              /sys/fs/cgroup/user.slice/session/cpu.max

        interruptions
          ok      irq_affinity   no device interrupts cores 2-5                    /proc/irq/*/effective_affinity_list
          ok      irqbalance     not running                                       /proc/*/comm
          ok      workqueues     kept off the cores of the map                     /sys/devices/virtual/workqueue/cpumask
          ok      watchdog       off the cores of the map                          /proc/sys/kernel/nmi_watchdog
          ok      stat_interval  every 120 s                                       /proc/sys/vm/stat_interval
          ok      audit          no auditd                                         /proc/*/comm
          ok      steal          none while measuring                              /proc/stat
          ok      hypervisor     none                                              /proc/cpuinfo

        power
          ok      governor       performance on 2-5                                cpu/cpu*/cpufreq/scaling_governor
          ok      turbo          off: slower, and even                             cpu/intel_pstate/no_turbo
          ok      c_states       deepest C1, 2 us to wake                          cpu/cpu*/cpuidle/state*/latency

        clock
          ok      tsc            invariant                                         /proc/cpuinfo
          ok      clocksource    tsc                                               clocksource/clocksource0/current_clocksource
          ok      skew           core 3 is -4 ns from core 2, give or take 60 ns   measured

        memory
          ok      swap           none                                              /proc/swaps
          ok      thp            madvise                                           /sys/kernel/mm/transparent_hugepage/enabled
          ok      numa_balancing off                                               /proc/sys/kernel/numa_balancing
          ok      memlock        8388608 bytes; the engine locks none              /proc/self/limits

        system
          ok      priority       limit 0, no CAP_SYS_NICE; the engine needs neither  /proc/self/limits
          ok      rt_throttling  off                                               /proc/sys/kernel/sched_rt_runtime_us
          ok      kernel         6.12.5                                            /proc/sys/kernel/osrelease

        verdict   fit for profile isolated: 30 ok
    "#]];
    expected.assert_eq(&page(&subject));
}

#[test]
fn a_plain_virtual_machine_is_told_what_it_lacks() {
    let files = Files::virtual_machine();
    let mut subject = subject(&files, Profile::Isolated);
    subject.pinned = cores("1");
    subject.spinning = cores("1");
    subject.faults = vec!["test.toml:90:8: core 2 does not exist: choose one of 0-1".to_owned()];
    let expected: Expect = expect![[r#"
        host      Linux 6.8.0-41-generic, EPYC, cores 0-1, 4 GiB, virtual machine (QEMU)
        core map  test.toml

        in short
          FAIL    core_map       1 fault
                                 why    the engine refuses to start with it
                                 config test.toml:90:8: core 2 does not exist: choose one of 0-1

        cores
          FAIL    isolation      core 1 not isolated
                                 read   /sys/devices/system/cpu/isolated: none
                                 why    the scheduler may put any other thread there, for milliseconds at a time
                                 boot   isolcpus=managed_irq,domain,1
          warn    nohz_full      the tick runs on core 1
                                 read   /sys/devices/system/cpu/nohz_full: not there
                                 why    the tick interrupts a spinning thread 100 to 1000 times a second, some us each
                                 do     use a kernel built with CONFIG_NO_HZ_FULL; this one does not know nohz_full=
          warn    rcu_nocbs      RCU callbacks run on core 1
                                 read   /proc/cmdline: no rcu_nocbs=
                                 why    the kernel cleans up on these cores when it likes, some us to some 100 us
                                 boot   rcu_nocbs=1
          ok      smt            no siblings                                       cpu/cpu1/topology/thread_siblings_list
          ok      numa           one node                                          node/node*/cpulist
          ok      cpuset         cores 0-1 of 0-1 are allowed                      /proc/self/status
          ok      cpu_quota      none                                              /sys/fs/cgroup/cpu.max

        interruptions
          warn    irq_affinity   1 device interrupts core 1
                                 read   /proc/irq/*/effective_affinity_list: 36 virtio1-req.0 (14380 so far)
                                 why    each interrupt takes some us from the thread
                                 run    echo 0 | sudo tee /proc/irq/36/smp_affinity_list
          ok      irqbalance     not running                                       /proc/*/comm
          warn    workqueues     allowed on core 1
                                 read   /sys/devices/virtual/workqueue/cpumask: 3
                                 why    the kernel's deferred work may run there, some us to some ms
                                 run    echo 1 | sudo tee /sys/devices/virtual/workqueue/cpumask
          warn    watchdog       checks core 1 for lockups
                                 read   /proc/sys/kernel/nmi_watchdog: 0
                                 read   /proc/sys/kernel/watchdog_cpumask: 0-1
                                 why    its timer and its thread take the core for some us every few seconds
                                 run    sudo sysctl -w kernel.watchdog_cpumask=0
          warn    stat_interval  every 1 s
                                 read   /proc/sys/vm/stat_interval: 1
                                 why    so often a worker of the kernel runs on every core that touched memory
                                 run    sudo sysctl -w vm.stat_interval=120
          ok      audit          no auditd                                         /proc/*/comm
          unknown steal          not measured
          warn    hypervisor     virtual machine (QEMU)
                                 read   /proc/cpuinfo: hypervisor flag
                                 why    the host below may take a core away at any time, and nothing here shows it but the gaps
                                 do     ask for dedicated cores, or for a machine without a hypervisor

        power
          ok      governor       none: the host below sets the frequency           cpu/cpu*/cpufreq/scaling_governor
          ok      turbo          no switch for it here                             cpu/cpufreq/boost
          ok      c_states       none the kernel enters                            cpu/cpu*/cpuidle/state*/latency

        clock
          ok      tsc            invariant                                         /proc/cpuinfo
          warn    clocksource    kvm-clock: a virtual machine's
                                 read   /sys/devices/system/clocksource/clocksource0/current_clocksource: kvm-clock
                                 why    the host below corrects it while the engine runs
                                 run    echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource
          unknown skew           not measured

        memory
          ok      swap           none                                              /proc/swaps
          warn    thp            always
                                 read   /sys/kernel/mm/transparent_hugepage/enabled: [always] madvise never
                                 why    the kernel gathers pages into large ones while threads use them, and they wait
                                 run    echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled
          ok      numa_balancing kernel without it                                 /proc/sys/kernel/numa_balancing
          ok      memlock        8388608 bytes; the engine locks none              /proc/self/limits

        system
          ok      priority       limit 0, CAP_SYS_NICE; the engine needs neither   /proc/self/limits
          ok      rt_throttling  950000 of 1000000 us; the engine has no such threads  /proc/sys/kernel/sched_rt_runtime_us
          ok      kernel         6.8.0-41-generic                                  /proc/sys/kernel/osrelease

        verdict   not fit for profile isolated: 2 fail, 9 warn, 2 unknown, 16 ok
    "#]];
    expected.assert_eq(&page(&subject));
}

#[test]
fn a_laptop_is_fit_for_shared_threads() {
    let files = Files::laptop();
    let expected: Expect = expect![[r#"
        host      Linux 6.12.5, Xeon 6, cores 0-7, 62 GiB
        core map  test.toml

        in short
          ok      core_map       6 threads, none pinned

        cores
          ok      isolation      no thread is pinned to a core                     cpu/isolated
          ok      nohz_full      no thread is pinned to a core                     cpu/nohz_full
          ok      rcu_nocbs      no thread is pinned to a core                     /proc/cmdline
          ok      smt            siblings, which do not matter to unpinned threads  cpu/cpu0/topology/thread_siblings_list
          ok      numa           one node                                          node/node*/cpulist
          ok      cpuset         cores 0-7 of 0-7 are allowed                      /proc/self/status
          ok      cpu_quota      none                                              /sys/fs/cgroup/user.slice/session/cpu.max

        interruptions
          ok      irq_affinity   no thread is pinned to a core                     /proc/irq/*/effective_affinity_list
          ok      irqbalance     running (matters to isolated only)                /proc/812/comm
          ok      workqueues     no thread is pinned to a core                     /sys/devices/virtual/workqueue/cpumask
          ok      watchdog       sends interrupts that cannot be masked (matters to isolated only)  /proc/sys/kernel/nmi_watchdog
          ok      stat_interval  every 1 s (matters to isolated only)              /proc/sys/vm/stat_interval
          ok      audit          no auditd                                         /proc/*/comm
          unknown steal          not measured
          ok      hypervisor     none                                              /proc/cpuinfo

        power
          ok      governor       powersave on 0-7 (matters to isolated only)       cpu/cpu*/cpufreq/scaling_governor
          ok      turbo          on: faster, and less even under load              cpu/intel_pstate/no_turbo
          ok      c_states       deepest C6, 133 us to wake (matters to isolated only)  cpu/cpu*/cpuidle/state*/latency

        clock
          ok      tsc            invariant                                         /proc/cpuinfo
          ok      clocksource    tsc                                               clocksource/clocksource0/current_clocksource
          unknown skew           not measured

        memory
          ok      swap           on /swap.img, swappiness 60 (matters to isolated only)  /proc/swaps
          ok      thp            always (matters to isolated only)                 /sys/kernel/mm/transparent_hugepage/enabled
          ok      numa_balancing off                                               /proc/sys/kernel/numa_balancing
          ok      memlock        8388608 bytes; the engine locks none              /proc/self/limits

        system
          ok      priority       limit 0, no CAP_SYS_NICE; the engine needs neither  /proc/self/limits
          ok      rt_throttling  off                                               /proc/sys/kernel/sched_rt_runtime_us
          ok      kernel         6.12.5                                            /proc/sys/kernel/osrelease

        verdict   fit for profile shared: 2 unknown, 27 ok
    "#]];
    expected.assert_eq(&page(&subject(&files, Profile::Shared)));
}

/// One wrong setting on the tuned host: what the isolated profile says of it, and what mends it.
/// The shared profile never fails for it, and says "ok" wherever only isolated threads care.
#[test]
fn every_setting_matters_on_its_own() {
    let cases: [(&str, &str, &str, State, &str); 24] = [
        (
            "isolation",
            "/sys/devices/system/cpu/isolated",
            "4-5",
            State::Fail,
            "isolcpus=managed_irq,domain,2-5",
        ),
        (
            "nohz_full",
            "/sys/devices/system/cpu/nohz_full",
            "(null)",
            State::Warn,
            "nohz_full=2-5",
        ),
        (
            "rcu_nocbs",
            "/proc/cmdline",
            "quiet rcu_nocbs=2-4",
            State::Warn,
            "rcu_nocbs=2-5",
        ),
        (
            "smt",
            "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list",
            "2-3",
            State::Fail,
            "core = N: one core of each pair",
        ),
        (
            "smt",
            "/sys/devices/system/cpu/cpu2/topology/thread_siblings_list",
            "2,7",
            State::Warn,
            "echo 0 | sudo tee /sys/devices/system/cpu/cpu7/online",
        ),
        (
            "numa",
            "/sys/devices/system/node/node1/cpulist",
            "4-7",
            State::Warn,
            "core = N: cores of one node",
        ),
        (
            "cpu_quota",
            "/sys/fs/cgroup/user.slice/cpu.max",
            "250000 100000",
            State::Fail,
            "echo max | sudo tee /sys/fs/cgroup/user.slice/cpu.max",
        ),
        (
            "irq_affinity",
            "/proc/irq/41/effective_affinity_list",
            "3",
            State::Warn,
            "echo 0-1,6-7 | sudo tee /proc/irq/41/smp_affinity_list",
        ),
        ("irqbalance", "/proc/812/comm", "irqbalance", State::Ok, ""),
        (
            "workqueues",
            "/sys/devices/virtual/workqueue/cpumask",
            "ff",
            State::Warn,
            "echo c3 | sudo tee /sys/devices/virtual/workqueue/cpumask",
        ),
        (
            "watchdog",
            "/proc/sys/kernel/nmi_watchdog",
            "1",
            State::Warn,
            "sudo sysctl -w kernel.nmi_watchdog=0",
        ),
        (
            "watchdog",
            "/proc/sys/kernel/watchdog_cpumask",
            "0-7",
            State::Warn,
            "sudo sysctl -w kernel.watchdog_cpumask=0-1,6-7",
        ),
        (
            "stat_interval",
            "/proc/sys/vm/stat_interval",
            "1",
            State::Warn,
            "sudo sysctl -w vm.stat_interval=120",
        ),
        ("audit", "/proc/913/comm", "auditd", State::Warn, "audit=0"),
        (
            "hypervisor",
            "/sys/hypervisor/type",
            "xen",
            State::Warn,
            "ask for dedicated cores",
        ),
        (
            "governor",
            "/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor",
            "powersave",
            State::Warn,
            "echo performance | sudo tee /sys/devices/system/cpu/cpu4/cpufreq/scaling_governor",
        ),
        (
            "tsc",
            "/proc/cpuinfo",
            "model name\t: Old\nflags\t\t: fpu tsc constant_tsc\n",
            State::Fail,
            "invtsc",
        ),
        (
            "clocksource",
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
            "hpet",
            State::Fail,
            "echo tsc | sudo tee",
        ),
        (
            "clocksource",
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
            "kvm-clock",
            State::Warn,
            "echo tsc | sudo tee",
        ),
        (
            "swap",
            "/proc/swaps",
            "Filename Type Size Used Priority\n/dev/sda2 partition 8388604 0 -2",
            State::Warn,
            "sudo swapoff -a",
        ),
        (
            "thp",
            "/sys/kernel/mm/transparent_hugepage/enabled",
            "[always] madvise never",
            State::Warn,
            "echo madvise | sudo tee",
        ),
        (
            "numa_balancing",
            "/proc/sys/kernel/numa_balancing",
            "1",
            State::Warn,
            "sudo sysctl -w kernel.numa_balancing=0",
        ),
        (
            "kernel",
            "/proc/sys/kernel/osrelease",
            "5.10.0-28-amd64",
            State::Warn,
            "install Linux 5.14",
        ),
        (
            "c_states",
            "/sys/devices/system/cpu/cpu2/cpuidle/state2/disable",
            "0",
            State::Ok,
            "",
        ),
    ];
    for (id, file, text, state, fix) in cases {
        let files = Files::tuned();
        assert_eq!(
            found(&examined(&files, Profile::Isolated), id).state,
            State::Ok,
            "{id} before"
        );
        files.write(file, text);
        let bad = found(&examined(&files, Profile::Isolated), id);
        assert_eq!(bad.state, state, "{id}: {bad:?}");
        let fixes: Vec<String> = bad.fixes.iter().map(ToString::to_string).collect();
        assert!(
            fixes.iter().any(|it| it.contains(fix)) || fix.is_empty(),
            "{id}: {fix} in {fixes:?}"
        );
        assert_eq!(bad.why.is_empty(), state == State::Ok, "{id}: {bad:?}");
        assert!(!bad.evidence.is_empty(), "{id}");
        let shared = found(&examined(&files, Profile::Shared), id);
        assert!(shared.state < State::Fail, "{id}: {shared:?}");
        let anyway = ["cpu_quota", "tsc", "clocksource", "kernel"].contains(&id);
        assert!(anyway || shared.state == State::Ok, "{id}: {shared:?}");
    }
}

/// A file that cannot be read makes the line unknown and says which; it never makes it good.
#[test]
fn what_cannot_be_read_is_unknown() {
    let cases = [
        ("isolation", "/sys/devices/system/cpu/isolated"),
        (
            "smt",
            "/sys/devices/system/cpu/cpu3/topology/thread_siblings_list",
        ),
        ("cpu_quota", "/proc/self/cgroup"),
        ("irq_affinity", "/proc/interrupts"),
        ("workqueues", "/sys/devices/virtual/workqueue/cpumask"),
        ("watchdog", "/proc/sys/kernel/nmi_watchdog"),
        ("stat_interval", "/proc/sys/vm/stat_interval"),
        ("tsc", "/proc/cpuinfo"),
        (
            "clocksource",
            "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        ),
        ("swap", "/proc/swaps"),
        ("memlock", "/proc/self/limits"),
        ("priority", "/proc/self/limits"),
        ("rt_throttling", "/proc/sys/kernel/sched_rt_runtime_us"),
        ("kernel", "/proc/sys/kernel/osrelease"),
    ];
    for (id, file) in cases {
        let files = Files::tuned();
        files.remove(file);
        let unknown = found(&examined(&files, Profile::Isolated), id);
        assert_eq!(unknown.state, State::Unknown, "{id}: {unknown:?}");
        assert!(unknown.what.contains(file), "{id}: {unknown:?}");
        assert!(unknown.fixes.is_empty(), "{id}");
    }
}

#[test]
fn threads_that_sleep_on_cores_of_their_own_wake_late() {
    let files = Files::tuned();
    files.write("/sys/devices/system/cpu/cpu2/cpuidle/state2/disable", "0");
    let mut subject = subject(&files, Profile::Isolated);
    subject.spinning.remove(&2);
    let bad = found(&examine(&subject), "c_states");
    assert_eq!(bad.state, State::Warn);
    assert_eq!(bad.what, "deepest C6, 133 us to wake");
    let fix = "echo 1 | sudo tee /sys/devices/system/cpu/cpu2/cpuidle/state2/disable";
    assert_eq!(bad.fixes[0].to_string(), fix);
}

#[test]
fn irqbalance_is_harmless_once_the_cores_are_isolated() {
    let files = Files::tuned();
    files.write("/proc/812/comm", "irqbalance");
    files.write("/sys/devices/system/cpu/isolated", "");
    let bad = found(&examined(&files, Profile::Isolated), "irqbalance");
    assert_eq!(bad.state, State::Warn);
    assert_eq!(bad.fixes[0].to_string(), "sudo systemctl stop irqbalance");
}

#[test]
fn a_container_with_a_quota_is_told_where_it_comes_from() {
    for (files, file, none) in [
        (Files::container(), "/sys/fs/cgroup/cpu.max", "max"),
        (
            Files::old_container(),
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us",
            "-1",
        ),
    ] {
        let bad = found(&examined(&files, Profile::Shared), "cpu_quota");
        assert_eq!(bad.state, State::Warn, "{bad:?}");
        assert_eq!(bad.what, "1.50 cores, reached 17 times so far");
        assert_eq!(bad.evidence[0].file, file);
        assert_eq!(
            bad.fixes[0].to_string(),
            format!("echo {none} | sudo tee {file}")
        );
        assert_eq!(
            found(&examined(&files, Profile::Isolated), "cpu_quota").state,
            State::Fail
        );
        // Its processes are not all there are.
        for id in ["irqbalance", "audit"] {
            assert_eq!(
                found(&examined(&files, Profile::Shared), id).state,
                State::Unknown,
                "{id}"
            );
        }
    }
}

/// Makes a core worse.
type Spoil = fn(&mut CoreLoad);

#[test]
fn gaps_are_judged_by_the_profile() {
    let files = Files::tuned();
    let judged = |profile, spoil: Spoil| {
        let mut subject = subject(&files, profile);
        let mut load = quiet(&cores("2-5"));
        spoil(&mut load.cores[1]);
        subject.load = Some(load);
        found(&examine(&subject), "hiccups")
    };
    let spoils: [(Spoil, State, State); 5] = [
        (|_| (), State::Ok, State::Ok),
        (|core| core.wait_ns.max = 150_000, State::Warn, State::Ok),
        (|core| core.wait_ns.max = 4_000_000, State::Fail, State::Ok),
        (|core| core.lost_ns = 40_000_000, State::Fail, State::Ok),
        (
            |core| core.wait_ns.max = 30_000_000,
            State::Fail,
            State::Warn,
        ),
    ];
    for (at, (spoil, isolated, shared)) in spoils.into_iter().enumerate() {
        assert_eq!(judged(Profile::Isolated, spoil).state, isolated, "{at}");
        assert_eq!(judged(Profile::Shared, spoil).state, shared, "{at}");
    }
    let bad = judged(Profile::Isolated, |core| core.wait_ns.max = 4_000_000);
    assert_eq!(
        bad.what,
        "longest 4000.0 us on core 3, 0.00 % of the time lost"
    );
    assert!(
        bad.why
            .starts_with("core 3 beyond 1 ms at a time, or 1.00 %"),
        "{}",
        bad.why
    );
}

#[test]
fn steal_skew_and_cores_that_could_not_be_measured() {
    let files = Files::tuned();
    let mut subject = subject(&files, Profile::Isolated);
    let mut load = quiet(&cores("2-5"));
    load.cores[0].steal_ms = Some(30);
    load.skew[0].offset_ns = 5_000;
    load.not_measured
        .push("core 5 was refused by the kernel: EINVAL".to_owned());
    subject.load = Some(load);
    let checks = examine(&subject);
    assert_eq!(
        found(&checks, "steal").what,
        "30 ms of core 2 while measuring"
    );
    assert_eq!(found(&checks, "steal").state, State::Fail);
    assert_eq!(found(&checks, "skew").state, State::Warn);
    subject.load.as_mut().unwrap().skew.clear();
    assert_eq!(found(&examine(&subject), "skew").state, State::Unknown);
    let refused = checks
        .iter()
        .filter(|check| check.id == "hiccups")
        .nth(1)
        .unwrap();
    assert_eq!(refused.found.state, State::Fail);
}

#[test]
fn the_kernels_counts_are_told_apart_by_core() {
    let files = Files::tuned();
    let rows = load::interrupts(&files.text("/proc/interrupts"));
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(
        (row("41").what.as_str(), row("41").of(3)),
        ("eth0-rx-0", Some(9))
    );
    assert_eq!(row("LOC").what, "Local timer interrupts");
    assert_eq!(row("ERR").of(0), Some(0));
    let mask = kernel::cores_of_mask("1,00000003").unwrap();
    assert_eq!(mask, cores("0-1,32"));
    assert_eq!(kernel::mask_of_cores(&mask), "1,00000003");
    assert_eq!(kernel::mask_of_cores(&cores("0-1,6-7")), "c3");
    assert_eq!(kernel::cores_of_mask("zz"), None);
}
