//! Contenders in turn: A B C A B C ..., each a fixed batch of work, so that whatever else the machine does meets all of them.

use crate::report::{Figures, Goal, Measured, Tail};
use hdrhistogram::Histogram;
use pitlane_runtime::clock::Clock;
use std::time::{Duration, Instant};

/// What somebody is in a row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Pitlane.
    Ours,
    /// The least that the machine makes it cost.
    Limit,
    /// Somebody else's way to the same result.
    Rival,
}

/// One batch of one contender.
#[derive(Debug)]
pub struct Sample {
    /// What one unit of the row took, usually in ns.
    pub value: f64,
    /// Single operations, in ns, where they were timed one by one.
    pub tail: Option<Histogram<u64>>,
    /// Page faults of the thread during the batch, where they were counted.
    pub faults: Option<u64>,
}

impl Sample {
    /// A value alone.
    pub fn of(value: f64) -> Self {
        Self {
            value,
            tail: None,
            faults: None,
        }
    }

    /// Time over so many units.
    pub fn per(took: Duration, units: usize) -> Self {
        Self::of(ns_per(took, units))
    }
}

/// Runs something that does so many units, and times it.
pub fn timed(units: usize, work: impl FnOnce()) -> Sample {
    let start = Instant::now();
    work();
    Sample::per(start.elapsed(), units)
}

/// Nanoseconds per unit.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn ns_per(took: Duration, units: usize) -> f64 {
    took.as_nanos() as f64 / units.max(1) as f64
}

/// A histogram for times of single operations: three digits, up to 16 seconds.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 1 << 34, 3).expect("legal bounds")
}

/// What reading the clock twice costs by itself, in ns: the median, to be taken off single operations.
pub fn clock_cost(clock: &Clock) -> u64 {
    let mut costs = histogram();
    for _ in 0..10_000 {
        let before = clock.raw();
        let _ = costs.record(clock.since_ns(before));
    }
    costs.value_at_quantile(0.5)
}

/// Somebody who does the work of a row.
pub struct Contender<'a> {
    name: &'static str,
    role: Role,
    round: Box<dyn FnMut() -> Sample + 'a>,
}

/// A row that is about to be measured.
pub struct Row<'a> {
    id: &'static str,
    work: String,
    unit: &'static str,
    goals: Vec<Goal>,
    notes: Vec<String>,
    known: Option<(&'static str, f64)>,
    contenders: Vec<Contender<'a>>,
}

impl<'a> Row<'a> {
    /// A row without contenders. `unit` is what a value counts, such as `ns per message`.
    pub fn new(id: &'static str, work: impl Into<String>, unit: &'static str) -> Self {
        Self {
            id,
            work: work.into(),
            unit,
            goals: Vec::new(),
            notes: Vec::new(),
            known: None,
            contenders: Vec::new(),
        }
    }

    /// Somebody more, who takes part in each round.
    #[must_use]
    pub fn with(
        mut self,
        role: Role,
        name: &'static str,
        round: impl FnMut() -> Sample + 'a,
    ) -> Self {
        self.contenders.push(Contender {
            name,
            role,
            round: Box::new(round),
        });
        self
    }

    /// A limit that is known and not measured here.
    #[must_use]
    pub fn known_limit(mut self, name: &'static str, value: f64) -> Self {
        self.known = Some((name, value));
        self
    }

    /// What is to be reached.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// What a reader must know to read the row.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Runs the rounds. One round before them warms everything up and is not counted.
    pub fn measure(self, rounds: usize) -> Measured {
        self.run(1, rounds)
    }

    /// One round, cold: for work that takes its time and warms nothing up.
    pub fn measure_once(self) -> Measured {
        self.run(0, 1)
    }

    fn run(mut self, warming: usize, rounds: usize) -> Measured {
        let count = self.contenders.len();
        let mut values = vec![Vec::with_capacity(rounds); count];
        let mut tails: Vec<Option<Histogram<u64>>> = vec![None; count];
        let mut faults: Vec<Option<u64>> = vec![None; count];
        for round in 0..warming + rounds {
            for (at, contender) in self.contenders.iter_mut().enumerate() {
                let sample = (contender.round)();
                if round < warming {
                    continue;
                }
                values[at].push(sample.value);
                if let Some(tail) = sample.tail {
                    let all = tails[at].get_or_insert_with(histogram);
                    all.add(tail).expect("histograms of the same bounds");
                }
                if let Some(counted) = sample.faults {
                    *faults[at].get_or_insert(0) += counted;
                }
            }
        }
        let ours = self.contenders.iter().position(|it| it.role == Role::Ours);
        let mut figures: Vec<_> = self
            .contenders
            .iter()
            .enumerate()
            .map(|(at, contender)| Figures {
                name: contender.name.to_owned(),
                role: contender.role,
                measured: true,
                spread: spread(&values[at]),
                times_ours: ours.map_or(1.0, |ours| median_ratio(&values[at], &values[ours])),
                tail: tails[at].as_ref().map(Tail::of),
                faults: faults[at],
            })
            .collect();
        if let Some((name, value)) = self.known {
            let least = ours.map_or(value, |ours| spread(&values[ours])[0]);
            figures.push(Figures {
                name: name.to_owned(),
                role: Role::Limit,
                measured: false,
                spread: [value; 3],
                times_ours: value / least,
                tail: None,
                faults: None,
            });
        }
        Measured::new(
            self.id,
            self.work,
            self.unit,
            rounds,
            figures,
            &self.goals,
            self.notes,
        )
    }
}

/// Least, median and ninth decile.
fn spread(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |tenths: usize| {
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * tenths / 10).copied().unwrap_or(f64::NAN)
    };
    [at(0), at(5), at(9)]
}

/// The median over the rounds of this one's value by that one's: both met the same weather.
fn median_ratio(these: &[f64], those: &[f64]) -> f64 {
    let ratios: Vec<_> = these.iter().zip(those).map(|(a, b)| a / b).collect();
    spread(&ratios)[1]
}

#[cfg(test)]
mod tests {
    use super::{Role, Row, Sample, median_ratio, spread};
    use crate::report::Goal;

    #[test]
    fn contenders_take_turns_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let come = |name: char, value: f64| {
            order.borrow_mut().push(name);
            Sample::of(value)
        };
        let mut first = true;
        let row = Row::new("it", "work", "ns")
            .with(Role::Ours, "ours", || {
                let value = if first { 1000.0 } else { 10.0 };
                first = false;
                come('o', value)
            })
            .with(Role::Limit, "limit", || come('l', 5.0))
            .goal(Goal::LimitTimes(2.0))
            .goal(Goal::LimitTimes(1.9))
            .measure(3);
        assert_eq!(*order.borrow(), "olololol");
        assert!(
            row.contenders[0]
                .spread
                .iter()
                .all(|it| (it - 10.0).abs() < 1e-9)
        );
        assert!((row.contenders[1].times_ours - 0.5).abs() < 1e-9);
        let met: Vec<_> = row.goals.iter().map(|goal| goal.met).collect();
        assert_eq!(met, [Some(true), Some(false)]);
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        // the second round met a machine ten times slower, and the third a stall of one alone
        let (these, those) = ([2.0, 20.0, 2.0], [1.0, 10.0, 50.0]);
        assert!((median_ratio(&these, &those) - 2.0).abs() < 1e-9);
        let sorted = spread(&[3.0, 1.0, 2.0]);
        assert!((sorted[0] - 1.0).abs() < 1e-9 && (sorted[1] - 2.0).abs() < 1e-9);
    }
}
