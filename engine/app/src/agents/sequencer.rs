//! Numbers the inputs and hands each to the recorder and the market.

use super::{Closing, leave};
use crate::latency::StageLatency;
use crate::topology::BUDGET;
use pitlane_domain::message::{Kind, Message};
use pitlane_domain::sequence::Numbering;
use pitlane_lockfree::ring::{Consumer, Producer};
use pitlane_lockfree::stamps::StampWriter;
use pitlane_runtime::agent::{Agent, Duty, Turn};

/// What the sequencer did in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sequenced {
    /// The last number given.
    pub last: u64,
    /// Inputs whose receipt ran backwards.
    pub raised: u64,
}

/// The sequencer agent.
pub struct Sequencer {
    numbering: Numbering,
    input: Consumer<Message>,
    recorder: Producer<Message>,
    market: Producer<Message>,
    stamps: StampWriter,
    batch: Vec<Message>,
    ended: bool,
    /// From socket to here, of a live source: what lies behind this number.
    socket: Option<(u64, StageLatency)>,
    closing: Closing<Sequenced>,
}

impl Sequencer {
    /// An agent that has numbered nothing yet.
    pub fn new(
        numbering: Numbering,
        input: Consumer<Message>,
        recorder: Producer<Message>,
        market: Producer<Message>,
        stamps: StampWriter,
        socket: Option<(u64, StageLatency)>,
        closing: Closing<Sequenced>,
    ) -> Self {
        let batch = Vec::with_capacity(2 * BUDGET);
        Self {
            numbering,
            input,
            recorder,
            market,
            stamps,
            batch,
            ended: false,
            socket,
            closing,
        }
    }
}

impl Agent for Sequencer {
    fn role(&self) -> &'static str {
        "sequencer"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        if let Some((_, socket)) = &mut self.socket {
            socket.settle(duty.worked_until);
        }
        if self.ended {
            return Turn::Done;
        }
        let budget = (duty.budget as usize).min(BUDGET);
        // Each input may bring a timer with it.
        if !self.recorder.has_room_at(2 * budget, duty.now)
            | !self.market.has_room_at(2 * budget, duty.now)
        {
            return Turn::Blocked;
        }
        let Self {
            numbering,
            input,
            batch,
            stamps,
            ended,
            ..
        } = self;
        batch.clear();
        let taken = input.drain(budget, |message| {
            // Until it is numbered, `sequence` holds the raw clock at ingress.
            let ingress = message.sequence;
            let numbered = numbering.number(*message);
            if let Some(timer) = numbered.timer {
                stamps.write(timer.sequence, ingress);
                batch.push(timer);
            }
            *ended |= numbered.message.kind == Kind::End as u8;
            stamps.write(numbered.message.sequence, ingress);
            batch.push(numbered.message);
        });
        if let Some((recalled, socket)) = &mut self.socket {
            for message in self.batch.iter().filter(|m| m.sequence > *recalled) {
                socket.note(message);
            }
        }
        for output in [&mut self.recorder, &mut self.market] {
            // Room was granted before the input was taken.
            let _ = output.send_all(&self.batch);
        }
        Turn::Worked(taken)
    }

    fn on_close(&mut self) -> Result<(), String> {
        if let Some((_, socket)) = &mut self.socket {
            socket.close();
        }
        leave(
            &self.closing,
            Sequenced {
                last: self.numbering.last(),
                raised: self.numbering.raised(),
            },
        );
        Ok(())
    }
}
