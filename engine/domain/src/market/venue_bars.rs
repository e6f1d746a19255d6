//! The venue's own bars, beside ours: a check that no trade was lost or counted twice.

use crate::bars::{Bar, Bars, TIMEFRAMES, Timeframe};
use crate::message::{VenueBarPrices, VenueBarVolume};

/// The newest bar the venue has sent per timeframe, and the final ones that wait for ours to close.
#[derive(Clone, Debug, Default)]
pub struct VenueBars {
    half: Option<VenueBarPrices>,
    newest: [Option<(VenueBarPrices, VenueBarVolume)>; TIMEFRAMES],
    waiting: [Option<(VenueBarPrices, VenueBarVolume)>; TIMEFRAMES],
}

impl VenueBars {
    /// The newest bar the venue has sent, final or not.
    pub fn newest(&self, timeframe: Timeframe) -> Option<&(VenueBarPrices, VenueBarVolume)> {
        self.newest[timeframe as usize].as_ref()
    }

    pub(super) fn prices(&mut self, prices: &VenueBarPrices) {
        self.half = Some(*prices);
    }

    /// The first half that belongs to a second one, which is then no more waited for.
    pub(super) fn first_half(&mut self, volume: &VenueBarVolume) -> Option<VenueBarPrices> {
        let half = self.half.take();
        half.filter(|first| first.interval_s == volume.interval_s)
    }

    /// The second half; answers `false` if it does not belong to the first.
    pub(super) fn volume(&mut self, volume: &VenueBarVolume) -> bool {
        let Some(prices) = self.first_half(volume) else {
            return false;
        };
        // Other intervals than ours are well formed and of no use.
        if let Some(timeframe) = Timeframe::from_seconds(volume.interval_s) {
            self.newest[timeframe as usize] = Some((prices, *volume));
            if volume.closed {
                self.waiting[timeframe as usize] = Some((prices, *volume));
            }
        }
        true
    }

    /// Compares what can be compared now; answers how many were and how many differed.
    /// A bar of ours that is incomplete by its own word is no evidence.
    pub(super) fn compare(&mut self, bars: &Bars) -> (u64, u64) {
        let (mut compared, mut mismatched) = (0, 0);
        for (timeframe, waiting) in Timeframe::ALL.into_iter().zip(&mut self.waiting) {
            let (Some((prices, volume)), Some(open)) = (&*waiting, bars.open(timeframe)) else {
                continue;
            };
            if open.open_ts <= volume.open_ts {
                continue;
            }
            let ours = bars.closed_at(timeframe, volume.open_ts);
            if let Some(ours) = ours.filter(|bar| !bar.is_incomplete()) {
                compared += 1;
                mismatched += u64::from(!is_same(ours, prices, volume));
            }
            *waiting = None;
        }
        (compared, mismatched)
    }

    pub(super) fn state_words(&self, word: &mut impl FnMut(u64)) {
        word(self.half.map_or(0, |half| u64::from(half.interval_s)));
        for bar in self.newest.iter().chain(&self.waiting) {
            word(u64::from(bar.is_some()));
            if let Some((prices, volume)) = bar {
                for px in [prices.open, prices.high, prices.low, prices.close] {
                    word(px.0.cast_unsigned());
                }
                word(volume.open_ts.0.cast_unsigned());
                word(volume.volume.0.cast_unsigned());
                word(volume.taker_buy_volume.0.cast_unsigned());
                word(volume.trades << 1 | u64::from(volume.closed));
            }
        }
    }
}

fn is_same(ours: &Bar, prices: &VenueBarPrices, volume: &VenueBarVolume) -> bool {
    (ours.open, ours.high, ours.low, ours.close)
        == (prices.open, prices.high, prices.low, prices.close)
        && (ours.volume, ours.taker_buy_volume) == (volume.volume, volume.taker_buy_volume)
        && ours.trades == volume.trades
}
