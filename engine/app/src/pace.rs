//! When a recorded frame is due.

use pitlane_domain::units::WallNs;

/// How fast recorded time passes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Speed {
    /// As fast as the engine takes it.
    Max,
    /// This many recorded seconds a second; greater than 0.
    Times(f64),
}

impl Speed {
    /// From `max`, `1x`, `10x`, `0.5x` or a bare number.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("max") {
            return Some(Self::Max);
        }
        let number = text.strip_suffix(['x', 'X']).unwrap_or(text);
        let times: f64 = number.parse().ok()?;
        (times.is_finite() && (1e-3..=1e6).contains(&times)).then_some(Self::Times(times))
    }
}

/// Maps receive times to moments of this run.
///
/// The first frame is due at once. What an interrupted run had already recorded is due at once too.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    speed: Speed,
    /// Receive times up to here are due at once.
    resume_at: WallNs,
    origin: Option<(WallNs, u64)>,
}

impl Pace {
    /// A pace that starts with the first frame behind `resume_at`.
    pub fn new(speed: Speed, resume_at: WallNs) -> Self {
        Self {
            speed,
            resume_at,
            origin: None,
        }
    }

    /// The moment, in ns of the run's own clock, at which a frame received at `ts_recv` is due; `now` if at once.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a pace"
    )]
    pub fn due(&mut self, ts_recv: WallNs, now: u64) -> u64 {
        let Speed::Times(times) = self.speed else {
            return now;
        };
        if ts_recv <= self.resume_at {
            return now;
        }
        let (first, start) = *self.origin.get_or_insert((ts_recv, now));
        let recorded = ts_recv.0.saturating_sub(first.0).max(0);
        start.saturating_add((recorded as f64 / times) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_read_as_typed() {
        assert_eq!(Speed::parse("max"), Some(Speed::Max));
        assert_eq!(Speed::parse("1x"), Some(Speed::Times(1.0)));
        assert_eq!(Speed::parse("0.5X"), Some(Speed::Times(0.5)));
        assert_eq!(Speed::parse("10"), Some(Speed::Times(10.0)));
        for bad in ["", "x", "-1x", "0", "inf", "nan", "fast", "1e9x"] {
            assert_eq!(Speed::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn frames_are_due_at_their_recorded_distance() {
        let mut pace = Pace::new(Speed::Times(10.0), WallNs(0));
        assert_eq!(pace.due(WallNs(1_000_000), 500), 500);
        assert_eq!(pace.due(WallNs(2_000_000), 600), 500 + 100_000);
        // A receive time that runs backwards is due with the first frame, never before it.
        assert_eq!(pace.due(WallNs(1), 700), 500);
    }

    #[test]
    fn what_was_recorded_before_is_due_at_once() {
        let mut pace = Pace::new(Speed::Times(1.0), WallNs(100));
        assert_eq!(pace.due(WallNs(50), 7), 7);
        assert_eq!(pace.due(WallNs(100), 8), 8);
        assert_eq!(pace.due(WallNs(200), 9), 9);
        assert_eq!(pace.due(WallNs(300), 10), 109);
    }
}
