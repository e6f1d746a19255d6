//! The touch from two streams: quotes tell the best bid and ask first, depth tells them again later.
//!
//! Both count the same update ids, so the greater id is the fresher truth. And whenever depth catches up, the two must
//! agree to the last lot: the newest quote at or below the book's id is the book's touch. That check runs all the time.

use super::Book;
use crate::message::Quote;
use crate::units::{Lots, Ticks};
use std::collections::VecDeque;

/// Quotes kept to compare with: more than a busy market sends between two depth runs, or while a book is synchronised.
pub const QUOTES_MAX: usize = 1024;
/// Book touches that wait for a quote beyond their id.
pub const WAITING_MAX: usize = 256;

/// Best bid and best ask with their quantities.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Touch {
    /// Best bid.
    pub bid: Option<(Ticks, Lots)>,
    /// Best ask.
    pub ask: Option<(Ticks, Lots)>,
}

impl From<&Quote> for Touch {
    fn from(quote: &Quote) -> Self {
        let side = |px, qty| (qty != Lots::ZERO).then_some((px, qty));
        Self {
            bid: side(quote.bid_px, quote.bid_qty),
            ask: side(quote.ask_px, quote.ask_qty),
        }
    }
}

/// Which stream the freshest touch came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the variants are the streams they name")]
pub enum Source {
    Quote,
    Book,
}

/// The freshest touch known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fused {
    /// The touch.
    pub touch: Touch,
    /// Where it came from.
    pub source: Source,
    /// The venue's update id at which it was true.
    pub update_id: u64,
}

/// What comparing the two streams has shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Compared {
    /// Depth runs whose touch was compared with a quote.
    pub compared: u64,
    /// Of those: price or quantity differed on one side at least.
    pub mismatched: u64,
    /// Depth runs without a quote to compare with, or given up because too many waited.
    pub skipped: u64,
}

impl std::ops::AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.compared += other.compared;
        self.mismatched += other.mismatched;
        self.skipped += other.skipped;
    }
}

/// The quotes of one instrument beside its book.
#[derive(Clone, Debug, Default)]
pub struct QuoteTouch {
    /// Ascending ids; at most one of them at or below the last run compared.
    quotes: VecDeque<Quote>,
    /// Ids and touches of depth runs that are ahead of the quotes: only the next quote tells which one is theirs.
    waiting: VecDeque<(u64, Touch)>,
    total: Compared,
}

impl QuoteTouch {
    /// Takes a quote; answers what it settled.
    pub fn quote(&mut self, quote: &Quote) -> Compared {
        let mut done = Compared::default();
        if self.quotes.capacity() == 0 {
            self.quotes.reserve_exact(QUOTES_MAX);
        }
        match self.quotes.back().map(|last| last.update_id) {
            // The venue began to count anew: nothing before can be compared.
            Some(last) if quote.update_id < last => {
                self.quotes.clear();
                done += self.give_up();
            }
            Some(last) if quote.update_id == last => {
                self.quotes.pop_back();
            }
            _ => {}
        }
        while let Some(&(id, touch)) = self.waiting.front().filter(|(id, _)| *id < quote.update_id)
        {
            self.waiting.pop_front();
            let before = self.quotes.back().filter(|before| before.update_id <= id);
            done += compare(touch, before);
        }
        if self.quotes.len() == QUOTES_MAX {
            self.quotes.pop_front();
        }
        self.quotes.push_back(*quote);
        if let Some(&(_, touch)) = self
            .waiting
            .front()
            .filter(|(id, _)| *id == quote.update_id)
        {
            self.waiting.pop_front();
            done += compare(touch, Some(quote));
        }
        self.total += done;
        done
    }

    /// A depth run moved the book to this id and touch; answers what could be compared.
    pub fn run(&mut self, last_id: u64, touch: Touch) -> Compared {
        let newest = self.quotes.back().map(|newest| newest.update_id);
        let done = match newest {
            // Quotes without an update id cannot be placed.
            None | Some(0) => compare(touch, None),
            Some(newest) if newest < last_id => self.wait(last_id, touch),
            Some(_) => {
                while self
                    .quotes
                    .get(1)
                    .is_some_and(|second| second.update_id <= last_id)
                {
                    self.quotes.pop_front();
                }
                compare(
                    touch,
                    self.quotes
                        .front()
                        .filter(|quote| quote.update_id <= last_id),
                )
            }
        };
        self.total += done;
        done
    }

    /// The book lost the thread: what waits is not compared any more. With `quotes_too` the quotes lost it as well.
    pub fn lost(&mut self, quotes_too: bool) -> Compared {
        let done = self.give_up();
        if quotes_too {
            self.quotes.clear();
        }
        self.total += done;
        done
    }

    /// The newest quote.
    pub fn newest(&self) -> Option<&Quote> {
        self.quotes.back()
    }

    /// Runs that wait for a quote beyond their id.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// What comparing has shown so far.
    pub fn total(&self) -> Compared {
        self.total
    }

    /// The freshest touch: the newest quote if it is ahead of the book or the book is out of step, else the book's.
    /// A quote without an update id cannot be placed and gives way to a book in step.
    pub fn fused(&self, book: Option<&Book>) -> Option<Fused> {
        let book = book.filter(|book| book.is_in_step());
        let ahead = |quote: &&Quote| book.is_none_or(|book| quote.update_id > book.last_id());
        if let Some(quote) = self.newest().filter(ahead) {
            return Some(Fused {
                touch: quote.into(),
                source: Source::Quote,
                update_id: quote.update_id,
            });
        }
        let book = book?;
        Some(Fused {
            touch: book.touch(),
            source: Source::Book,
            update_id: book.last_id(),
        })
    }

    /// Says the whole state as words.
    pub fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(self.quotes.len() as u64);
        for quote in &self.quotes {
            for value in [
                quote.bid_px.0,
                quote.bid_qty.0,
                quote.ask_px.0,
                quote.ask_qty.0,
            ] {
                word(value.cast_unsigned());
            }
            word(quote.update_id);
        }
        word(self.waiting.len() as u64);
        for (id, touch) in &self.waiting {
            word(*id);
            for (px, qty) in [touch.bid, touch.ask].map(Option::unwrap_or_default) {
                word(px.0.cast_unsigned());
                word(qty.0.cast_unsigned());
            }
        }
        for count in [
            self.total.compared,
            self.total.mismatched,
            self.total.skipped,
        ] {
            word(count);
        }
    }

    fn wait(&mut self, last_id: u64, touch: Touch) -> Compared {
        let mut done = Compared::default();
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
            done.skipped += 1;
        } else if self.waiting.capacity() == 0 {
            self.waiting.reserve_exact(WAITING_MAX);
        }
        self.waiting.push_back((last_id, touch));
        done
    }

    fn give_up(&mut self) -> Compared {
        let skipped = self.waiting.len() as u64;
        self.waiting.clear();
        Compared {
            skipped,
            ..Compared::default()
        }
    }
}

fn compare(touch: Touch, quote: Option<&Quote>) -> Compared {
    match quote {
        None => Compared {
            skipped: 1,
            ..Compared::default()
        },
        Some(quote) => Compared {
            compared: 1,
            mismatched: u64::from(Touch::from(quote) != touch),
            skipped: 0,
        },
    }
}

#[cfg(test)]
mod tests;
