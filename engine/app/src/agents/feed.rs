//! Brings the outside in: frames of a source through the intake, or a recorded sequence as it is.

use super::{Closing, leave};
use crate::latency::stamp;
use crate::pace::Pace;
use crate::stopwatch::Stopwatch;
use crate::topology::BUDGET;
use pitlane_domain::instrument::{InstrumentId, Venue};
use pitlane_domain::intake::Intake;
use pitlane_domain::message::{Body, Message};
use pitlane_domain::units::WallNs;
use pitlane_edges::live::session::Counts;
use pitlane_edges::source::{FrameSource, ImportReport};
use pitlane_lockfree::Record;
use pitlane_lockfree::counters::{Counter, Gauge, Histogram};
use pitlane_lockfree::ring::Producer;
use pitlane_lockfree::tick::TickReader;
use pitlane_runtime::agent::{Agent, Duty, Turn};
use pitlane_runtime::lifecycle::Stop;
use pitlane_runtime::log;
use pitlane_runtime::log::{Level, Log};

/// What the feed reads.
pub enum Input {
    /// Raw frames, decoded and checked here.
    Frames {
        /// Where they come from.
        source: Box<dyn FrameSource>,
        /// Decoding, synchronisation, id checks.
        intake: Box<Intake>,
    },
    /// A recorded sequence, timers included.
    Store(TickReader),
}

/// What the feed did in all.
pub struct Fed {
    /// The intake with its counts; `None` after a recorded sequence.
    pub intake: Option<Box<Intake>>,
    /// What the source itself says of its input, a report a file.
    pub reports: Vec<ImportReport>,
    /// Why the source ended early.
    pub failure: Option<String>,
    /// Whether it was told to stop before the source ended.
    pub stopped: bool,
    /// Inputs of an earlier run that were passed on again, timers aside.
    pub recalled: u64,
    /// What a live source did.
    pub live: Option<Counts>,
}

/// Counters, latencies and log of the feed.
pub struct FeedTelemetry {
    /// Frames read.
    pub frames: Counter,
    /// Bytes of the source read so far, and in all.
    pub progress: [Gauge; 2],
    /// From the frame in memory to its messages ready: service time, ns.
    pub decode: Histogram,
    /// How late a paced frame was taken, ns.
    pub behind: Histogram,
    /// Frames refused, in the order of [`Reason::ALL`](pitlane_domain::decode::Reason::ALL).
    pub refused: Vec<Counter>,
    /// Its log.
    pub log: Log,
}

/// A frame that is not due yet, or records read ahead.
#[derive(Default)]
struct Held {
    due: u64,
    venue: Option<Venue>,
    ts_recv: WallNs,
    stream: Vec<u8>,
    bytes: Vec<u8>,
    /// Records of a stored sequence, those before `next` passed on already.
    records: Vec<Message>,
    next: usize,
    /// The next record is not due yet.
    record_waits: bool,
}

/// The feed agent.
pub struct Feed {
    reader: Reader,
    stop: Stop,
    stopped: bool,
    out: Producer<Message>,
    end_sent: bool,
    closing: Closing<Fed>,
}

impl Feed {
    /// An agent at the start of its input.
    pub fn new(
        input: Input,
        pace: Pace,
        out: Producer<Message>,
        watch: Stopwatch,
        stop: Stop,
        metrics: FeedTelemetry,
        closing: Closing<Fed>,
    ) -> Self {
        let reader = Reader {
            input: Some(input),
            pace,
            held: Held {
                records: Vec::with_capacity(BUDGET),
                ..Held::default()
            },
            watch,
            metrics,
            now: 0,
            ingress: 0,
            last_recv: WallNs(0),
            failure: None,
            exhausted: false,
            frames: 0,
            announced: false,
        };
        Self {
            reader,
            stop,
            stopped: false,
            out,
            end_sent: false,
            closing,
        }
    }
}

/// What is read, up to the message.
struct Reader {
    input: Option<Input>,
    pace: Pace,
    held: Held,
    watch: Stopwatch,
    metrics: FeedTelemetry,
    /// The clock as this poll read it, for records: one reading for all that are due.
    now: u64,
    /// When the frame being passed on came, or should have come, and how late it was taken.
    ingress: u64,
    last_recv: WallNs,
    failure: Option<String>,
    exhausted: bool,
    frames: u64,
    /// The instruments have been defined, at the head of the sequence.
    announced: bool,
}

impl Reader {
    /// The next message, with its stamp of ingress in `sequence`; `None` if nothing is due now.
    fn next(&mut self) -> Option<Message> {
        loop {
            match self.input.as_mut()? {
                Input::Frames { intake, .. } => {
                    if let Some(mut message) = intake.pop() {
                        message.sequence = self.ingress;
                        return Some(message);
                    }
                    if self.exhausted || !self.take_frame() {
                        return None;
                    }
                }
                Input::Store(_) => {
                    return if self.exhausted {
                        None
                    } else {
                        self.take_record()
                    };
                }
            }
        }
    }

    fn show_progress(&mut self) {
        if let Some(Input::Frames { source, .. }) = &self.input {
            let progress = source.progress();
            self.metrics.progress[0].set(progress.bytes_done);
            self.metrics.progress[1].set(progress.bytes_total);
        }
    }

    /// Feeds one frame to the intake; false if none is due now.
    fn take_frame(&mut self) -> bool {
        let Some(Input::Frames { source, intake }) = self.input.as_mut() else {
            return false;
        };
        // Read once the frame is in memory: the source's own work is not decoding.
        let (due, started, venue, ts_recv, stream, bytes) = if let Some(venue) = self.held.venue {
            let now = self.watch.now();
            if self.held.due > now {
                return false;
            }
            self.held.venue = None;
            (
                self.held.due,
                now,
                venue,
                self.held.ts_recv,
                &self.held.stream[..],
                &self.held.bytes[..],
            )
        } else {
            match source.next() {
                Ok(Some(frame)) => {
                    self.last_recv = frame.ts_recv;
                    let now = self.watch.now();
                    let due = self.pace.due(frame.ts_recv, now);
                    if due > now {
                        (self.held.due, self.held.venue, self.held.ts_recv) =
                            (due, Some(frame.venue), frame.ts_recv);
                        self.held.stream.clear();
                        self.held.stream.extend_from_slice(frame.stream);
                        self.held.bytes.clear();
                        self.held.bytes.extend_from_slice(frame.bytes);
                        return false;
                    }
                    (
                        due,
                        now,
                        frame.venue,
                        frame.ts_recv,
                        frame.stream,
                        frame.bytes,
                    )
                }
                Ok(None) => {
                    self.exhausted = true;
                    intake.finish(self.last_recv);
                    return true;
                }
                Err(error) => {
                    self.failure = Some(error.to_string());
                    self.exhausted = true;
                    intake.finish(self.last_recv);
                    return true;
                }
            }
        };
        // A frame taken late is timed from when it was due, so that a stall is not hidden. At full speed a frame
        // is due when it is read.
        self.ingress = stamp(due, started);
        self.metrics.behind.record(started - due);
        // A refused frame is counted by the intake, with its reason.
        if !self.announced {
            intake.announce(ts_recv);
            self.announced = true;
        }
        if let Err(reject) = intake.frame(venue, stream, ts_recv, bytes) {
            self.metrics.refused[reject.reason as usize].add(1);
            let stream = std::str::from_utf8(stream).unwrap_or("not text");
            log!(
                self.metrics.log,
                Level::Warn,
                "frame {} refused: {} at byte {}, stream {}",
                self.frames,
                reject.reason.name(),
                reject.at,
                stream
            );
        }
        self.metrics.decode.record(self.watch.now() - started);
        self.metrics.frames.add(1);
        self.frames += 1;
        true
    }

    /// The next record of a stored sequence, if it is due.
    fn take_record(&mut self) -> Option<Message> {
        let Some(Input::Store(reader)) = self.input.as_mut() else {
            return None;
        };
        if self.held.next == self.held.records.len() {
            self.held.records.clear();
            self.held.next = 0;
            match reader.next_batch(BUDGET) {
                Ok([]) => {
                    self.exhausted = true;
                    return None;
                }
                Ok(batch) => {
                    let messages = batch
                        .iter()
                        .map(|record| bytemuck::cast::<Record, Message>(*record));
                    self.held.records.extend(messages);
                }
                Err(error) => {
                    self.failure = Some(error.to_string());
                    self.exhausted = true;
                    return None;
                }
            }
        }
        let mut message = self.held.records[self.held.next];
        let due = self.pace.due(message.ts_recv, self.now);
        self.held.record_waits = due > self.now;
        if self.held.record_waits {
            self.held.due = due;
            return None;
        }
        self.held.next += 1;
        self.last_recv = message.ts_recv;
        self.ingress = stamp(due, self.now);
        self.metrics.behind.record(self.now - due);
        message.sequence = self.ingress;
        Some(message)
    }
}

impl Agent for Feed {
    fn role(&self) -> &'static str {
        "feed"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if self.end_sent {
            return Turn::Done;
        }
        let budget = (duty.budget as usize).min(BUDGET);
        if !self.out.has_room_at(budget, duty.now) {
            return Turn::Blocked;
        }
        if !self.reader.exhausted && self.stop.is_requested() {
            (self.reader.exhausted, self.stopped) = (true, true);
        }
        let frames = self.reader.frames;
        self.reader.show_progress();
        if let Some(Input::Store(_)) = self.reader.input {
            self.reader.now = self.reader.watch.now();
        }
        let work = self.out.send_from(budget, || self.reader.next());
        if work.is_idle() && self.reader.frames > frames {
            // Frames without a message (refused, repeated) are work too.
            return Turn::Took(u32::try_from(self.reader.frames - frames).unwrap_or(u32::MAX));
        }
        if work.is_idle() && self.reader.exhausted {
            let last = self.reader.last_recv;
            let mut end = Message::new(InstrumentId::NONE, last, last, &Body::End);
            let now = self.reader.watch.now();
            end.sequence = stamp(now, now);
            self.end_sent = true;
            let mut end = Some(end);
            return Turn::Worked(self.out.send_from(1, || end.take()));
        }
        Turn::Worked(work)
    }

    /// A frame or record that waits to be due wants the thread back by then.
    fn timer(&self) -> Option<u64> {
        let held = &self.reader.held;
        let waits = held.venue.is_some() || held.record_waits;
        waits.then(|| self.reader.watch.raw_at(held.due))
    }

    fn on_close(&mut self) -> Result<(), String> {
        let (reports, intake) = match self.reader.input.take() {
            Some(Input::Frames { source, intake }) => (source.reports(), Some(intake)),
            _ => (Vec::new(), None),
        };
        let failure = self.reader.failure.take();
        leave(
            &self.closing,
            Fed {
                intake,
                reports,
                failure,
                stopped: self.stopped,
                recalled: 0,
                live: None,
            },
        );
        Ok(())
    }
}
