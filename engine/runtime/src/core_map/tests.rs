#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes snapshots with them"
)]

use super::*;
use expect_test::{Expect, expect};

const AGENTS: [&str; 4] = ["feed", "sequencer", "market", "logger"];

/// Four cores, number 3 of them offline, 2 isolated; this process may use 0 to 2.
fn host() -> Host {
    let cores = |text| parse_core_list(text).expect("a list");
    Host {
        possible: cores("0-3"),
        online: cores("0-2"),
        allowed: cores("0-2"),
        isolated: Ok(cores("2")),
        nohz_full: Err("not readable".to_owned()),
    }
}

fn faults(text: &str, host: &Host) -> String {
    let raw: RawCoreMap = toml::from_str(text).expect("legal TOML");
    match check(&raw, &AGENTS, host) {
        Ok(map) => map.to_string(),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            lines.join("\n") + "\n"
        }
    }
}

fn check_text(text: &str, expected: &Expect) {
    expected.assert_eq(&faults(text, &host()));
}

#[test]
fn a_shared_map_pins_and_parks() {
    check_text(
        r#"
        [[thread]]
        name = "ingress"
        core = 0
        agents = ["feed", "sequencer"]
        [[thread]]
        name = "market"
        core = 1
        idle = "yield"
        agents = ["market"]
        [[thread]]
        name = "cold"
        agents = ["logger"]
        "#,
        &expect![[r#"
            ingress         core 0    park    feed, sequencer
            market          core 1    yield   market
            cold            unpinned  park    logger
        "#]],
    );
}

#[test]
fn an_isolated_map_spins_on_its_own_core_and_parks_elsewhere() {
    check_text(
        r#"
        profile = "isolated"
        [[thread]]
        name = "hot"
        core = 2
        agents = ["feed", "sequencer", "market"]
        [[thread]]
        name = "cold"
        agents = ["logger"]
        "#,
        &expect![[r#"
            hot             core 2    spin    feed, sequencer, market
            cold            unpinned  park    logger
        "#]],
    );
}

#[test]
fn a_folded_map_needs_no_threads() {
    check_text(
        r#"profile = "folded""#,
        &expect![[r#"
            folded          unpinned  park    feed, sequencer, market, logger
        "#]],
    );
}

#[test]
fn agents_unknown_twice_and_missing() {
    check_text(
        r#"
        [[thread]]
        name = "one"
        agents = ["feed", "sequenser", "feed"]
        [[thread]]
        name = "two"
        agents = ["feed", "database"]
        "#,
        &expect![[r#"
            [[core_map.thread]] number 1, agents: unknown agent "sequenser", did you mean "sequencer"? (legal: feed, sequencer, market, logger)
            [[core_map.thread]] number 1, agents: agent "feed" is listed twice in this thread
            [[core_map.thread]] number 2, agents: agent "feed" is already on thread "one"
            [[core_map.thread]] number 2, agents: unknown agent "database" (legal: feed, sequencer, market, logger)
            [core_map], agents: agent "sequencer" is on no thread: add it to one of one, two
            [core_map], agents: agent "market" is on no thread: add it to one of one, two
            [core_map], agents: agent "logger" is on no thread: add it to one of one, two
        "#]],
    );
}

#[test]
fn cores_that_are_not_there() {
    check_text(
        r#"
        [[thread]]
        name = "a"
        core = 1024
        agents = ["feed"]
        [[thread]]
        name = "b"
        core = -1
        agents = ["sequencer"]
        [[thread]]
        name = "c"
        core = 3
        agents = ["market"]
        [[thread]]
        name = "d"
        core = 9
        agents = ["logger"]
        "#,
        &expect![[r#"
            [[core_map.thread]] number 1, core: core 1024 is out of range: core numbers are 0 to 1023, here 0-2
            [[core_map.thread]] number 2, core: core -1 is out of range: core numbers are 0 to 1023, here 0-2
            [[core_map.thread]] number 3, core: core 3 is offline: choose one of 0-2
            [[core_map.thread]] number 4, core: core 9 does not exist: choose one of 0-2
        "#]],
    );
}

#[test]
fn a_core_outside_our_cpuset_is_refused() {
    let mut host = host();
    host.allowed = BTreeSet::from([0, 2]);
    let text = r#"
        [[thread]]
        name = "all"
        core = 1
        agents = ["feed", "sequencer", "market", "logger"]
    "#;
    expect![[r#"
        [[core_map.thread]] number 1, core: core 1 is not allowed for this process (cpuset or taskset): choose one of 0,2
    "#]]
    .assert_eq(&faults(text, &host));
}

const SPIN: &str = r#"
    [[thread]]
    name = "own"
    core = 2
    idle = "spin"
    agents = ["feed"]
    [[thread]]
    name = "open"
    core = 0
    idle = "spin"
    agents = ["sequencer"]
    [[thread]]
    name = "guest"
    core = 2
    agents = ["market"]
    [[thread]]
    name = "nowhere"
    idle = "spin"
    agents = ["logger"]
"#;

#[test]
fn spin_needs_an_exclusive_core() {
    check_text(
        SPIN,
        &expect![[r#"
            [[core_map.thread]] number 1, idle: spin on core 2, which thread guest uses too: give each its own core, put the agents on one thread, or set idle = yield, backoff or park
            [[core_map.thread]] number 2, idle: spin on core 0, which other programs may use (isolated cores: 2): isolate it (isolcpus= or an isolated cpuset), or set idle = yield, backoff or park
            [[core_map.thread]] number 4, idle: spin needs a core of its own, and this thread is not pinned: set core, or idle = yield, backoff or park
        "#]],
    );
}

#[test]
fn spin_is_refused_when_exclusiveness_cannot_be_told() {
    let mut host = host();
    host.isolated = Err("/sys/devices/system/cpu/isolated: no such file".to_owned());
    let text = r#"
        profile = "isolated"
        [[thread]]
        name = "hot"
        core = 2
        agents = ["feed", "sequencer", "market", "logger"]
    "#;
    expect![[r#"
        [[core_map.thread]] number 1, idle: spin on core 2, and whether it is exclusively ours cannot be told (/sys/devices/system/cpu/isolated: no such file): set idle = yield, backoff or park
    "#]]
    .assert_eq(&faults(text, &host));
}

#[test]
fn shapes_that_make_no_sense() {
    check_text(
        r#"
        profile = "folded"
        [[thread]]
        name = "a"
        agents = ["feed", "sequencer", "market", "logger"]
        [[thread]]
        name = "a"
        agents = []
        [[thread]]
        name = "a-name-that-is-too-long"
        agents = []
        "#,
        &expect![[r#"
            [core_map], profile: profile "folded" has one thread, this map has 3: merge them, or say "shared" or "isolated"
            [[core_map.thread]] number 2, name: "a" is the name of thread number 1 too
            [[core_map.thread]] number 2, agents: a thread without agents has nothing to do: name some, or remove it
            [[core_map.thread]] number 3, name: "a-name-that-is-too-long" has 23 bytes: a thread's name has 1 to 15
            [[core_map.thread]] number 3, agents: a thread without agents has nothing to do: name some, or remove it
        "#]],
    );
    check_text(
        "",
        &expect![[r#"
            [core_map], thread: no threads: add [[core_map.thread]] tables, say profile = "folded", or leave [core_map] out for the default map
        "#]],
    );
}

#[test]
fn unknown_keys_and_idle_words_are_refused() {
    let unknown = toml::from_str::<RawCoreMap>("profil = \"shared\"").expect_err("a typing error");
    assert!(unknown.to_string().contains("profil"), "{unknown}");
    let idle = "[[thread]]\nname = \"a\"\nidle = \"nap\"\nagents = []";
    let idle = toml::from_str::<RawCoreMap>(idle).expect_err("no such strategy");
    assert!(idle.to_string().contains("backoff"), "{idle}");
}

#[test]
fn a_checked_map_written_out_is_the_same_map() {
    let map = CoreMap::shared(&[
        ("ingress", &["feed", "sequencer"]),
        ("rest", &["market", "logger"]),
    ]);
    let text = toml::to_string(&map.to_raw()).expect("a map is TOML");
    let raw: RawCoreMap = toml::from_str(&text).expect("its own text");
    assert_eq!(check(&raw, &AGENTS, &host()), Ok(map));
}

#[test]
fn core_lists_as_the_kernel_writes_them() {
    let cases: [(&str, Option<&[usize]>); 8] = [
        ("", Some(&[])),
        ("(null)", Some(&[])),
        ("0", Some(&[0])),
        ("0-2,5", Some(&[0, 1, 2, 5])),
        ("3-1", None),
        ("0-99999999999", None),
        ("x", None),
        ("1,,2", None),
    ];
    for (text, expected) in cases {
        let expected = expected.map(|cores| cores.iter().copied().collect());
        assert_eq!(parse_core_list(text), expected, "{text}");
    }
}

#[test]
fn this_machine_can_be_read() {
    let host = Host::read();
    assert!(!host.usable().is_empty());
    assert!(host.online.is_subset(&host.possible));
}

#[test]
fn a_host_is_read_from_the_files_under_a_root() {
    let root = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    };
    let cores = |text| parse_core_list(text).expect("a list");
    let bare = Host::under(root.path(), cores("1"));
    assert_eq!((bare.possible, bare.online), (cores("1"), cores("1")));
    assert!(bare.isolated.expect_err("no such file").contains("/sys/"));
    write("sys/devices/system/cpu/possible", "0-7\n");
    write("sys/devices/system/cpu/online", "0-5\n");
    write("sys/devices/system/cpu/isolated", "2-3\n");
    write("sys/devices/system/cpu/nohz_full", "(null)\n");
    let booted = Host::under(root.path(), cores("0-5"));
    assert_eq!(booted.isolated, Ok(cores("2-3")));
    assert_eq!(booted.nohz_full, Ok(cores("")));
    assert_eq!(booted.usable(), cores("0-5"));
    write("sys/fs/cgroup/cpuset.cpus.isolated", "5\n");
    let partitioned = Host::under(root.path(), cores("0-5"));
    assert_eq!(partitioned.isolated, Ok(cores("2-3,5")));
}
