//! What was captured, by kind of stream, and how fast.

use std::collections::BTreeMap;
use std::time::Duration;

/// Frames and their bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Flow {
    /// Frames.
    pub frames: u64,
    /// Bytes as the venue sent them.
    pub bytes: u64,
}

/// Counts frames by the kind of their stream.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    kinds: BTreeMap<String, Flow>,
    total: Flow,
}

impl Tally {
    /// A frame of that stream.
    pub fn add(&mut self, stream: &[u8], bytes: usize) {
        let kind = kind(stream);
        let flow = match self.kinds.get_mut(kind) {
            Some(flow) => flow,
            None => self.kinds.entry(kind.to_owned()).or_default(),
        };
        for flow in [flow, &mut self.total] {
            flow.frames += 1;
            flow.bytes += bytes as u64;
        }
    }

    /// By kind, in the order of their names.
    pub fn kinds(&self) -> &BTreeMap<String, Flow> {
        &self.kinds
    }

    /// All kinds together.
    pub fn total(&self) -> Flow {
        self.total
    }
}

/// `aggTrade` of `btcusdt@aggTrade`, `depth` of `btcusdt@depth@100ms`, `exchangeInfo` of `@exchangeInfo`.
fn kind(stream: &[u8]) -> &str {
    let text = std::str::from_utf8(stream).unwrap_or("other");
    let behind = text.split_once('@').map_or(text, |(_, behind)| behind);
    let kind = behind.split('@').next().unwrap_or(behind);
    if kind.is_empty() { "other" } else { kind }
}

/// What was so many, so long ago: how many a second since.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    before: Flow,
    at_ns: u64,
    per_second: Flow,
}

impl Rate {
    /// How often the rate is taken anew.
    const EVERY: Duration = Duration::from_secs(1);

    /// No rate yet.
    pub fn new(now_ns: u64) -> Self {
        Self {
            before: Flow::default(),
            at_ns: now_ns,
            per_second: Flow::default(),
        }
    }

    /// The rate of the last second that is over.
    pub fn at(&mut self, total: Flow, now_ns: u64) -> Flow {
        let elapsed = Duration::from_nanos(now_ns.saturating_sub(self.at_ns));
        if elapsed >= Self::EVERY {
            let per = |now: u64, before: u64| {
                let each = u128::from(now.saturating_sub(before)) * 1_000_000_000;
                u64::try_from(each / elapsed.as_nanos()).unwrap_or(u64::MAX)
            };
            self.per_second = Flow {
                frames: per(total.frames, self.before.frames),
                bytes: per(total.bytes, self.before.bytes),
            };
            self.before = total;
            self.at_ns = now_ns;
        }
        self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_counted_by_kind() {
        let mut tally = Tally::default();
        for stream in [
            "btcusdt@aggTrade",
            "ethusdt@aggTrade",
            "btcusdt@depth@100ms",
            "btcusdt@depthSnapshot",
            "@exchangeInfo",
            "fx",
            "x@",
        ] {
            tally.add(stream.as_bytes(), 10);
        }
        tally.add(&[0xff, b'@'], 1);
        let kinds: Vec<_> = tally
            .kinds()
            .iter()
            .map(|(kind, flow)| (kind.as_str(), flow.frames))
            .collect();
        assert_eq!(
            kinds,
            [
                ("aggTrade", 2),
                ("depth", 1),
                ("depthSnapshot", 1),
                ("exchangeInfo", 1),
                ("fx", 1),
                ("other", 2)
            ]
        );
        assert_eq!((tally.total().frames, tally.total().bytes), (8, 71));
    }

    #[test]
    fn rates_are_of_the_last_whole_second() {
        let second = 1_000_000_000;
        let mut rate = Rate::new(0);
        let flow = |frames| Flow {
            frames,
            bytes: frames * 100,
        };
        assert_eq!(rate.at(flow(50), second / 2), flow(0));
        assert_eq!(rate.at(flow(100), 2 * second), flow(50));
        assert_eq!(rate.at(flow(300), 2 * second + 1), flow(50));
        assert_eq!(rate.at(flow(400), 3 * second), flow(300));
    }
}
