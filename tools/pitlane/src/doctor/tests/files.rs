//! Paths of the configuration on file systems of all kinds.

use super::*;

const MOUNTS: &str = "\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:21 / /dev/shm rw - tmpfs tmpfs rw
24 22 0:30 / /mnt/nas rw - nfs4 nas:/ticks rw
25 22 8:3 / /mnt/old ro - ext4 /dev/sdc1 rw
26 22 8:4 / /mnt/slow rw,sync - ext4 /dev/sdd1 rw
27 22 0:31 / /mnt/layer rw - overlay overlay rw
28 22 8:5 / /mnt/my\\040disk rw - xfs /dev/sde1 rw
";

const GIB: u64 = 1 << 30;

fn judged(
    profile: Profile,
    key: &'static str,
    at: &str,
    free_bytes: u64,
    writable: bool,
) -> Finding {
    let files = Files::tuned();
    files.write("/proc/self/mountinfo", MOUNTS);
    let mut subject = subject(&files, profile);
    subject.places = vec![Place {
        key,
        path: PathBuf::from(at),
        at: PathBuf::from(at),
        needs: GIB,
        room: Ok(Room {
            free_bytes,
            writable,
        }),
    }];
    found(&examine(&subject), key)
}

#[test]
fn a_disk_with_room_is_good() {
    let good = judged(
        Profile::Isolated,
        "tick_store.dir",
        "/var/lib/ticks",
        50 * GIB,
        true,
    );
    assert_eq!(good.state, State::Ok);
    assert_eq!(good.what, "/var/lib/ticks on ext4 at /, 50 GiB free");
    let spaced = judged(
        Profile::Shared,
        "log.dir",
        "/mnt/my disk/logs",
        50 * GIB,
        true,
    );
    assert!(spaced.what.contains("xfs at /mnt/my disk"), "{spaced:?}");
}

#[test]
fn places_where_the_engine_should_not_write() {
    let cases = [
        (
            "tick_store.dir",
            "/mnt/old/x",
            50 * GIB,
            true,
            State::Fail,
            State::Fail,
            "read-only",
        ),
        (
            "tick_store.dir",
            "/srv",
            50 * GIB,
            false,
            State::Fail,
            State::Fail,
            "may not write",
        ),
        (
            "tick_store.dir",
            "/srv",
            GIB / 2,
            true,
            State::Fail,
            State::Fail,
            "asks for 1 GiB",
        ),
        (
            "tick_store.dir",
            "/srv",
            GIB + 5,
            true,
            State::Warn,
            State::Warn,
            "little more is left",
        ),
        (
            "storage.path",
            "/mnt/nas/db",
            50 * GIB,
            true,
            State::Fail,
            State::Warn,
            "lost connection",
        ),
        (
            "log.dir",
            "/mnt/nas/log",
            50 * GIB,
            true,
            State::Ok,
            State::Ok,
            "",
        ),
        (
            "tick_store.dir",
            "/dev/shm/t",
            50 * GIB,
            true,
            State::Warn,
            State::Warn,
            "after a reboot",
        ),
        (
            "stats.dir",
            "/dev/shm/s",
            50 * GIB,
            true,
            State::Ok,
            State::Ok,
            "",
        ),
        (
            "stats.dir",
            "/srv",
            50 * GIB,
            true,
            State::Warn,
            State::Ok,
            "counters page",
        ),
        (
            "log.dir",
            "/mnt/layer/log",
            50 * GIB,
            true,
            State::Warn,
            State::Warn,
            "container",
        ),
        (
            "tick_store.dir",
            "/mnt/slow/t",
            50 * GIB,
            true,
            State::Warn,
            State::Warn,
            "waits for the disk",
        ),
    ];
    for (key, at, free, writable, isolated, shared, why) in cases {
        let bad = judged(Profile::Isolated, key, at, free, writable);
        assert_eq!(bad.state, isolated, "{key} {at}: {bad:?}");
        assert!(bad.why.contains(why), "{key} {at}: {bad:?}");
        assert_eq!(
            bad.fixes.is_empty(),
            isolated == State::Ok,
            "{key} {at}: {bad:?}"
        );
        let bad = judged(Profile::Shared, key, at, free, writable);
        assert_eq!(bad.state, shared, "{key} {at}: {bad:?}");
    }
}

#[test]
fn neighbours_on_a_disk_want_their_part() {
    let files = Files::tuned();
    files.write("/proc/self/mountinfo", MOUNTS);
    let mut subject = subject(&files, Profile::Shared);
    let place = |key, at: &str| Place {
        key,
        path: at.into(),
        at: at.into(),
        needs: GIB,
        room: Ok(Room {
            free_bytes: GIB + GIB / 2,
            writable: true,
        }),
    };
    subject.places = vec![place("tick_store.dir", "/a"), place("log.dir", "/b")];
    let bad = found(&examine(&subject), "log.dir");
    assert_eq!(
        (bad.state, bad.why.as_str()),
        (State::Fail, "the configuration asks for 2 GiB there")
    );
}

#[test]
fn a_place_that_cannot_be_asked_is_unknown() {
    let files = Files::tuned();
    let mut subject = subject(&files, Profile::Shared);
    subject.places = vec![Place {
        key: "log.dir",
        path: "/x".into(),
        at: "/x".into(),
        needs: 0,
        room: Err("permission denied".to_owned()),
    }];
    let unknown = found(&examine(&subject), "log.dir");
    assert_eq!(unknown.state, State::Unknown);
    assert_eq!(unknown.what, "/x: permission denied");
}
