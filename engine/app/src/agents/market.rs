//! Applies the sequence to the market machine.

use super::{Closing, leave};
use crate::stopwatch::Stopwatch;
use pitlane_domain::market::Market;
use pitlane_domain::message::{Kind, Message, flag};
use pitlane_lockfree::counters::Histogram;
use pitlane_lockfree::ring::Consumer;
use pitlane_lockfree::stamps::StampReader;
use pitlane_runtime::agent::{Agent, Duty, Turn};

/// The market agent.
pub struct MarketAgent {
    market: Box<Market>,
    input: Consumer<Message>,
    stamps: StampReader,
    watch: Stopwatch,
    latency: Histogram,
    ended: bool,
    closing: Closing<Box<Market>>,
}

impl MarketAgent {
    /// An agent with an empty market.
    pub fn new(
        input: Consumer<Message>,
        stamps: StampReader,
        watch: Stopwatch,
        latency: Histogram,
        closing: Closing<Box<Market>>,
    ) -> Self {
        Self {
            market: Box::new(Market::new()),
            input,
            stamps,
            watch,
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
        if self.ended {
            return Turn::Done;
        }
        let Self {
            market,
            input,
            stamps,
            watch,
            latency,
            ended,
            ..
        } = self;
        let work = input.drain(duty.budget as usize, |message| {
            if message.kind == Kind::End as u8 {
                *ended = true;
                return;
            }
            market.apply(message);
            if message.flags & flag::LAST != 0 && message.kind != Kind::Timer as u8 {
                latency.record(watch.now().saturating_sub(stamps.read(message.sequence)));
            }
        });
        Turn::Worked(work)
    }

    fn on_close(&mut self) -> Result<(), String> {
        leave(
            &self.closing,
            std::mem::replace(&mut self.market, Box::new(Market::new())),
        );
        Ok(())
    }
}
