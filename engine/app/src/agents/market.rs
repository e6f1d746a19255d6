//! Applies the sequence to the market machine.

use super::{Closing, leave};
use crate::latency::StageLatency;
use pitlane_domain::market::Market;
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::ring::Consumer;
use pitlane_runtime::agent::{Agent, Duty, Turn};

/// The market agent.
pub struct MarketAgent {
    market: Box<Market>,
    input: Consumer<Message>,
    latency: StageLatency,
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
            ended,
            ..
        } = self;
        let work = input.drain_slices(duty.budget as usize, |messages| {
            market.apply_all(messages);
            for message in messages {
                if message.kind == Kind::End as u8 {
                    *ended = true;
                } else {
                    latency.note(message);
                }
            }
        });
        Turn::Worked(work)
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.latency.close();
        leave(&self.closing, std::mem::take(&mut self.market));
        Ok(())
    }
}
