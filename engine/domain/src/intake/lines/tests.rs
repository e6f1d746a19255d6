use super::*;

fn key(value: u64) -> Key {
    Key {
        ts: WallNs(value.cast_signed()),
        value,
    }
}

const SNAPSHOT: Depth = Depth {
    kind: DepthKind::Snapshot,
    first_id: 0,
    last_id: 0,
};
const UPDATE: Depth = Depth {
    kind: DepthKind::Diff { prev_id: None },
    first_id: 0,
    last_id: 0,
};

/// Plays `line:key`, `line:s key` for a snapshot and `line:lost`; the answer is the keys that went on.
fn play(text: &str) -> String {
    let mut lines = Lines::default();
    let mut out = Vec::new();
    for (now, input) in text.split(", ").enumerate() {
        let (number, what) = input.split_once(':').unwrap();
        let number = number.parse().unwrap();
        if what == "lost" {
            lines.lost(number);
            continue;
        }
        let (late, what) = what
            .split_once('+')
            .map_or((0, what), |(what, late)| (late.parse().unwrap(), what));
        let snapshot = what.strip_prefix('s');
        let key = key(snapshot.unwrap_or(what).parse().unwrap());
        let depth = if snapshot.is_some() { SNAPSHOT } else { UPDATE };
        let now = WallNs(i64::try_from(now).unwrap() + late * 1_000_000_000);
        match lines.judge(number, key, snapshot.is_some()) {
            Verdict::Pass => out.push(what.to_owned()),
            Verdict::Hold => lines.hold(number, key, &depth, &Levels::default(), now, |_| {}),
            Verdict::Duplicate | Verdict::Stale => {}
        }
        while let Some((held, release)) = lines.release(now) {
            let shown = if held.is_snapshot() { "s" } else { "" };
            match release {
                Released::GoesOn => out.push(format!("{shown}{}", held.key.value)),
                Released::Known => {}
                Released::Lost => {
                    out.push("lost".to_owned());
                    lines.clear(|_| {});
                }
            }
            lines.recycle(held);
        }
    }
    format!("{}; {} wait", out.join(" "), lines.waiting())
}

#[test]
fn each_goes_on_once_by_whichever_line_comes_first() {
    let check = |text, expected| assert_eq!(play(text), expected, "{text}");
    check("1:s1, 1:2, 2:s2, 2:3, 1:3, 1:4, 2:4", "s1 2 3 4; 0 wait");
    // A line that begins ahead waits until the other has come so far, and then leads.
    check("1:s1, 2:s4, 2:5, 1:2, 1:3, 1:4, 1:5", "s1 2 3 4 5; 0 wait");
    // The first line breaks off before that: the second's snapshot replaces the book after a while.
    check("1:s1, 2:s4, 2:5, 2:6+5", "s1 s4 5 6; 0 wait");
    // A line that begins behind.
    check("1:s5, 2:s2, 2:3, 2:4, 2:5, 2:6, 1:6, 1:7", "s5 6 7; 0 wait");
    // An update before any snapshot is left to the synchronisation.
    check("1:7, 2:s8, 1:8, 1:9", "7 s8 9; 0 wait");
}

#[test]
fn a_line_that_lost_something_is_found_again() {
    let check = |text, expected| assert_eq!(play(text), expected, "{text}");
    // It lost 3 and 4 and is ahead of the other: what it brings waits.
    check(
        "1:s1, 2:s1, 1:2, 2:2, 1:lost, 1:5, 1:6, 2:3, 2:4, 2:5, 2:6, 1:7",
        "s1 2 3 4 5 6 7; 0 wait",
    );
    // It comes back with a snapshot.
    check(
        "1:s1, 2:s1, 1:2, 1:lost, 2:2, 2:3, 1:s3, 1:4, 2:4",
        "s1 2 3 4; 0 wait",
    );
    // It lost something without a word, while the other was ahead.
    check("1:s1, 2:s1, 2:2, 2:3, 1:3, 1:4, 2:4", "s1 2 3 4; 0 wait");
    // No line knows what leads up to 5.
    check("1:s1, 1:lost, 1:5, 1:6+6", "s1 lost; 0 wait");
}

#[test]
fn a_line_far_behind_is_taken_up_when_it_has_caught_up() {
    let updates = (2..HISTORY_MAX + 10).map(|value| format!("1:{value}"));
    let leading = format!("1:s1, 2:s1, {}", updates.collect::<Vec<_>>().join(", "));
    let followed = format!("{leading}, 2:2, 2:3, 2:1000, 2:1001");
    assert_eq!(play(&followed), play(&leading));
}

#[test]
fn when_nothing_leads_on_a_snapshot_does_whichever_brought_it() {
    // The first line lost 12 and waits since 13, the second begins with the book at 12.
    let lost = "1:s10, 1:11, 1:lost, 1:13, 2:s12, 2:13, 1:14, ";
    assert_eq!(play(&format!("{lost}2:14+6")), "s10 11 s12 13 14; 0 wait");
    assert_eq!(
        play(&format!("{lost}1:15+6")),
        "s10 11 s12 13 14 15; 0 wait"
    );
    assert_eq!(
        play("1:s10, 1:11, 1:lost, 1:13, 1:14+6"),
        "s10 11 lost; 0 wait"
    );
}

#[test]
fn the_number_of_a_line_stands_behind_its_name() {
    assert_eq!(line_of(b"btc-usdt@books#2"), 2);
    assert_eq!(line_of(b"btc-usdt@books#8"), 8);
    for none in [
        "",
        "#",
        "btc-usdt@books",
        "btc@books#0",
        "btc@books#9",
        "btc@books#12",
    ] {
        assert_eq!(line_of(none.as_bytes()), 0, "{none}");
    }
}
