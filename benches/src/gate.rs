//! The gate: instructions per operation, held against a baseline that is kept as text beside the sources.
//!
//! Instructions are counted and not timed because a shared machine gives the same count on any day.
//! They do not tell how long an operation takes, but a change that executes more of them has to say why.

use std::fmt::Write;

/// How much more an operation may cost before the gate says no, in percent, where the baseline does not say otherwise.
pub const TOLERANCE_PERCENT: f64 = 2.0;

/// What a count depends on besides the sources. Counts of different circumstances are not compared.
pub type Circumstances = Vec<(String, String)>;

/// One operation of a baseline.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// The name of the operation.
    pub name: String,
    /// Instructions per operation.
    pub instructions: f64,
    /// How much more is still no change, in percent.
    pub tolerance: f64,
}

/// What was counted once, and accepted.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Baseline {
    /// What the counts depend on.
    pub circumstances: Circumstances,
    /// The counts.
    pub entries: Vec<Entry>,
}

impl Baseline {
    /// Reads what [`Baseline::to_text`] wrote. An error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut baseline = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            if let Some((key, value)) = line.split_once(" = ") {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                baseline.circumstances.push((key, value));
                continue;
            }
            let entry = parse_entry(line)
                .ok_or_else(|| format!("line {}: not `operation instructions percent`", at + 1))?;
            baseline.entries.push(entry);
        }
        Ok(baseline)
    }

    /// As text, one line an operation.
    pub fn to_text(&self) -> String {
        let mut text = String::from(
            "# Instructions per operation, counted by valgrind. `scripts/instructions` compares, and\n\
             # `scripts/instructions --accept` writes this file. See docs/benchmarks.md.\n\n",
        );
        for (key, value) in &self.circumstances {
            let _ = writeln!(text, "{key} = {value}");
        }
        text.push_str("\n# operation              instructions  tolerance in percent\n");
        for Entry {
            name,
            instructions,
            tolerance,
        } in &self.entries
        {
            let _ = writeln!(text, "{name:<24} {instructions:>12.2} {tolerance:>10.1}");
        }
        text
    }

    /// The entry of that name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What differs between the circumstances of this baseline and `now`, in words.
    pub fn differences(&self, now: &Circumstances) -> Vec<String> {
        let mut found = Vec::new();
        for (key, is) in now {
            let was = self.circumstances.iter().find(|(other, _)| other == key);
            match was {
                Some((_, was)) if was == is => {}
                Some((_, was)) => found.push(format!("{key} was {was:?} and is {is:?}")),
                None => found.push(format!("{key} is {is:?} and was not recorded")),
            }
        }
        found
    }
}

fn parse_entry(line: &str) -> Option<Entry> {
    let (name, rest) = line.split_once(char::is_whitespace)?;
    let mut words = rest.split_ascii_whitespace();
    let mut number = || {
        let number: f64 = words.next()?.parse().ok()?;
        (number.is_finite() && number > 0.0).then_some(number)
    };
    let (instructions, tolerance) = (number()?, number()?);
    words.next().is_none().then(|| Entry {
        name: name.to_owned(),
        instructions,
        tolerance,
    })
}

/// How one operation stands against the baseline.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// The name of the operation.
    pub name: String,
    /// Instructions of the baseline, if it has the operation.
    pub before: Option<f64>,
    /// Instructions now, if it is still an operation.
    pub after: Option<f64>,
    /// What it may cost more, in percent.
    pub tolerance: f64,
}

/// What a comparison says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Within the tolerance.
    Same,
    /// Fewer instructions by more than the tolerance: worth accepting, so that it stays so.
    Better,
    /// More instructions than the tolerance allows.
    Worse,
    /// The baseline does not know it.
    New,
    /// The baseline knows it and nobody counts it any more.
    Gone,
}

impl Comparison {
    /// How much more it costs, in percent of before; 0 where there is nothing to compare.
    pub fn percent(&self) -> f64 {
        match (self.before, self.after) {
            (Some(before), Some(after)) => (after - before) / before * 100.0,
            _ => 0.0,
        }
    }

    /// What this says.
    pub fn verdict(&self) -> Verdict {
        match (self.before, self.after) {
            (None, _) => Verdict::New,
            (_, None) => Verdict::Gone,
            _ if self.percent() > self.tolerance => Verdict::Worse,
            _ if self.percent() < -self.tolerance => Verdict::Better,
            _ => Verdict::Same,
        }
    }

    /// Whether the gate says no: the cost rose, or the baseline and the operations are not of the same tree.
    pub fn is_failure(&self) -> bool {
        !matches!(self.verdict(), Verdict::Same | Verdict::Better)
    }

    /// What is wrong, for somebody who has to do something about it.
    pub fn complaint(&self) -> String {
        let name = &self.name;
        match (self.before, self.after) {
            (Some(before), Some(after)) => format!(
                "{name} takes {after:.2} instructions, {:.2} % more than the {before:.2} accepted; {} % are allowed",
                self.percent(),
                self.tolerance
            ),
            (None, _) => format!("{name} is not in the baseline"),
            (_, None) => format!("{name} is in the baseline and not counted any more"),
        }
    }

    /// The line of a table.
    pub fn line(&self) -> String {
        let number = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("{it:.2}"));
        let word = match self.verdict() {
            Verdict::Same => String::new(),
            Verdict::Better => "fewer: accept it, so that it stays so".to_owned(),
            Verdict::Worse => format!("MORE than the {} % allowed", self.tolerance),
            Verdict::New => "NOT in the baseline".to_owned(),
            Verdict::Gone => "in the baseline, and not counted any more".to_owned(),
        };
        let line = format!(
            "{:<24} {:>12} {:>12} {:>+8.2} %  {word}",
            self.name,
            number(self.before),
            number(self.after),
            self.percent()
        );
        line.trim_end().to_owned()
    }
}

/// Every operation of either side, counted ones first.
pub fn compare(baseline: &Baseline, counted: &[(String, f64)]) -> Vec<Comparison> {
    let mut found: Vec<_> = counted
        .iter()
        .map(|(name, after)| {
            let entry = baseline.find(name);
            Comparison {
                name: name.clone(),
                before: entry.map(|entry| entry.instructions),
                after: Some(*after),
                tolerance: entry.map_or(TOLERANCE_PERCENT, |entry| entry.tolerance),
            }
        })
        .collect();
    for entry in &baseline.entries {
        if counted.iter().all(|(name, _)| *name != entry.name) {
            found.push(Comparison {
                name: entry.name.clone(),
                before: Some(entry.instructions),
                after: None,
                tolerance: entry.tolerance,
            });
        }
    }
    found
}

/// The number of instructions in what valgrind says at its end.
pub fn instructions_of(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find(|line| line.contains("I ") && line.contains("refs:"))?;
    let (_, number) = line.rsplit_once("refs:")?;
    number.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests;
