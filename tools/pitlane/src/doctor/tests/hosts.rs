//! The files of four hosts, as far as they are read.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder that looks like the root of a host.
pub struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let host = Self(tempfile::tempdir().unwrap());
        for (file, text) in files {
            host.write(file, text);
        }
        host
    }

    /// Eight cores of bare metal, 2 to 5 of them free for us.
    pub fn tuned() -> Self {
        let host = Self::new(&[
            (
                "/proc/cmdline",
                "quiet isolcpus=managed_irq,domain,2-5 nohz_full=2-5 rcu_nocbs=2-5",
            ),
            (
                "/proc/cpuinfo",
                "model name\t: Xeon 6\nflags\t\t: fpu tsc constant_tsc nonstop_tsc\n",
            ),
            ("/proc/meminfo", "MemTotal:       65011712 kB\n"),
            ("/proc/2/comm", "kthreadd"),
            ("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
            ("/proc/interrupts", INTERRUPTS),
            ("/proc/irq/41/smp_affinity_list", "0-7"),
            ("/proc/irq/41/effective_affinity_list", "1"),
            (
                "/proc/self/status",
                "CapEff:\t0000000000000000\nCpus_allowed_list:\t0-7\n",
            ),
            ("/proc/self/limits", LIMITS),
            ("/proc/self/cgroup", "0::/user.slice/session\n"),
            (
                "/proc/self/mountinfo",
                "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n22 1 8:1 / / rw - xfs /dev/nvme0n1p2 rw\n",
            ),
            ("/proc/sys/kernel/osrelease", "6.12.5"),
            ("/proc/sys/kernel/nmi_watchdog", "0"),
            ("/proc/sys/kernel/soft_watchdog", "1"),
            ("/proc/sys/kernel/watchdog_cpumask", "0-1,6-7"),
            ("/proc/sys/kernel/numa_balancing", "0"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "-1"),
            ("/proc/sys/vm/stat_interval", "120"),
            ("/proc/sys/vm/swappiness", "1"),
            ("/sys/devices/system/cpu/possible", "0-7"),
            ("/sys/devices/system/cpu/online", "0-7"),
            ("/sys/devices/system/cpu/isolated", "2-5"),
            ("/sys/devices/system/cpu/nohz_full", "2-5"),
            ("/sys/devices/system/cpu/intel_pstate/no_turbo", "1"),
            ("/sys/devices/system/node/node0/cpulist", "0-7"),
            ("/sys/devices/system/node/node1/cpulist", ""),
            (
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                "tsc",
            ),
            (
                "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                "tsc hpet acpi_pm",
            ),
            ("/sys/devices/virtual/workqueue/cpumask", "c3"),
            (
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "always [madvise] never",
            ),
        ]);
        for core in 0..8 {
            let folder = format!("/sys/devices/system/cpu/cpu{core}");
            host.write(
                &format!("{folder}/topology/thread_siblings_list"),
                &core.to_string(),
            );
            host.write(&format!("{folder}/cpufreq/scaling_governor"), "performance");
            host.state(core, "state0", "POLL", "0", "0");
            host.state(core, "state1", "C1", "2", "0");
            host.state(core, "state2", "C6", "133", "1");
        }
        host
    }

    /// Two cores of somebody else's machine.
    pub fn virtual_machine() -> Self {
        let host = Self::new(&[
            ("/proc/cmdline", "console=ttyS0"),
            (
                "/proc/cpuinfo",
                "model name\t: EPYC\nflags\t\t: fpu tsc constant_tsc nonstop_tsc hypervisor\n",
            ),
            ("/proc/meminfo", "MemTotal:        4194304 kB\n"),
            ("/proc/2/comm", "kthreadd"),
            ("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n"),
            (
                "/proc/interrupts",
                "           CPU0       CPU1\n 36:          0      14380  PCI-MSIX 1-edge      virtio1-req.0\n",
            ),
            ("/proc/irq/36/smp_affinity_list", "0-1"),
            ("/proc/irq/36/effective_affinity_list", "1"),
            (
                "/proc/self/status",
                "CapEff:\t000001ffffffffff\nCpus_allowed_list:\t0-1\n",
            ),
            ("/proc/self/limits", LIMITS),
            ("/proc/self/cgroup", "0::/\n"),
            (
                "/proc/self/mountinfo",
                "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n22 1 8:1 / / rw - ext4 /dev/vda rw\n",
            ),
            ("/proc/sys/kernel/osrelease", "6.8.0-41-generic"),
            ("/proc/sys/kernel/nmi_watchdog", "0"),
            ("/proc/sys/kernel/soft_watchdog", "1"),
            ("/proc/sys/kernel/watchdog_cpumask", "0-1"),
            ("/proc/sys/kernel/sched_rt_runtime_us", "950000"),
            ("/proc/sys/kernel/sched_rt_period_us", "1000000"),
            ("/proc/sys/vm/stat_interval", "1"),
            ("/sys/class/dmi/id/sys_vendor", "QEMU"),
            ("/sys/devices/system/cpu/possible", "0-1"),
            ("/sys/devices/system/cpu/online", "0-1"),
            ("/sys/devices/system/cpu/isolated", ""),
            ("/sys/devices/system/node/node0/cpulist", "0-1"),
            (
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                "kvm-clock",
            ),
            (
                "/sys/devices/system/clocksource/clocksource0/available_clocksource",
                "kvm-clock tsc acpi_pm",
            ),
            ("/sys/devices/virtual/workqueue/cpumask", "3"),
            (
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "[always] madvise never",
            ),
        ]);
        for core in 0..6 {
            let folder = format!("/sys/devices/system/cpu/cpu{core}");
            host.write(
                &format!("{folder}/topology/thread_siblings_list"),
                &core.to_string(),
            );
        }
        host
    }

    /// Four cores with siblings that save power, and nothing reserved.
    pub fn laptop() -> Self {
        let host = Self::tuned();
        for (file, text) in [
            ("/proc/cmdline", "quiet splash"),
            (
                "/proc/swaps",
                "Filename\tType\tSize\tUsed\tPriority\n/swap.img\tfile\t4194300\t0\t-2\n",
            ),
            ("/proc/812/comm", "irqbalance"),
            ("/proc/sys/kernel/nmi_watchdog", "1"),
            ("/proc/sys/kernel/watchdog_cpumask", "0-7"),
            ("/proc/sys/vm/stat_interval", "1"),
            ("/proc/sys/vm/swappiness", "60"),
            ("/sys/devices/system/cpu/isolated", ""),
            ("/sys/devices/system/cpu/nohz_full", "(null)"),
            ("/sys/devices/system/cpu/intel_pstate/no_turbo", "0"),
            ("/sys/devices/virtual/workqueue/cpumask", "ff"),
            (
                "/sys/kernel/mm/transparent_hugepage/enabled",
                "[always] madvise never",
            ),
        ] {
            host.write(file, text);
        }
        for core in 0..8 {
            let folder = format!("/sys/devices/system/cpu/cpu{core}");
            let pair = format!("{}-{}", core / 2 * 2, core / 2 * 2 + 1);
            host.write(&format!("{folder}/topology/thread_siblings_list"), &pair);
            host.write(&format!("{folder}/cpufreq/scaling_governor"), "powersave");
            host.write(&format!("{folder}/cpuidle/state2/disable"), "0");
        }
        host
    }

    /// A container with a core and a half, of the second version of control groups.
    pub fn container() -> Self {
        let host = Self::laptop();
        host.remove("/proc/2/comm");
        host.remove("/proc/812/comm");
        host.write("/proc/self/cgroup", "0::/\n");
        host.write(
            "/proc/self/mountinfo",
            "30 22 0:26 /docker/4f5a /sys/fs/cgroup ro - cgroup2 cgroup rw\n22 1 0:9 / / rw - overlay overlay rw\n",
        );
        host.write("/sys/fs/cgroup/cpu.max", "150000 100000");
        host.write(
            "/sys/fs/cgroup/cpu.stat",
            "usage_usec 9\nnr_periods 40\nnr_throttled 17\n",
        );
        host
    }

    /// The same of the first version.
    pub fn old_container() -> Self {
        let host = Self::container();
        host.remove("/sys/fs/cgroup/cpu.max");
        host.write(
            "/proc/self/cgroup",
            "4:memory:/docker/4f5a\n3:cpu,cpuacct:/docker/4f5a\n0::/\n",
        );
        host.write(
            "/proc/self/mountinfo",
            "30 22 0:26 /docker/4f5a /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
             22 1 0:9 / / rw - overlay overlay rw\n",
        );
        let folder = "/sys/fs/cgroup/cpu,cpuacct";
        host.write(&format!("{folder}/cpu.cfs_quota_us"), "150000");
        host.write(&format!("{folder}/cpu.cfs_period_us"), "100000");
        host.write(
            &format!("{folder}/cpu.stat"),
            "nr_periods 40\nnr_throttled 17\n",
        );
        host
    }

    fn state(&self, core: usize, state: &str, name: &str, latency: &str, disable: &str) {
        let folder = format!("/sys/devices/system/cpu/cpu{core}/cpuidle/{state}");
        for (file, text) in [("name", name), ("latency", latency), ("disable", disable)] {
            self.write(&format!("{folder}/{file}"), text);
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file.trim_start_matches('/'))
    }

    pub fn root(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn remove(&self, file: &str) {
        fs::remove_file(self.path(file)).unwrap();
    }

    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }
}

const INTERRUPTS: &str = "           CPU0       CPU1       CPU2       CPU3       CPU4       CPU5       CPU6       CPU7
 41:        100        200          0          9          0          0          0          0  PCI-MSIX-0000:05:00.0   1-edge      eth0-rx-0
LOC:      95867      98607         10         10         10         10         10         10   Local timer interrupts
ERR:          0
";

const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units
Max locked memory         8388608              8388608              bytes
Max realtime priority     0                    0
";
