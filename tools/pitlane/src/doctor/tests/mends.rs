//! What mends a host, as a person types it and as a script.

use super::*;
use crate::doctor::check::Fix;
use std::path::Path;
use std::process::Command;

/// No setting sends the system nowhere: a map that takes every core has to change first.
#[test]
fn a_map_of_every_core_is_mended_in_the_map() {
    let whole = |files: &Files| {
        let mut subject = subject(files, Profile::Isolated);
        subject.pinned = subject.host.online.clone();
        subject.spinning = subject.pinned.clone();
        subject
    };
    let files = Files::virtual_machine();
    files.write("/sys/devices/system/cpu/nohz_full", "");
    let subject = whole(&files);
    let checks = examine(&subject);
    for id in [
        "isolation",
        "nohz_full",
        "rcu_nocbs",
        "irq_affinity",
        "workqueues",
        "watchdog",
    ] {
        assert_eq!(
            found(&checks, id).fixes,
            [Fix::config(
                "name fewer cores: the system needs at least one of 0-1"
            )],
            "{id}"
        );
    }
    let script = script(&subject, &checks);
    for wrong in ["isolcpus", "smp_affinity", "cpumask", "# boot"] {
        assert!(!script.contains(wrong), "{wrong} in {script}");
    }

    // The siblings of the map's cores are all that is left.
    let files = Files::tuned();
    files.write("/sys/devices/system/cpu/online", "2-7");
    for core in 2..=4 {
        let file = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
        files.write(&file, &format!("{core},{}", core + 3));
    }
    let mut subject = whole(&files);
    subject.pinned = cores("2-4");
    let fixes = found(&examine(&subject), "smt").fixes;
    assert!(
        matches!(fixes.as_slice(), [Fix::Config { .. }]),
        "{fixes:?}"
    );
}

/// Words that the kernel does not know mend nothing.
#[test]
fn a_kernel_without_nohz_full_is_not_told_to_boot_with_it() {
    let files = Files::tuned();
    files.remove("/sys/devices/system/cpu/nohz_full");
    let bad = found(&examined(&files, Profile::Isolated), "nohz_full");
    assert_eq!(bad.state, State::Warn);
    assert!(
        matches!(bad.fixes.as_slice(), [Fix::Hint { text }] if text.contains("CONFIG_NO_HZ_FULL")),
        "{bad:?}"
    );
}

#[test]
fn the_script_does_and_undoes() {
    let files = Files::tuned();
    files.write("/sys/devices/system/cpu/isolated", "");
    files.write("/sys/devices/system/cpu/nohz_full", "");
    files.write(
        "/sys/devices/system/cpu/cpu4/cpufreq/scaling_governor",
        "powersave",
    );
    files.write(
        "/sys/devices/system/cpu/cpu5/cpufreq/scaling_governor",
        "schedutil",
    );
    files.write("/proc/swaps", "Filename Type\n/dev/sda2 partition");
    let subject = subject(&files, Profile::Isolated);
    let expected: Expect = expect![[r#"
        #!/bin/sh
        # What mends this host for cores 2-5: test.toml.
        # Commands hold until the next boot.

        # isolation: cores 2-5 not isolated; the scheduler may put any other thread there, for milliseconds at a time
        # needs a reboot: isolcpus=managed_irq,domain,2-5

        # nohz_full: the tick runs on cores 2-5; the tick interrupts a spinning thread 100 to 1000 times a second, some us each
        # needs a reboot: nohz_full=2-5

        # governor: performance on 2-3, powersave on 4, schedutil on 5; the clock speed follows the load with a delay of many us to ms
        echo 'performance' > /sys/devices/system/cpu/cpu4/cpufreq/scaling_governor
        # undo: echo 'powersave' > /sys/devices/system/cpu/cpu4/cpufreq/scaling_governor
        echo 'performance' > /sys/devices/system/cpu/cpu5/cpufreq/scaling_governor
        # undo: echo 'schedutil' > /sys/devices/system/cpu/cpu5/cpufreq/scaling_governor

        # swap: on /dev/sda2, swappiness 1; a page that was swapped out costs ms when it is touched again
        swapoff -a
        # undo: swapon -a

        # boot: isolcpus=managed_irq,domain,2-5 nohz_full=2-5
    "#]];
    expected.assert_eq(&script(&subject, &examine(&subject)));
}

#[test]
fn many_files_are_written_as_a_shell_writes_them() {
    let fix = |files: &[&str]| {
        let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
        let was = vec![String::new(); files.len()];
        let value = "1".to_owned();
        Fix::Set { files, value, was }.to_string()
    };
    assert_eq!(
        fix(&["/a/cpu2/b", "/a/cpu13/b"]),
        "echo 1 | sudo tee /a/cpu{2,13}/b"
    );
    assert_eq!(fix(&["/a/1", "/a/11"]), "echo 1 | sudo tee /a/1{,1}");
    assert_eq!(
        fix(&["/proc/sys/vm/swappiness"]),
        "sudo sysctl -w vm.swappiness=1"
    );
}

/// What a configuration names ends up in a line that root runs.
#[test]
fn a_path_is_one_word_of_the_command_and_the_command_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it's a; touch harm #");
    let files = Files::tuned();
    files.write(
        "/proc/self/mountinfo",
        "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
    );
    let mut subject = subject(&files, Profile::Shared);
    let place = |path: &Path| Place {
        key: "log.dir",
        path: path.to_owned(),
        at: PathBuf::from("/"),
        needs: 0,
        room: Ok(Room {
            free_bytes: u64::MAX,
            writable: false,
        }),
    };
    subject.places = vec![place(&path)];
    let text = script(&subject, &examine(&subject));
    let command = text.lines().find(|line| line.starts_with("install"));
    let mut shell = Command::new("sh");
    shell.args(["-c", command.unwrap()]).env_remove("SUDO_USER");
    let done = shell.current_dir(folder.path()).status().unwrap();
    assert!(done.success() && path.is_dir(), "{text}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "{text}");

    subject.places = vec![place(Path::new("/x\ntouch harm\n"))];
    let text = script(&subject, &examine(&subject));
    assert!(!text.contains("\ntouch"), "{text}");
}
