//! What was measured, as a table in Markdown and as JSON.

use crate::machine::Machine;
use crate::rounds::Role;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::fmt::Write;

/// What a row is to reach.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Goal {
    /// At most so many times the limit.
    LimitTimes(f64),
    /// The rival of that name takes at least so many times as long.
    Rival(&'static str, f64),
    /// At most so many units.
    AtMost(f64),
    /// The 99.9th percentile of single operations is at most so many times their median.
    TailTimes(f64),
    /// No page fault on the thread.
    NoFaults,
}

/// A goal and whether it was met.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Judged {
    /// In words.
    pub goal: String,
    /// `None` where there was nothing to judge it by.
    pub met: Option<bool>,
}

/// Percentiles of single operations, in ns.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[expect(missing_docs, reason = "their names say it")]
pub struct Tail {
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
    pub count: u64,
}

impl Tail {
    /// Those of a histogram.
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            count: histogram.len(),
        }
    }
}

/// What one contender came to.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figures {
    /// Who.
    pub name: String,
    /// As what.
    pub role: Role,
    /// False for a limit that is known from elsewhere.
    pub measured: bool,
    /// Least, median and ninth decile of the rounds.
    pub spread: [f64; 3],
    /// Median over the rounds of its value by ours.
    pub times_ours: f64,
    /// Single operations, where they were timed.
    pub tail: Option<Tail>,
    /// Page faults of the thread in all rounds, where they were counted.
    pub faults: Option<u64>,
}

/// A row that was measured.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Measured {
    /// Its name on the command line.
    pub id: String,
    /// What is done.
    pub work: String,
    /// What a value counts.
    pub unit: String,
    /// Rounds that counted.
    pub rounds: usize,
    /// Ours, the limit and the rivals.
    pub contenders: Vec<Figures>,
    /// What was to be reached.
    pub goals: Vec<Judged>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl Measured {
    /// Judges the goals.
    pub fn new(
        id: &str,
        work: String,
        unit: &str,
        rounds: usize,
        contenders: Vec<Figures>,
        goals: &[Goal],
        notes: Vec<String>,
    ) -> Self {
        let mut row = Self {
            id: id.to_owned(),
            work,
            unit: unit.to_owned(),
            rounds,
            contenders,
            goals: Vec::new(),
            notes,
        };
        row.goals = goals.iter().map(|goal| row.judge(*goal)).collect();
        row
    }

    /// A row that could not be measured, with the reason.
    pub fn skipped(id: &str, work: &str, reason: impl Into<String>) -> Self {
        let notes = vec![format!("not measured: {}", reason.into())];
        Self::new(id, work.to_owned(), "", 0, Vec::new(), &[], notes)
    }

    fn of_role(&self, role: Role) -> impl Iterator<Item = &Figures> {
        self.contenders.iter().filter(move |it| it.role == role)
    }

    fn judge(&self, goal: Goal) -> Judged {
        let ours = self.of_role(Role::Ours).next();
        let limit = self.of_role(Role::Limit).next();
        let (text, met) = match goal {
            Goal::LimitTimes(times) => (
                format!("at most {} x the limit", short(times)),
                limit.map(|limit| 1.0 / limit.times_ours <= times),
            ),
            Goal::Rival(name, times) => (
                format!("{name} at least {times} x ours"),
                self.of_role(Role::Rival)
                    .find(|rival| rival.name == name)
                    .map(|rival| rival.times_ours >= times),
            ),
            Goal::AtMost(most) => (
                format!("at most {most} {}", self.unit),
                ours.map(|ours| ours.spread[0] <= most),
            ),
            Goal::TailTimes(times) => (
                format!("p99.9 at most {times} x p50"),
                ours.and_then(|ours| ours.tail)
                    .map(|tail| as_f64(tail.p999) <= times * as_f64(tail.p50)),
            ),
            Goal::NoFaults => (
                "no page fault on the thread".to_owned(),
                ours.and_then(|ours| ours.faults).map(|faults| faults == 0),
            ),
        };
        Judged { goal: text, met }
    }

    fn cells(&self) -> [String; 9] {
        let alone = self.of_role(Role::Ours).count() == 1;
        let names = |role, with: &dyn Fn(&Figures) -> String| {
            let each: Vec<_> = self
                .of_role(role)
                .map(|it| match role {
                    Role::Ours if alone => with(it),
                    _ => format!("{}: {}", it.name, with(it)),
                })
                .collect();
            each.join("<br>")
        };
        let value = |it: &Figures| {
            let mut text = number(it.spread[0]);
            if let Some(tail) = it.tail {
                let _ = write!(
                    text,
                    " (p50 {}, p99 {}, p99.9 {})",
                    tail.p50, tail.p99, tail.p999
                );
            }
            if let Some(faults) = it.faults {
                let _ = write!(text, " {faults} faults");
            }
            text
        };
        let spread = |it: &Figures| it.spread.map(number).join(" / ");
        let goals = |with: &dyn Fn(&Judged) -> String| {
            self.goals.iter().map(with).collect::<Vec<_>>().join("<br>")
        };
        let first = |role| self.of_role(role).next();
        let mut work = self.work.clone();
        if !self.unit.is_empty() {
            let _ = write!(work, ", {}", self.unit);
        }
        [
            format!("`{}` {work}", self.id),
            names(Role::Ours, &value),
            names(Role::Limit, &value),
            names(Role::Rival, &value),
            first(Role::Limit).map_or(String::new(), |it| number(1.0 / it.times_ours)),
            names(Role::Rival, &|it| number(it.times_ours)),
            names(Role::Ours, &spread),
            goals(&|it| it.goal.clone()),
            goals(&|it| word(it.met).to_owned()),
        ]
    }
}

fn word(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "not judged",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn as_f64(value: u64) -> f64 {
    value as f64
}

/// Three digits, which is more than a shared machine can tell.
fn number(value: f64) -> String {
    match value.abs() {
        it if !it.is_finite() => "-".to_owned(),
        it if it >= 99.95 => format!("{value:.0}"),
        it if it >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// As few digits as say it.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One run: the machine and its rows.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Where and of what.
    pub machine: Machine,
    /// What was measured.
    pub rows: Vec<Measured>,
}

impl Report {
    /// The machine as a list, the rows as a table, the notes under it.
    pub fn to_markdown(&self) -> String {
        let mut text = self.machine.to_markdown();
        text.push_str(
            "\nA value is the least of its rounds; in brackets are percentiles of single operations in ns.\n\
             A ratio is the median over the rounds of one by the other in the same round: \
             *by limit* is ours by the limit, *rival by ours* how much longer the rival takes.\n\
             The spread is least / median / ninth decile of our rounds.\n\n\
             | work | ours | limit | rivals | by limit | rival by ours | spread | goal | |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.cells().join(" | "));
        }
        text.push('\n');
        for row in &self.rows {
            for note in &row.notes {
                let _ = writeln!(text, "- `{}`: {note}", row.id);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Measured, number, short};
    use crate::rounds::{Role, Row, Sample};

    #[test]
    fn a_row_is_one_line_of_the_table() {
        let row = Row::new("it", "some work", "ns per message")
            .with(Role::Ours, "ours", || Sample::of(10.0))
            .with(Role::Limit, "the machine", || Sample::of(8.0))
            .with(Role::Rival, "them", || Sample::of(25.0))
            .goal(Goal::Rival("them", 3.0))
            .goal(Goal::Rival("nobody", 3.0))
            .measure(2);
        assert_eq!(
            row.cells().join(" | "),
            "`it` some work, ns per message | 10.0 | the machine: 8.00 | them: 25.0 | 1.25 | them: 2.50 | \
             10.0 / 10.0 / 10.0 | them at least 3 x ours<br>nobody at least 3 x ours | **missed**<br>not judged"
        );
    }

    #[test]
    fn a_row_without_figures_says_why() {
        let row = Measured::skipped("it", "some work", "one core");
        assert_eq!(row.notes, ["not measured: one core"]);
    }

    #[test]
    fn a_goal_has_as_few_digits_as_say_it() {
        let texts = [4.0, 1.1, 1.0 / 0.85, 10.0].map(short);
        assert_eq!(texts, ["4", "1.1", "1.18", "10"]);
    }

    #[test]
    fn numbers_have_three_digits() {
        let texts = [0.5, 9.999, 123.4, f64::NAN].map(number);
        assert_eq!(texts, ["0.50", "10.0", "123", "-"]);
    }
}
