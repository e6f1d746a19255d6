//! Applies the sequence to the market machine.

use super::{Closing, leave};
use crate::latency::StageLatency;
use crate::topology::BUDGET;
use pitlane_domain::market::Market;
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::ring::Consumer;
use pitlane_runtime::agent::{Agent, Duty, Turn};

/// The market agent.
pub struct MarketAgent {
    market: Box<Market>,
    input: Consumer<Message>,
    latency: StageLatency,
    /// What this poll took: trades in a row are added up at once.
    turn: Vec<Message>,
    ended: bool,
    closing: Closing<Box<Market>>,
}

impl MarketAgent {
    /// An agent with an empty market.
    pub fn new(
        input: Consumer<Message>,
        latency: StageLatency,
        closing: Closing<Box<Market>>,
    ) -> Self {
        let market = Box::new(Market::new());
        Self {
            market,
            input,
            latency,
            turn: Vec::with_capacity(2 * BUDGET),
            ended: false,
            closing,
        }
    }
}

impl Agent for MarketAgent {
    fn role(&self) -> &'static str {
        "market"
    }

    fn poll(&mut self, duty: &Duty) -> Turn {
        self.latency.settle(duty.worked_until);
        if self.ended {
            return Turn::Done;
        }
        let Self {
            market,
            input,
            latency,
            turn,
            ended,
            ..
        } = self;
        turn.clear();
        let work = input.drain(duty.budget as usize, |message| {
            turn.push(*message);
            if message.kind == Kind::End as u8 {
                *ended = true;
            } else {
                latency.note(message);
            }
        });
        market.apply_all(turn);
        Turn::Worked(work)
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.latency.close();
        leave(&self.closing, std::mem::take(&mut self.market));
        Ok(())
    }
}
