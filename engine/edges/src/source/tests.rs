use super::*;

/// Frames from a list.
struct Listed {
    frames: Vec<(i64, &'static str)>,
    at: usize,
}

impl FrameSource for Listed {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        let frame = self.frames.get(self.at);
        self.at += 1;
        Ok(frame.map(|(ts, text)| Frame {
            ts_recv: WallNs(*ts),
            venue: Venue::BinanceSpot,
            stream: b"s",
            bytes: text.as_bytes(),
        }))
    }

    fn progress(&self) -> Progress {
        Progress {
            bytes_done: self.at as u64,
            bytes_total: self.frames.len() as u64,
        }
    }

    fn reports(&self) -> Vec<ImportReport> {
        vec![ImportReport::new("listed", "test")]
    }
}

fn order(lists: &[&[(i64, &'static str)]]) -> String {
    let sources = lists.iter().map(|frames| -> Box<dyn FrameSource> {
        Box::new(Listed {
            frames: frames.to_vec(),
            at: 0,
        })
    });
    let mut merged = merge(sources.collect());
    let mut text = String::new();
    while let Some(frame) = merged.next().expect("lists do not fail") {
        text.push_str(std::str::from_utf8(frame.bytes).expect("ASCII"));
    }
    assert!(merged.next().expect("lists do not fail").is_none());
    assert_eq!(merged.reports().len(), lists.len());
    text
}

#[test]
fn sources_merge_by_time_then_by_order() {
    assert_eq!(order(&[]), "");
    assert_eq!(order(&[&[]]), "");
    assert_eq!(
        order(&[&[(1, "a"), (3, "c")], &[(2, "b"), (4, "d")]]),
        "abcd"
    );
    assert_eq!(
        order(&[&[(1, "a"), (1, "b")], &[(1, "c"), (0, "d")], &[]]),
        "abcd"
    );
    // A source that runs backwards keeps its own order.
    assert_eq!(
        order(&[&[(5, "a"), (2, "b")], &[(3, "c"), (4, "d")]]),
        "cdab"
    );
}

#[test]
fn a_report_balances_and_keeps_the_first_of_each_reason() {
    let mut report = ImportReport::new("f", "test");
    report.control();
    for ts in [5, 3, 9] {
        report.accept(WallNs(ts));
    }
    report.refuse("bad", 1, || "f:1: x".to_owned());
    report.refuse("worse", 1, || "f:2: y".to_owned());
    report.refuse("bad", 1, || unreachable!("asked only once"));
    assert!(report.balances());
    assert_eq!(report.refused_total(), 3);
    assert_eq!(
        (report.first, report.last, report.time_reversals),
        (Some(WallNs(5)), Some(WallNs(9)), 1)
    );
    expect_test::expect![[r"
        f (test): 7 records = 3 frames + 1 control + 3 refused
          2 refused as bad, first f:1: x
          1 refused as worse, first f:2: y
          1 time reversals"]]
    .assert_eq(&report.to_string());
}
