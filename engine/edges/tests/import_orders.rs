//! Order-by-order formats: times in New York, the directory of locate codes, both tables of market by order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{Owned, counts, read_all, shared, temp};
use pitlane_edges::import::{Format, ImportOptions, open, parse_day};
use pitlane_edges::source::{FrameSource, OnBad, SourceError};
use std::collections::BTreeMap;

fn import(format: Format, name: &str, bytes: &[u8]) -> String {
    let file = temp(name, bytes);
    match open(format, file.path(), &ImportOptions::default()) {
        Ok(mut source) => common::show(&mut *source),
        Err(error) => common::message(&error),
    }
}

#[test]
fn lobster_counts_from_midnight_in_new_york() {
    let text = "34200.004241176,1,16113575,18,5853300,1\n\
        34200.00426064,7,0,0,-1,-1\n\
        34200,1,2,3\n\
        x,1,16113575,18,5853300,1\n";
    expect_test::expect![[r"
        1340285400004241176 lobster aapl@lobster 34200.004241176,1,16113575,18,5853300,1
        1340285400004260640 lobster aapl@lobster 34200.00426064,7,0,0,-1,-1
        FILE (lobster): 4 records = 2 frames + 0 control + 2 refused
          1 refused as bad_columns, first FILE:3: 4 columns instead of 6
          1 refused as bad_column, first FILE:4: column 1: `x` is not a number
    "]]
    .assert_eq(&import(
        Format::Lobster,
        "AAPL_2012-06-21_message_5.csv",
        text.as_bytes(),
    ));
    // In winter the same second of the day is an hour later.
    let winter = import(
        Format::Lobster,
        "AAPL_2012-01-20_message_5.csv",
        text.as_bytes(),
    );
    assert!(winter.starts_with("1327069800004241176 "), "{winter}");
    expect_test::expect!["FILE: an order book file of 8 columns; the message file is wanted"]
        .assert_eq(&import(
            Format::Lobster,
            "AAPL_2012-01-20_orderbook_2.csv",
            b"1,2,3,4,5,6,7,8\n",
        ));
    expect_test::expect!["FILE: the file name AAPL.csv names no day; name the day"]
        .assert_eq(&import(Format::Lobster, "AAPL.csv", text.as_bytes()));
}

/// A message of `len` bytes behind its length, with type, locate code and time, and a stock at `stock.0`.
fn message(kind: u8, len: usize, locate: u16, ns: u64, stock: Option<(usize, &str)>) -> Vec<u8> {
    let mut message = vec![b' '; len];
    message[0] = kind;
    message[1..3].copy_from_slice(&locate.to_be_bytes());
    message[5..11].copy_from_slice(&ns.to_be_bytes()[2..]);
    if let Some((at, stock)) = stock {
        message[at..at + stock.len()].copy_from_slice(stock.as_bytes());
    }
    let mut framed = u16::try_from(len).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

fn itch_streams(source: &mut dyn FrameSource) -> String {
    let all = read_all(source);
    let show = |frame: &Owned| {
        let kind = char::from(frame.bytes[0]);
        format!(
            "{kind} {} {} {}",
            frame.ts_recv.0,
            frame.stream,
            frame.bytes.len()
        )
    };
    let lines: Vec<_> = all.iter().map(show).collect();
    lines.join("\n")
}

#[test]
fn itch_learns_its_stocks_on_the_way() {
    let bytes = [
        message(b'S', 12, 0, 1, None),
        message(b'D', 19, 13, 2, None),
        message(b'R', 39, 13, 3, Some((11, "AAPL"))),
        message(b'D', 19, 13, 4, None),
        message(b'A', 36, 14, 5, Some((24, "BRK.A"))),
        message(b'E', 31, 14, 6, None),
        vec![0, 0],
        vec![0, 3, 1, 2, 3],
        message(b'P', 44, 14, 34_200_000_000_000, Some((24, "ZZZZZZZZ"))),
    ]
    .concat();
    let file = temp("12302019.NASDAQ_ITCH50", &bytes);
    let mut source = open(Format::Itch50, file.path(), &ImportOptions::default()).unwrap();
    expect_test::expect![[r"
        S 1577682000000000001 @itch 12
        D 1577682000000000002 #13@itch 19
        R 1577682000000000003 aapl@itch 39
        D 1577682000000000004 aapl@itch 19
        A 1577682000000000005 brk.a@itch 36
        E 1577682000000000006 brk.a@itch 31
        P 1577716200000000000 zzzzzzzz@itch 44"]]
    .assert_eq(&itch_streams(&mut *source));
    expect_test::expect![[r"
        9 = 7 + 1 + 1: too_short"]]
    .assert_eq(&{
        let report = source.reports().remove(0);
        let refused = report.refused_total();
        format!(
            "{} = {} + {} + {refused}: {}",
            report.records, report.frames, report.control, report.refused[0].reason
        )
    });
    let stop = ImportOptions {
        on_bad: OnBad::Stop,
        day: parse_day("2019-12-31").ok(),
        ..ImportOptions::default()
    };
    let mut source = open(Format::Itch50, file.path(), &stop).unwrap();
    for at in 0..6 {
        let frame = source.next().unwrap().unwrap();
        assert_eq!(frame.ts_recv.0, 1_577_768_400_000_000_001 + at);
    }
    assert!(matches!(
        source.next(),
        Err(SourceError::Line { line: 8, .. })
    ));

    for cut in 0..bytes.len() {
        let file = temp("x.itch50", &bytes[..cut]);
        let mut source = open(Format::Itch50, file.path(), &ImportOptions::default()).unwrap();
        let frames = read_all(&mut *source).len();
        assert!(frames <= 7);
        let report = source.reports().remove(0);
        let mut at = 0;
        let mut ends = vec![0];
        while at < bytes.len() {
            at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
            ends.push(at);
        }
        assert_eq!(report.cut.is_none(), ends.contains(&cut), "{cut}: {report}");
    }
}

#[test]
fn both_tables_of_market_by_order_give_one_line() {
    let canonical = "ts_recv,ts_event,action,side,price_1e9,size,order_id,flags,sequence\n\
        1703462400000000000,1703422805243925307,A,B,4799000000000,2,6412777162812,40,682\n\
        1703462400000000001,1703422805243925307,R,N,9223372036854775807,0,0,8,0\n\
        1703462400000000001,1703422805243925307,R,N,1.5,0,0,8,0\n\
        1703462400000000002,1703422805243925307,AB,N,1,0,0,8,0\n\
        1703462400000000002,1703422805243925307,A,N,1,-1,0,8,0\n";
    expect_test::expect![[r"
        1703462400000000000 mbo esh4@mbo 1703462400000000000,1703422805243925307,A,B,4799000000000,2,6412777162812,40,682
        1703462400000000001 mbo esh4@mbo 1703462400000000001,1703422805243925307,R,N,9223372036854775807,0,0,8,0
        1703462400000000001 mbo esh4@mbo 1703462400000000001,1703422805243925307,R,N,1500000000,0,0,8,0
        FILE (mbo-csv): 6 records = 3 frames + 1 control + 2 refused
          2 refused as bad_column, first FILE:5: column 3: `AB` is not a letter
    "]]
    .assert_eq(&import(Format::MboCsv, "ESH4_20231225.mbo.csv", canonical.as_bytes()));

    let pretty = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence,symbol\n\
        2025-07-17T07:05:09.035793433Z,2025-07-17T07:05:09.035627674Z,160,2,1108,R,N,,0,0,0,8,0,0,ARL\n\
        2025-07-17T08:05:03.360842448Z,2025-07-17T08:05:03.360677248Z,160,2,1108,A,B,5.510000000,100,0,817593,130,165200,851012,ARL\n\
        2025-07-17T08:05:03.360842449Z,2025-07-17T08:05:03.360677248Z,160,2,1108,A,B,-0.25,100,0,817593,130,165200,851012,ARL\n\
        2025-07-17T08:05:03.360842449Z,2025-07-17T08:05:03.360677248Z,160,2,1108,A,B,0.1234567891,100,0,817593,130,165200,851012,ARL\n";
    expect_test::expect![[r"
        1752735909035793433 mbo arl@mbo 1752735909035793433,1752735909035627674,R,N,,0,0,8,0
        1752739503360842448 mbo arl@mbo 1752739503360842448,1752739503360677248,A,B,5510000000,100,817593,130,851012
        1752739503360842449 mbo arl@mbo 1752739503360842449,1752739503360677248,A,B,-250000000,100,817593,130,851012
        FILE (mbo-csv): 5 records = 3 frames + 1 control + 1 refused
          1 refused as bad_column, first FILE:5: column 8: `0.1234567891` is not a price
    "]]
    .assert_eq(&import(Format::MboCsv, "mbo.csv", pretty.as_bytes()));
    expect_test::expect![
        "FILE: no column orderid: not market by order (a book by price is not read)"
    ]
    .assert_eq(&import(
        Format::MboCsv,
        "mbp.csv",
        b"ts_recv,ts_event,action,side,price,size,flags,sequence,bid_px_00\n",
    ));
}

fn read(format: Format, name: &str) -> Option<(Vec<Owned>, String)> {
    let path = shared(name)?;
    let mut source = open(format, &path, &ImportOptions::default()).unwrap();
    let all = read_all(&mut *source);
    let report = source.reports().remove(0);
    assert_eq!(
        (report.refused_total(), &report.cut),
        (0, &None),
        "{report}"
    );
    let counts = counts(&all, &*source);
    Some((all, counts))
}

/// How often each value of a part of the frame occurs.
fn tally(all: &[Owned], part: impl Fn(&[u8]) -> u8) -> String {
    let mut kinds: BTreeMap<u8, u64> = BTreeMap::new();
    for frame in all {
        *kinds.entry(part(&frame.bytes)).or_default() += 1;
    }
    let kinds: Vec<_> = kinds
        .iter()
        .map(|(k, n)| format!("{}:{n}", char::from(*k)))
        .collect();
    kinds.join(" ")
}

#[test]
fn the_lobster_files_have_their_counts() {
    if let Some((_, counts)) = read(
        Format::Lobster,
        "l3_lobster/AAPL_2012-06-21_message_50.first45k.csv.zst",
    ) {
        assert_eq!(
            counts,
            "45000: lobster 45000; 2012-06-21T13:30:00 to 2012-06-21T14:00:36; 0 reversals"
        );
    }
    if let Some((_, counts)) = read(
        Format::Lobster,
        "l3_lobster/MSFT_2012-06-21_36000s_message_50.first400.csv.zst",
    ) {
        assert_eq!(
            counts,
            "400: lobster 400; 2012-06-21T13:59:59 to 2012-06-21T14:00:00; 0 reversals"
        );
    }
}

#[test]
fn the_itch_files_have_their_counts() {
    let check = |name: &str, midnight: i64, expected: &str| {
        let Some((all, _)) = read(Format::Itch50, &format!("itch50/{name}")) else {
            return;
        };
        let seconds = |frame: Option<&Owned>| {
            let us = (frame.unwrap().ts_recv.0 - midnight * 1_000_000_000 + 500) / 1_000;
            format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
        };
        let kinds = tally(&all, |bytes| bytes[0]);
        let got = format!(
            "{} {} {} {kinds}",
            all.len(),
            seconds(all.first()),
            seconds(all.last())
        );
        assert_eq!(got, expected, "{name}");
    };
    // 2019-12-30 and 2010-12-24 at 05:00 UTC, 1970-01-01 at 05:00 UTC.
    check(
        "AAPL_20191230_0935_derived.first25k.itch50.zst",
        1_577_682_000,
        "25000 34500.000156 34644.084050 A:10707 D:11732 E:1376 F:1 P:165 U:961 X:58",
    );
    check(
        "NASDAQ_20191230_0930_first1000.itch50",
        1_577_682_000,
        "1000 34200.000000 34200.002365 A:367 C:1 D:167 E:28 F:193 I:4 P:4 Q:4 S:1 U:225 X:6",
    );
    check(
        "NASDAQ_head_1000_directory.itch50",
        18_000,
        "1000 11072.057544 11354.360581 H:3 R:993 S:1 Y:3",
    );
    check(
        "SYNTHETIC_ritch_20101224.itch50",
        1_293_166_800,
        "12012 11202.475299 68698.845099 A:4997 D:1745 E:198 F:3 H:3 P:5000 R:3 S:6 U:12 X:45",
    );
}

#[test]
fn the_market_by_order_files_have_their_counts() {
    let action = |bytes: &[u8]| bytes.split(|byte| *byte == b',').nth(2).unwrap()[0];
    if let Some((all, counts)) = read(Format::MboCsv, "l3_cme_mbo/ESH4_20231225.mbo.csv.zst") {
        assert_eq!(
            counts,
            "68792: mbo 68792; 2023-12-25T00:00:00 to 2023-12-25T23:59:59; 0 reversals"
        );
        assert_eq!(tally(&all, action), "A:29216 C:17999 F:6371 M:12233 T:2973");
    }
    if let Some((all, counts)) = read(Format::MboCsv, "l3_databento_arl/ARL_20250717.mbo.csv.zst") {
        assert_eq!(
            counts,
            "5886: mbo 5886; 2025-07-17T07:05:09 to 2025-07-17T20:47:59; 0 reversals"
        );
        assert!(all.iter().all(|frame| frame.stream == "arl@mbo"));
    }
}
