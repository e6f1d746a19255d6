//! Frames with many facts: each is judged and counted by itself.

use super::counts::{FactKind, Fate};
use super::output::Stamp;
use super::{Intake, emit};
use crate::decode::{Element, Fact, List, ListKind};
use crate::message::{Body, TradeGap};
use crate::units::WallNs;

impl Intake {
    /// Takes the elements of a list in their order. They are of the past, so they say nothing of our clock.
    pub(super) fn list(&mut self, list: List, ts_recv: WallNs, frame: &[u8]) {
        let Self {
            decoder,
            lines,
            out,
            ..
        } = self;
        let line = &mut lines[list.instrument.index()];
        let stamp = |ts_event: Option<WallNs>| Stamp {
            instrument: list.instrument,
            ts_event: ts_event.unwrap_or(ts_recv),
            ts_recv,
        };
        let mut ids: Option<TradeGap> = None;
        // Whether the reply is of what lies behind the last trade; its first trade says so.
        let mut tail: Option<bool> = None;
        let mut came = |id| {
            let TradeGap { first_id, last_id } = ids.unwrap_or(TradeGap {
                first_id: id,
                last_id: id,
            });
            ids = Some(TradeGap {
                first_id: first_id.min(id),
                last_id: last_id.max(id),
            });
        };
        decoder.elements(list, frame, |element| {
            out.counts.elements += 1;
            let Element { ts_event, fact } = match element {
                Ok(element) => element,
                Err(reject) => {
                    out.counts.elements_rejected[reject.reason as usize] += 1;
                    out.counts
                        .tally(list.instrument, |tally| tally.elements_refused += 1);
                    if let Some((stream, id)) = reject.trade {
                        came(id);
                        out.counts
                            .tally(list.instrument, |tally| tally.trades_refused += 1);
                        let tail = *tail.get_or_insert(line.trades.is_tail(id));
                        line.trades
                            .fetched(stamp(None), (stream, id), None, tail, out);
                    }
                    return;
                }
            };
            let kind = FactKind::of(&fact);
            out.counts.element_facts += 1;
            out.counts.tally(list.instrument, |tally| tally.came(kind));
            let stamp = stamp(ts_event);
            let fate = match &fact {
                Fact::Trade(stream, trade) => {
                    came(trade.id);
                    let tail = *tail.get_or_insert(line.trades.is_tail(trade.id));
                    let of = (*stream, trade.id);
                    line.trades.fetched(stamp, of, Some(trade), tail, out);
                    return;
                }
                Fact::VenueBar(prices, volume) => {
                    emit(stamp, &Body::VenueBarPrices(*prices), out);
                    emit(stamp, &Body::VenueBarVolume(*volume), out)
                }
                _ => Fate::Discarded,
            };
            out.counts
                .tally(list.instrument, |tally| tally.met(kind, fate));
        });
        // A reply of what lies behind says nothing of what is missing before.
        if let ListKind::Trades(stream) = list.kind
            && tail != Some(true)
        {
            line.trades.replied(stamp(None), stream, ids, out);
        }
        self.trades_changed();
    }
}
