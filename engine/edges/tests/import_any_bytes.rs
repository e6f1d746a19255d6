//! No bytes make an importer panic or lose count: good files of every format, with parts changed, cut and repeated.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::temp;
use pitlane_domain::instrument::{Symbol, Venue};
use pitlane_edges::import::{Format, ImportOptions, detect, open, parse_day, scan_instruments};
use pitlane_edges::source::ImportReport;
use proptest::prelude::*;

const SAMPLES: [&[u8]; 9] = [
    b"1723161255088176367 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":\"BTCUSDT\",\"p\":\"1.5\"}}\n{\"t\":17,\"c\":\"a@b\",\"m\":{}}\n",
    b"wss://stream.binance.com/ws <-> 16175.3\n1617566591.326123: {\"e\":\"trade\",\"s\":\"A\"}\nhttps://api.binance.com/depth?symbol=A -> 1.5: {\"lastUpdateId\":5}\n",
    b"1,2.5,3,4,5,1704067200000,false\n",
    b"1637971200000,1,2,0.5,1.5,3,1637971259999,4,5,1.5,2.5,0\n",
    b"timestamp,bid,ask\n2013-01-01 22:00:00.295000+00:00,86.655,86.728\n1357077600295,1,2\n",
    b"43.142,1291.677,1292.033\nEUR/USD,20130101 22:00:00.295,1.31956,1.31974\n",
    b"34200.004241176,1,16113575,18,5853300,1\n",
    b"\0\x0cS\0\0\0\0\0\0\0\0\0\x01O\0\x13D\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x09",
    b"ts_recv,ts_event,action,side,price,size,order_id,flags,sequence,symbol\n1,2,A,B,-1.5,1,2,3,4,X\n",
];

fn read(name: &str, bytes: &[u8]) {
    let file = temp(name, bytes);
    let given = ImportOptions {
        venue: Some(Venue::BinanceSpot),
        symbol: Symbol::new(b"A"),
        day: parse_day("2020-01-01").ok(),
        utc_offset_hours: Some(-5),
        ..ImportOptions::default()
    };
    let _: Result<_, _> = detect(file.path());
    for (format, _) in Format::ALL {
        for options in [&ImportOptions::default(), &given] {
            let Ok(mut source) = open(format, file.path(), options) else {
                continue;
            };
            if scan_instruments(&mut *source).is_ok() {
                assert!(matches!(source.next(), Ok(None)), "the end is the end");
            }
            assert!(source.reports().iter().all(ImportReport::balances));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn changed_files_are_read_or_refused(
        sample in 0..SAMPLES.len(),
        other in 0..SAMPLES.len(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        named: bool,
    ) {
        let mut bytes = SAMPLES[sample].repeat(3);
        bytes.truncate(cut.index(bytes.len() + 1));
        bytes.extend_from_slice(SAMPLES[other]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        read(if named { "EURUSD_2012_11_03_13h_\u{e9}.csv" } else { "x" }, &bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read("20140501_eurusd_tick_quote.csv", &bytes);
    }
}
