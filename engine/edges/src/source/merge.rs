//! Several sources as one, by receive time and then by the order in which they were given.

use super::{Frame, FrameSource, ImportReport, Progress, SourceError};
use pitlane_domain::instrument::Venue;
use pitlane_domain::units::WallNs;

/// The frame a source would give next. Copied, because asking the source again would overwrite it.
struct Head {
    ts_recv: WallNs,
    venue: Venue,
    stream: Vec<u8>,
    bytes: Vec<u8>,
}

enum Lane {
    /// Its head must be fetched before the next choice.
    Unread,
    Waiting,
    Ended,
}

/// See [`merge`].
pub struct Merged {
    sources: Vec<Box<dyn FrameSource>>,
    lanes: Vec<Lane>,
    heads: Vec<Head>,
}

/// Merges sources by receive time, then by their order here.
///
/// A source whose own times run backwards is not reordered: only heads are compared.
pub fn merge(sources: Vec<Box<dyn FrameSource>>) -> Merged {
    let empty = || Head {
        ts_recv: WallNs::ZERO,
        venue: Venue::BinanceSpot,
        stream: Vec::new(),
        bytes: Vec::new(),
    };
    Merged {
        lanes: sources.iter().map(|_| Lane::Unread).collect(),
        heads: sources.iter().map(|_| empty()).collect(),
        sources,
    }
}

impl FrameSource for Merged {
    fn next(&mut self) -> Result<Option<Frame<'_>>, SourceError> {
        for ((source, lane), head) in self
            .sources
            .iter_mut()
            .zip(&mut self.lanes)
            .zip(&mut self.heads)
        {
            if matches!(lane, Lane::Unread) {
                *lane = match source.next()? {
                    Some(frame) => {
                        head.ts_recv = frame.ts_recv;
                        head.venue = frame.venue;
                        head.stream.clear();
                        head.stream.extend_from_slice(frame.stream);
                        head.bytes.clear();
                        head.bytes.extend_from_slice(frame.bytes);
                        Lane::Waiting
                    }
                    None => Lane::Ended,
                };
            }
        }
        let earliest = self
            .heads
            .iter()
            .zip(&mut self.lanes)
            .filter(|(_, lane)| matches!(lane, Lane::Waiting))
            .min_by_key(|(head, _)| head.ts_recv);
        Ok(earliest.map(|(head, lane)| {
            *lane = Lane::Unread;
            Frame {
                ts_recv: head.ts_recv,
                venue: head.venue,
                stream: &head.stream,
                bytes: &head.bytes,
            }
        }))
    }

    fn progress(&self) -> Progress {
        let mut sum = Progress::default();
        for source in &self.sources {
            let one = source.progress();
            sum.bytes_done += one.bytes_done;
            sum.bytes_total += one.bytes_total;
        }
        sum
    }

    fn reports(&self) -> Vec<ImportReport> {
        self.sources.iter().flat_map(FrameSource::reports).collect()
    }
}
