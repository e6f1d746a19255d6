//! The interval log, written and read through the `hdrhistogram` crate.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, LogIteratorError, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::StatsError;
use crate::metrics::empty_histogram;

/// Writes `stats.hlog`, interval by interval.
pub struct HlogWriter {
    path: PathBuf,
    out: BufWriter<File>,
    // the compressed form is the one the usual plotters read
    serializer: V2DeflateSerializer,
}

impl HlogWriter {
    /// A new log whose interval times count from `started_wall_ns`.
    pub fn create(path: &Path, started_wall_ns: i64) -> Result<Self, StatsError> {
        let fail = |source| StatsError::Io {
            path: path.to_path_buf(),
            source,
        };
        let mut writer = Self {
            path: path.to_path_buf(),
            out: BufWriter::new(File::create(path).map_err(fail)?),
            serializer: V2DeflateSerializer::new(),
        };
        let since_1970 = Duration::from_nanos(u64::try_from(started_wall_ns).unwrap_or(0));
        let started = SystemTime::UNIX_EPOCH + since_1970;
        IntervalLogWriterBuilder::new()
            .add_comment("[Histogram log format version 1.3]")
            .add_comment("[Logged by pitlane; a tag is agent/measure, values are nanoseconds]")
            .with_start_time(started)
            .with_base_time(started)
            .begin_log_with(&mut writer.out, &mut writer.serializer)
            .map_err(fail)?;
        let legend = "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\
                      \"Interval_Compressed_Histogram\"\n";
        writer.out.write_all(legend.as_bytes()).map_err(fail)?;
        writer.flush()?;
        Ok(writer)
    }

    /// Appends one distribution of one interval.
    pub fn write(
        &mut self,
        name: &str,
        histogram: &Histogram<u64>,
        start: Duration,
        length: Duration,
    ) -> Result<(), StatsError> {
        let fail = |what: String| StatsError::Io {
            path: self.path.clone(),
            source: std::io::Error::other(what),
        };
        let clean: String = name
            .chars()
            .map(|c| if ", \r\n".contains(c) { '_' } else { c })
            .collect();
        IntervalLogWriterBuilder::new()
            .begin_log_with(&mut self.out, &mut self.serializer)
            .map_err(|error| fail(error.to_string()))?
            .write_histogram(histogram, start, length, Tag::new(&clean))
            .map_err(|error| fail(error.to_string()))
    }

    /// Hands everything to the system, so that it survives this process.
    pub fn flush(&mut self) -> Result<(), StatsError> {
        self.out.flush().map_err(|source| StatsError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

/// An interval log, summed up.
#[derive(Clone, Debug, Default)]
pub struct Intervals {
    /// Per tag the sum of its intervals; `""` for intervals without a tag.
    pub totals: BTreeMap<String, Histogram<u64>>,
    /// Number of lines: one for each distribution and interval.
    pub count: u64,
    /// The last line has no end.
    pub truncated: bool,
}

/// Reads an interval log. A last line without its end is left out.
pub fn read_hlog(bytes: &[u8]) -> Result<Intervals, String> {
    let whole = bytes
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |last| last + 1);
    if bytes.first().is_some_and(|&first| first != b'#') {
        return Err("line 1 is no comment, and every such log begins with one".to_owned());
    }
    let mut intervals = Intervals {
        truncated: whole < bytes.len(),
        ..Intervals::default()
    };
    let mut deserializer = Deserializer::new();
    for entry in IntervalLogIterator::new(&bytes[..whole]) {
        let entry = entry.map_err(|error| {
            let LogIteratorError::ParseError { offset } = error;
            let line = bytes[..offset.min(whole)]
                .split(|&byte| byte == b'\n')
                .count();
            format!("line {line} is neither a comment nor an interval")
        })?;
        let LogEntry::Interval(interval) = entry else {
            continue;
        };
        let tag = interval.tag().map_or("", |tag| tag.as_str());
        let at = intervals.count + 1;
        let encoded = STANDARD
            .decode(interval.encoded_histogram())
            .map_err(|error| format!("interval {at} ({tag}): {error}"))?;
        let histogram: Histogram<u64> = deserializer
            .deserialize(&mut encoded.as_slice())
            .map_err(|error| format!("interval {at} ({tag}): {error}"))?;
        intervals
            .totals
            .entry(tag.to_owned())
            .or_insert_with(empty_histogram)
            .add(&histogram)
            .map_err(|error| format!("interval {at} ({tag}): {error}"))?;
        intervals.count = at;
    }
    Ok(intervals)
}
