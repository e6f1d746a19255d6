//! The connections of a configuration, without an engine behind them: frames are recorded, looked at for gaps, and dropped.

use super::summary::Course;
use super::tally::Tally;
use crate::live::Start;
use anyhow::Context;
use pitlane_domain::intake::Intake;
use pitlane_domain::units::WallNs;
use pitlane_edges::capture::record::Recorder;
use pitlane_edges::config::Config;
use pitlane_edges::live::session::{Live, Now, Tap};
use pitlane_edges::source::Frame;
use pitlane_lockfree::wake::{Parker, parker};
use pitlane_runtime::clock::{Anchor, Clock};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Frames read before everything else is looked at again.
const FRAMES_PER_TURN: usize = 1024;
/// Frames taken at the end from what the system has received already.
const LAST_FRAMES: usize = 1 << 20;
/// How often the wall clock is looked at anew.
const ANCHOR_NS: u64 = 10_000_000_000;

/// What sees every frame. The lock is held by nobody else while frames are read.
#[derive(Clone)]
struct Side(Arc<Mutex<Recorded>>);

struct Recorded {
    recorder: Option<Recorder>,
    tally: Tally,
}

impl Side {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for Side {
    fn frame(&mut self, frame: &Frame<'_>) {
        let mut side = self.lock();
        side.tally.add(frame.stream, frame.bytes.len());
        if let Some(recorder) = &mut side.recorder {
            recorder.push(frame);
        }
    }
}

/// Time on both clocks, from its beginning.
struct Times {
    clock: Clock,
    began: u64,
    anchor: Anchor,
    anchored_ns: u64,
}

impl Times {
    fn new() -> Self {
        let clock = Clock::new();
        Self {
            began: clock.raw(),
            anchor: clock.anchor(),
            anchored_ns: 0,
            clock,
        }
    }

    fn now(&mut self) -> Now {
        let raw = self.clock.raw();
        let ns = self.clock.delta_ns(self.began, raw);
        if ns.saturating_sub(self.anchored_ns) > ANCHOR_NS {
            self.anchor = self.clock.anchor();
            self.anchored_ns = ns;
        }
        Now {
            ts: WallNs(self.clock.to_wall(&self.anchor, raw)),
            ns,
        }
    }
}

/// Connections that are recorded.
pub struct Session {
    live: Live,
    intake: Intake,
    side: Side,
    times: Times,
    parker: Parker,
}

impl Session {
    /// Calls the venues.
    pub fn begin(config: &Config, start: Start, recorder: Recorder) -> anyhow::Result<Self> {
        let mut times = Times::new();
        let mut side = Side(Arc::new(Mutex::new(Recorded {
            recorder: Some(recorder),
            tally: Tally::default(),
        })));
        for listing in &start.listings {
            side.frame(&Frame {
                ts_recv: times.now().ts,
                venue: listing.venue,
                stream: b"@exchangeInfo",
                bytes: &listing.body,
            });
        }
        let now = times.now();
        let seed = now.ts.0.cast_unsigned();
        let mut live = Live::new(config, &start.instruments, &[], seed, now)?;
        for listing in &start.listings {
            if let Some(weight) = listing.weight_limit {
                live.set_limit(listing.venue, weight);
            }
        }
        live.count_from(start.refused);
        live.tap(Box::new(side.clone()));
        let (parker, waker) = parker();
        live.start(Some(&waker), now)
            .context("the threads of the connections cannot be started")?;
        Ok(Self {
            live,
            intake: Intake::new(start.instruments, start.options),
            side,
            times,
            parker,
        })
    }

    /// Reads what is there, or waits for it, at most so long.
    pub fn turn(&mut self, longest: Duration) {
        let frames = self.read(FRAMES_PER_TURN);
        let now = self.times.now();
        let tended = self.live.tend(now, &mut self.intake);
        self.drop_messages();
        self.pass_on();
        if frames > 0 || tended > 0 {
            return;
        }
        let due = self.live.next_due(now, &self.intake);
        let due = Duration::from_nanos(u64::try_from(due.0.saturating_sub(now.ts.0)).unwrap_or(0));
        let (live, intake, times) = (&mut self.live, &mut self.intake, &mut self.times);
        self.parker
            .park(due.min(longest), || live.next_frame(times.now(), intake));
        self.drop_messages();
    }

    /// How long it has run.
    pub fn elapsed(&mut self) -> Duration {
        Duration::from_nanos(self.times.now().ns)
    }

    /// Something for the screen, if there is.
    pub fn say(&mut self) -> Option<String> {
        self.live.say().map(|told| told.text)
    }

    /// What was captured, and what became of the connections.
    pub fn so_far(&self) -> (Tally, Course) {
        let counts = self.live.counts();
        let total = &self.intake.counts().total;
        let course = Course {
            connects: counts.connects,
            disconnects: counts.disconnects,
            handovers: counts.handovers,
            gaps: total.trade_gaps + total.book_gaps(),
            requests: counts.requests,
            request_failures: counts.request_failures,
            thrown_away: counts.thrown_away,
            causes: counts.causes,
            frames_refused: self.intake.counts().rejected,
        };
        (self.side.lock().tally.clone(), course)
    }

    /// Takes what this machine has received already, says goodbye, and lets the recorder end. Gives back what is left for
    /// the screen too.
    pub fn end(mut self) -> (Tally, Course, Vec<String>) {
        self.read(LAST_FRAMES);
        let now = self.times.now();
        self.live.close(now);
        self.side.lock().recorder = None;
        let (tally, course) = self.so_far();
        let last_words = std::iter::from_fn(|| self.say()).collect();
        (tally, course, last_words)
    }

    fn read(&mut self, most: usize) -> usize {
        for count in 0..most {
            let now = self.times.now();
            if !self.live.next_frame(now, &mut self.intake) {
                return count;
            }
            self.drop_messages();
        }
        most
    }

    /// Nobody is behind the intake; it is here for what it finds missing.
    fn drop_messages(&mut self) {
        while self.intake.pop().is_some() {}
    }

    fn pass_on(&self) {
        if let Some(recorder) = &mut self.side.lock().recorder {
            recorder.pass_on();
        }
    }
}
