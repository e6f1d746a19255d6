//! A line as JSON: time, level, worker, message, context, correlationId, sequence.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::Level;

/// One line of the file. Keys that say nothing are left out.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    pub time: String,
    pub level: Level,
    pub worker: &'a str,
    pub message: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context: BTreeMap<String, Value>,
    #[serde(rename = "correlationId", skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    pub sequence: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Line<'_> {
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, self).expect("a line of text and numbers is JSON");
        out.push(b'\n');
    }
}

/// RFC 3339 in UTC with nanoseconds.
pub(super) fn time_text(wall_ns: i64) -> String {
    const NS: i64 = 1_000_000_000;
    const DAY: i64 = 86_400;
    let (seconds, nanos) = (wall_ns.div_euclid(NS), wall_ns.rem_euclid(NS));
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let (year, month, day) = date_of(days);
    let mut text = String::with_capacity(30);
    write!(
        text,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{nanos:09}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
    .expect("writing to a String cannot fail");
    text
}

/// The Gregorian date of a day counted from 1970-01-01.
/// Years are taken to begin in March, so that the leap day is the last of its year and months
/// from March on have a regular pattern of lengths: 153 days in every five.
fn date_of(days: i64) -> (i64, i64, i64) {
    const DAYS_TO_1970: i64 = 719_468; // from 0000-03-01
    const CYCLE: i64 = 146_097; // days in 400 years
    let from_start = days + DAYS_TO_1970;
    let (cycle, in_cycle) = (from_start.div_euclid(CYCLE), from_start.rem_euclid(CYCLE));
    let year = (in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (cycle * 400 + year + carry, month, day)
}
