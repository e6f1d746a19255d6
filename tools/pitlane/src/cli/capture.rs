//! The command line of `pitlane capture`.

use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What stands behind the options in the help.
pub const HELP: &str = "Everything a replay needs is recorded: the venue's instruments, snapshots, and what was fetched to fill gaps.
With --rotate the files are named after FILE, the time they begin and their number, as in
day-20240809T130000Z-0001.plcap; a day's files played together are the day:
  pitlane replay day-*.plcap -c live.toml

The first SIGTERM or SIGINT closes the file in order, the second ends at once.
Exit codes: 0 ended by SIGTERM or --for, 1 failure, 2 usage, 78 configuration, 130 interrupted.

Examples:
  pitlane capture --config configs/live.toml --out day.plcap
  pitlane capture -c configs/live.toml -o day.plcap --rotate 1h --rotate 256MiB
  pitlane capture -c configs/live.toml -o ten.plcap --for 10m --json > ten.json";

/// `pitlane capture`.
#[derive(Args, Debug)]
pub struct CaptureArgs {
    /// Configuration with the venues, instruments and streams; its source.kind is live
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Capture to write; must not exist
    #[arg(short, long, value_name = "CAPTURE")]
    pub out: PathBuf,
    /// Begin a new file at a size such as 256MiB, or when the time of day passes a multiple of a time such as 1h; both if
    /// given twice
    #[arg(long, value_name = "SIZE|TIME", value_parser = rotate)]
    pub rotate: Vec<RotateAt>,
    /// Stop after a time such as 10m, 8h or 1d
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    pub duration: Option<Duration>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say nothing but the summary
    #[arg(short, long)]
    pub quiet: bool,
}

/// When a new file is begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RotateAt {
    /// At so many bytes.
    Bytes(u64),
    /// So often.
    Every(Duration),
}

fn rotate(text: &str) -> Result<RotateAt, String> {
    let (number, unit) = parts(text);
    let scale = match unit {
        "B" => 1,
        "kB" | "KB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => {
            let every = span(text).map_err(|_| "a size such as 256MiB or a time such as 1h")?;
            return Ok(RotateAt::Every(every));
        }
    };
    let bytes = number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(scale));
    let bytes = bytes.filter(|bytes| *bytes > 0);
    bytes
        .map(RotateAt::Bytes)
        .ok_or_else(|| "a size such as 256MiB".to_owned())
}

/// A time with its unit.
fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = parts(text);
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let seconds = number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(seconds));
    // a century: what is longer overflows something somewhere
    let seconds = seconds.filter(|seconds| (1..=3_153_600_000).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "a time such as 30s, 10m, 8h or 1d".to_owned())
}

fn parts(text: &str) -> (&str, &str) {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic());
    text.split_at(unit.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        let mib = |n: u64| Ok(RotateAt::Bytes(n << 20));
        let every = |seconds| Ok(RotateAt::Every(Duration::from_secs(seconds)));
        let cases = [
            ("256MiB", mib(256)),
            ("1GiB", mib(1024)),
            ("5MB", Ok(RotateAt::Bytes(5_000_000))),
            ("1B", Ok(RotateAt::Bytes(1))),
            ("1h", every(3600)),
            ("90s", every(90)),
            ("5min", every(300)),
            ("1d", every(86_400)),
        ];
        for (text, wanted) in cases {
            assert_eq!(rotate(text), wanted, "{text}");
        }
        for text in [
            "",
            "1",
            "0s",
            "0MiB",
            "h",
            "1.5h",
            "-1s",
            "1w",
            "99999999999GiB",
            "1e9d",
            "4000000000s",
        ] {
            assert!(rotate(text).is_err(), "{text}");
        }
        assert!(span("256MiB").is_err());
    }
}
