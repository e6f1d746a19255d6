use super::*;
use std::time::Duration;

fn rule(text: &str) -> Rule {
    text.parse().unwrap()
}

/// Which of the events 1 to `count` of a stream are hit.
fn hits(text: &str, count: usize) -> Vec<usize> {
    let mut faults = Faults::new(7, vec![rule(text)], Instant::now());
    let second = 1_000_000_000;
    (1..=count)
        .filter(|event| {
            let now = i64::try_from(*event).unwrap() * second;
            faults
                .on_stream("btcusdt@depth@100ms", *event, now)
                .is_some()
        })
        .collect()
}

#[test]
fn rules_hit_when_they_say() {
    assert_eq!(hits("drop:every=3", 10), [3, 6, 9]);
    assert_eq!(hits("drop:every=3,times=2", 10), [3, 6]);
    assert_eq!(hits("drop:every=3,after=2", 10), [5, 8]);
    assert_eq!(hits("drop:after=4,times=1", 10), [5]);
    assert_eq!(hits("drop:after=4,times=1,for=3", 10), [5, 6, 7]);
    assert_eq!(hits("stale:after=2,for=4s", 10), [3, 4, 5, 6]);
    assert_eq!(hits("stale:for=2", 10), [1, 2]);
    assert_eq!(hits("drop", 3), [1, 2, 3]);
    assert_eq!(hits("drop:p=0", 50), [0; 0]);
    assert_eq!(hits("drop:p=1", 3), [1, 2, 3]);
}

#[test]
fn rules_hit_the_streams_they_name() {
    for on in ["btcusdt@depth@100ms", "depth@100ms", "depth", "btcusdt"] {
        assert_eq!(hits(&format!("drop:on={on}"), 1), [1], "{on}");
    }
    for on in ["trade", "dep", "btcusdt@depth", "ethusdt"] {
        assert_eq!(hits(&format!("drop:on={on}"), 1), [0; 0], "{on}");
    }
}

#[test]
fn chance_depends_on_the_seed_and_the_event_alone() {
    let run = |seed, from: usize| -> Vec<usize> {
        let mut faults = Faults::new(seed, vec![rule("drop:p=0.1")], Instant::now());
        (from..4000)
            .filter(|event| faults.on_stream("a@trade", *event, 0).is_some())
            .collect()
    };
    let all = run(7, 0);
    assert!((300..500).contains(&all.len()), "{}", all.len());
    assert_eq!(all, run(7, 0));
    assert_ne!(all, run(8, 0));
    let late: Vec<_> = all.iter().copied().filter(|event| *event >= 2000).collect();
    assert_eq!(late, run(7, 2000));
}

#[test]
fn answers_are_hit_by_path_and_connections_by_time() {
    let opened = Instant::now();
    let rules = [
        "429:on=depth,retry=7,times=1",
        "wrong-snapshot:how=old",
        "refuse:for=5s,times=1",
        "500:on=klines?symbol=ETHUSDT",
    ];
    let mut faults = Faults::new(1, rules.map(rule).to_vec(), opened);
    let mut ask = |path| faults.on_request(path, Some("BTCUSDT"), opened);
    assert_eq!(ask("/api/v3/ping"), None);
    assert_eq!(
        ask("/api/v3/depth"),
        Some(Answer::Status {
            code: 429,
            retry: 7
        })
    );
    assert_eq!(ask("/api/v3/depth"), Some(Answer::Snapshot(Wrong::Old)));
    assert_eq!(ask("/api/v3/trades"), None);
    assert_eq!(ask("/api/v3/klines"), None);
    let mut ask = |symbol| faults.on_request("/api/v3/klines", symbol, opened);
    let failure = Answer::Status {
        code: 500,
        retry: 0,
    };
    assert_eq!(ask(Some("ETHUSDT")), Some(failure));
    assert_eq!(ask(None), None);
    let mut connect = |s| faults.on_connect(opened + Duration::from_secs(s));
    assert_eq!([0, 4, 5, 9].map(&mut connect), [true, true, false, false]);
    let done: Vec<_> = faults.done().iter().map(|of| (of.seen, of.done)).collect();
    assert_eq!(done, [(2, 1), (1, 1), (4, 2), (1, 1)]);
    assert_eq!(faults.on_handshake(opened), None);
    faults.add(rule("html:on=handshake,times=1"));
    assert_eq!(faults.on_request("/api/v3/time", None, opened), None);
    assert_eq!(faults.on_handshake(opened), Some(Answer::Bad(Bad::Html)));
    assert_eq!(faults.on_handshake(opened), None);
    faults.clear();
    assert!(faults.is_empty() && faults.done().iter().all(|of| !of.active));
}

#[test]
fn what_is_wrong_with_a_rule_is_said() {
    let check = |text: &str, expected: &str| {
        let got = text.parse::<Rule>().unwrap_err();
        assert!(got.contains(expected), "{text}: {got}");
    };
    check("lose", "no such kind; there are drop, ");
    check("404", "no such kind");
    check("drop:x", "`x` is not key=value");
    check("drop:x=1", "no key is called `x` here");
    check("drop:p=2", "a probability from 0 to 1");
    check("drop:p=0.1,every=2", "either p or every");
    check("drop:every=0", "from 1 on");
    check("drop:every=1,every=2", "given twice");
    check("drop:for=3h", "a number of events, or a time");
    check("stale", "needs its length");
    check("close:code=99", "a close code");
    check("wrong-snapshot:how=odd", "crossed, old or quantity");
    check("bad-body:how=odd", "one of malformed, wrong-types");
    check("malformed:how=odd", "no key is called `how` here");
}

#[test]
fn harms_are_read_with_their_figures() {
    let kind = |text: &str| rule(text).kind();
    let of_stream = |harm| Kind::Stream(StreamFault::Harm(harm));
    let of_body = |harm| Kind::Answer(Answer::Bad(Bad::Body(harm)));
    assert_eq!(kind("truncate:keep=7"), of_stream(Harm::Truncate(7)));
    assert_eq!(kind("huge"), of_stream(Harm::Huge(64 << 20)));
    assert_eq!(kind("huge:bytes=9,on=trade"), of_stream(Harm::Huge(9)));
    assert_eq!(kind("compressed"), of_stream(Harm::Compressed));
    assert_eq!(kind("bad-body"), of_body(Harm::Malformed));
    assert_eq!(kind("bad-body:how=huge,bytes=5"), of_body(Harm::Huge(5)));
    assert_eq!(
        kind("endless-head"),
        Kind::Answer(Answer::Bad(Bad::EndlessHead))
    );
}
