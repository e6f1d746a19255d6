//! Applies the sequence to the market machine.

use super::{Closing, leave};
use crate::latency::StageLatency;
use crate::topology::BUDGET;
use pitlane_domain::market::Market;
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::conflate::ConflateProducer;
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
    /// To the feed of a live source, which can have books made right; and how many it was told of.
    resync: Option<(ConflateProducer<1>, u64)>,
    closing: Closing<Box<Market>>,
}

impl MarketAgent {
    /// An agent with an empty market.
    pub fn new(
        input: Consumer<Message>,
        latency: StageLatency,
        resync: Option<ConflateProducer<1>>,
        closing: Closing<Box<Market>>,
    ) -> Self {
        let market = Box::new(Market::new());
        Self {
            market,
            input,
            latency,
            turn: Vec::with_capacity(2 * BUDGET),
            ended: false,
            resync: resync.map(|edge| (edge, 0)),
            closing,
        }
    }

    /// Tells the feed which books were found wrong.
    fn tell_wrong(&mut self) {
        let found = self.market.counts().books_found_wrong;
        let Some((edge, told)) = self.resync.as_mut().filter(|(_, told)| *told < found) else {
            return;
        };
        *told = found;
        for (id, fault) in self.market.take_found_wrong() {
            // Whatever it was, for the feed the book is one that cannot be.
            if id.index() < edge.keys() {
                edge.put(id.index(), &[fault as u64]);
            }
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
        self.tell_wrong();
        Turn::Worked(work)
    }

    fn on_close(&mut self) -> Result<(), String> {
        self.latency.close();
        leave(&self.closing, std::mem::take(&mut self.market));
        Ok(())
    }
}
