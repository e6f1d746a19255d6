//! Appends the sequence to the tick store.
//!
//! What is at or below the store's own end was recorded by an earlier, interrupted run of the same input:
//! it is compared instead, and a difference stops the engine before anything of two inputs is mixed.

use super::{Closing, leave};
use crate::latency::StageLatency;
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::Record;
use pitlane_lockfree::ring::Consumer;
use pitlane_lockfree::tick::TickWriter;
use pitlane_runtime::agent::{Agent, Duty, Turn};
use std::path::{Path, PathBuf};

/// What the recorder did in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recorded {
    /// Records appended.
    pub appended: u64,
    /// Records played again and found equal.
    pub verified: u64,
}

/// The recorder agent.
pub struct Recorder {
    store: Option<TickWriter>,
    /// The store was closed in good order before this run.
    was_closed: bool,
    dir: PathBuf,
    input: Consumer<Message>,
    latency: StageLatency,
    done: Recorded,
    ended: bool,
    closing: Closing<Recorded>,
}

impl Recorder {
    /// An agent that owns the store opened in `dir`.
    pub fn new(
        store: TickWriter,
        was_closed: bool,
        dir: PathBuf,
        input: Consumer<Message>,
        latency: StageLatency,
        closing: Closing<Recorded>,
    ) -> Self {
        let (store, done) = (Some(store), Recorded::default());
        Self {
            store,
            was_closed,
            dir,
            input,
            latency,
            done,
            ended: false,
            closing,
        }
    }
}

fn take(
    store: &mut TickWriter,
    dir: &Path,
    done: &mut Recorded,
    message: &Message,
) -> Result<(), String> {
    let record: Record = bytemuck::cast(*message);
    if message.sequence >= store.next_sequence() {
        store.append(&record).map_err(|error| error.to_string())?;
        done.appended += 1;
        return Ok(());
    }
    match store
        .read_at(message.sequence)
        .map_err(|error| error.to_string())?
    {
        Some(stored) if stored == record => {
            done.verified += 1;
            Ok(())
        }
        _ => Err(format!(
            "the tick store in {} holds another input: it differs from this one at sequence {}; \
             choose another directory or move it away",
            dir.display(),
            message.sequence
        )),
    }
}

impl Agent for Recorder {
    fn role(&self) -> &'static str {
        "recorder"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        let Self {
            store,
            dir,
            input,
            latency,
            done,
            ended,
            ..
        } = self;
        latency.settle(duty.worked_until);
        let Some(store) = store.as_mut().filter(|_| !*ended) else {
            return Turn::Done;
        };
        let mut failure = None;
        let work = input.drain(duty.budget as usize, |message| {
            if message.kind == Kind::End as u8 {
                *ended = true;
            } else if failure.is_none() {
                failure = take(store, dir, done, message).err();
                latency.note(message);
            }
        });
        if let Err(error) = store.commit() {
            failure.get_or_insert(error.to_string());
        }
        match failure {
            Some(reason) => Turn::Failed(reason),
            None if work.is_idle() => {
                // Pages and the next segment are made ahead of need. An early word of a full disk may yet come to
                // nothing: the append that needs the room says so again.
                let _ = store.prepare();
                Turn::IDLE
            }
            None => Turn::Worked(work),
        }
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.latency.close();
        leave(&self.closing, self.done);
        // Without the end of the input the store is left as after a crash: the next run goes on behind it. Unless
        // nothing was added to a store that was closed: then it is closed again, and is what it was.
        let untouched = self.was_closed && self.done.appended == 0;
        match self.store.take().filter(|_| self.ended || untouched) {
            Some(store) => store.close().map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}
