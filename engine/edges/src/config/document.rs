//! A TOML document read key by key, so that every fault is found in one pass.
//!
//! A derived deserializer stops at its first error and knows a value's place only where each field asks for it.
//! Here a section is asked for its keys one after the other; a wrong value is noted with its place and replaced by the
//! default, and when the section is finished every key nobody asked for is unknown.
//! What was asked for is also what may be overridden by the environment, so the two never differ.

use super::fault::{Fault, Located, Place, did_you_mean};
use super::overrides::Overrides;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest text written back in a fault.
const SHOWN_MAX: usize = 60;

/// The faults found so far, and what is needed to say where they are.
pub(super) struct Report<'a> {
    path: Arc<str>,
    text: &'a str,
    /// Byte at which each line starts.
    lines: Vec<usize>,
    overrides: &'a Overrides,
    faults: Vec<Fault>,
    /// Every key asked for, with its section.
    asked: BTreeSet<String>,
    /// Names of the variables that may override, and which of them were used.
    variables: BTreeSet<String>,
}

impl<'a> Report<'a> {
    /// A report on the text of a file of that name.
    pub fn new(path: &str, text: &'a str, overrides: &'a Overrides) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            path: path.into(),
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            overrides,
            faults: Vec::new(),
            asked: BTreeSet::new(),
            variables: BTreeSet::new(),
        }
    }

    /// The place of a byte range in the text.
    pub fn place(&self, span: &Range<usize>) -> Place {
        let line = self.lines.partition_point(|&start| start <= span.start);
        let start = self.lines[line - 1];
        let before = self.text.get(start..span.start).unwrap_or_default();
        Place::File {
            path: Arc::clone(&self.path),
            line,
            column: before.chars().count() + 1,
        }
    }

    /// Notes a fault.
    pub fn fault(&mut self, place: &Place, key: &str, what: impl Into<String>) {
        self.faults.push(Fault {
            place: place.clone(),
            key: key.to_owned(),
            what: what.into(),
        });
    }

    /// All faults in the order of the file, and every key asked for.
    /// Of a document that was read, variables that override nothing are faults too.
    pub fn finish(mut self, was_read: bool) -> (Vec<Fault>, BTreeSet<String>) {
        let overrides = self.overrides;
        for name in overrides.names() {
            if was_read && !self.variables.contains(name) {
                let known = self.variables.iter().map(String::as_str);
                let hint = did_you_mean(name, known).unwrap_or_default();
                let place = Place::Variable(name.into());
                self.fault(&place, "", format!("overrides no known key{hint}"));
            }
        }
        self.faults.sort();
        self.faults.dedup();
        (self.faults, self.asked)
    }
}

/// A value as written.
enum Written<'d> {
    Toml(&'d DeValue<'d>),
    /// The text of an environment variable.
    Variable(String),
}

/// One table of the document, asked for its keys.
pub(super) struct Section<'d> {
    table: Option<&'d DeTable<'d>>,
    /// The section's name in faults, such as `storage` or `instrument`; empty for the document.
    name: String,
    /// Where the section begins.
    pub place: Place,
    /// One of a list: the environment cannot say which, so it overrides none.
    listed: bool,
    known: Vec<&'static str>,
}

impl<'d> Section<'d> {
    /// The document itself.
    pub fn root(document: &'d DeTable<'d>, report: &Report<'_>) -> Self {
        Self {
            table: Some(document),
            name: String::new(),
            place: report.place(&(0..0)),
            listed: false,
            known: Vec::new(),
        }
    }

    /// A key with its section, as faults name it.
    pub fn full_name(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// The section `[key]`; empty if it is absent.
    pub fn section(&mut self, key: &'static str, report: &mut Report<'_>) -> Section<'d> {
        self.known.push(key);
        let name = self.full_name(key);
        let value = self.table.and_then(|table| table.get(key));
        let place = value.map_or_else(|| self.place.clone(), |v| report.place(&v.span()));
        let table = value.and_then(|value| match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                let what = format!("expected a section [{name}], found {}", shown(other));
                report.fault(&place, &name, what);
                None
            }
        });
        Section {
            table,
            name,
            place,
            listed: self.listed,
            known: Vec::new(),
        }
    }

    /// The sections `[[key]]`, in order.
    pub fn sections(&mut self, key: &'static str, report: &mut Report<'_>) -> Vec<Section<'d>> {
        self.known.push(key);
        let name = self.full_name(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else {
            return Vec::new();
        };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let mut sections = Vec::new();
        for item in items {
            let place = report.place(&item.span());
            match item.get_ref() {
                DeValue::Table(table) if !std::ptr::eq(item, value) => sections.push(Section {
                    table: Some(table),
                    name: name.clone(),
                    place,
                    listed: true,
                    known: Vec::new(),
                }),
                other => {
                    let what = format!("expected a list [[{name}]], found {}", shown(other));
                    report.fault(&place, &name, what);
                }
            }
        }
        sections
    }

    fn written(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Located<Written<'d>>> {
        self.known.push(key);
        let name = self.full_name(key);
        report.asked.insert(name.clone());
        if !self.listed {
            let variable = Overrides::name_of(&name);
            report.variables.insert(variable.clone());
            if let Some(text) = report.overrides.get(&variable) {
                return Some(Located {
                    value: Written::Variable(text.to_owned()),
                    place: Place::Variable(variable.into()),
                });
            }
        }
        let value = self.table?.get(key)?;
        Some(Located {
            value: Written::Toml(value.get_ref()),
            place: report.place(&value.span()),
        })
    }

    /// Text, if the key is there.
    pub fn text(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<Located<String>> {
        let Located { value, place } = self.written(key, report)?;
        let value = match value {
            Written::Variable(text) => text,
            Written::Toml(DeValue::String(text)) => text.to_string(),
            Written::Toml(other) => {
                let hint = match other {
                    DeValue::Integer(_) | DeValue::Float(_) => {
                        format!("; put it in quotes: {key} = \"{}\"", bare(other))
                    }
                    _ => String::new(),
                };
                let what = format!("expected text, found {}{hint}", shown(other));
                report.fault(&place, &self.full_name(key), what);
                return None;
            }
        };
        Some(Located { value, place })
    }

    /// Text, or a number as its text.
    pub fn text_or_number(
        &mut self,
        key: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Located<String>> {
        let Located { value, place } = self.written(key, report)?;
        let value = match value {
            Written::Variable(text) => text,
            Written::Toml(DeValue::String(text)) => text.to_string(),
            Written::Toml(number @ (DeValue::Integer(_) | DeValue::Float(_))) => bare(number),
            Written::Toml(other) => {
                let what = format!("expected text or a number, found {}", shown(other));
                report.fault(&place, &self.full_name(key), what);
                return None;
            }
        };
        Some(Located { value, place })
    }

    /// A list of texts; from the environment they stand between commas.
    pub fn texts(&mut self, key: &'static str, report: &mut Report<'_>) -> Vec<Located<String>> {
        let Some(Located { value, place }) = self.written(key, report) else {
            return Vec::new();
        };
        let items = match value {
            Written::Variable(text) => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                return items
                    .map(|item| Located {
                        value: item.to_owned(),
                        place: place.clone(),
                    })
                    .collect();
            }
            Written::Toml(DeValue::Array(items)) => items,
            Written::Toml(other) => {
                let what = format!("expected a list of texts, found {}", shown(other));
                report.fault(&place, &self.full_name(key), what);
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in items {
            let place = report.place(&item.span());
            if let DeValue::String(text) = item.get_ref() {
                texts.push(Located {
                    value: text.to_string(),
                    place,
                });
            } else {
                let what = format!("expected text in the list, found {}", shown(item.get_ref()));
                report.fault(&place, &self.full_name(key), what);
            }
        }
        texts
    }

    /// A whole number in a range, if the key is there.
    pub fn integer(
        &mut self,
        key: &'static str,
        legal: RangeInclusive<u64>,
        report: &mut Report<'_>,
    ) -> Option<Located<u64>> {
        let Located { value, place } = self.written(key, report)?;
        let (number, written) = match value {
            Written::Variable(text) => (
                text.trim().parse::<i128>().ok(),
                format!("\"{}\"", cut(&text)),
            ),
            Written::Toml(DeValue::Integer(i)) => {
                let number = i128::from_str_radix(i.as_str(), i.radix()).ok();
                (number, cut(&i.to_string()))
            }
            Written::Toml(other) => (None, shown(other)),
        };
        let (least, most) = (*legal.start(), *legal.end());
        match number.map(u64::try_from) {
            Some(Ok(number)) if legal.contains(&number) => {
                return Some(Located {
                    value: number,
                    place,
                });
            }
            Some(_) => {
                let what = format!("{written} is outside {least} to {most}");
                report.fault(&place, &self.full_name(key), what);
            }
            None => {
                let what =
                    format!("expected a whole number from {least} to {most}, found {written}");
                report.fault(&place, &self.full_name(key), what);
            }
        }
        None
    }

    /// A length of time with its unit, in a range, if the key is there.
    pub fn duration(
        &mut self,
        key: &'static str,
        legal: RangeInclusive<Duration>,
        report: &mut Report<'_>,
    ) -> Option<Located<Duration>> {
        let Located { value, place } = self.text(key, report)?;
        let what = match duration(&value) {
            Some(time) if legal.contains(&time) => return Some(Located { value: time, place }),
            Some(_) => {
                let (least, most) = (legal.start(), legal.end());
                format!("\"{}\" is outside {least:?} to {most:?}", cut(&value))
            }
            None => format!(
                "\"{}\" is no length of time; write a number and a unit, such as \"250ms\", \"5s\" or \"23h50min\"",
                cut(&value)
            ),
        };
        report.fault(&place, &self.full_name(key), what);
        None
    }

    /// `true` or `false`, if the key is there.
    pub fn boolean(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<bool> {
        let Located { value, place } = self.written(key, report)?;
        let written = match value {
            Written::Toml(DeValue::Boolean(value)) => return Some(*value),
            Written::Variable(text) if text == "true" => return Some(true),
            Written::Variable(text) if text == "false" => return Some(false),
            Written::Variable(text) => format!("\"{}\"", cut(&text)),
            Written::Toml(other) => shown(other),
        };
        let what = format!("expected true or false, found {written}");
        report.fault(&place, &self.full_name(key), what);
        None
    }

    /// One of the named choices, if the key is there.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        legal: &[(&str, T)],
        report: &mut Report<'_>,
    ) -> Option<Located<T>> {
        let Located { value, place } = self.text(key, report)?;
        if let Some((_, choice)) = legal.iter().find(|(name, _)| *name == value) {
            return Some(Located {
                value: *choice,
                place,
            });
        }
        let names = || legal.iter().map(|(name, _)| *name);
        let what = not_a_choice(&value, names());
        report.fault(&place, &self.full_name(key), what);
        None
    }

    /// A key that must be there: notes its absence, with what to write.
    pub fn require<T>(
        &self,
        key: &str,
        example: impl Display,
        value: Option<T>,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let written = self.table.is_some_and(|table| table.get(key).is_some());
        if value.is_none() && !written {
            let what = format!("missing; write for example {key} = {example}");
            report.fault(&self.place, &self.full_name(key), what);
        }
        value
    }

    /// Every key nobody asked for is a fault.
    pub fn finish(self, report: &mut Report<'_>) {
        for (key, _) in self.table.into_iter().flatten() {
            let written: &str = key.get_ref();
            if !self.known.contains(&written) {
                let hint = did_you_mean(written, self.known.iter().copied())
                    .unwrap_or_else(|| "; legal here: ".to_owned() + &self.known.join(", "));
                let what = format!("unknown key{hint}");
                let place = report.place(&key.span());
                report.fault(&place, &self.full_name(&cut(written)), what);
            }
        }
    }
}

/// A length of time: numbers with their units, such as `250us`, `1s` or `23h 50min`; at most a day.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, behind) = rest.split_at(digits);
        let behind = behind.trim_start();
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, next) = behind.split_at(letters.unwrap_or(behind.len()));
        let number: u64 = number.parse().ok()?;
        let ns = match unit {
            "ns" => 1,
            "us" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "min" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(ns)?)?;
        rest = next.trim_start();
    }
    let duration = Duration::from_nanos(total);
    (duration <= Duration::from_hours(24)).then_some(duration)
}

/// The sentence for a word that is none of the legal ones.
pub(super) fn not_a_choice<'a>(
    written: &str,
    legal: impl Iterator<Item = &'a str> + Clone,
) -> String {
    let hint = did_you_mean(written, legal.clone()).unwrap_or_default();
    let legal: Vec<String> = legal.map(|word| format!("\"{word}\"")).collect();
    format!(
        "\"{}\" is not one of {}{hint}",
        cut(written),
        legal.join(", ")
    )
}

/// Text short enough to be written back, without control characters.
pub(super) fn cut(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(SHOWN_MAX)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        short.push_str("...");
    }
    short
}

/// A number as it was written.
fn bare(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(i) => cut(&i.to_string()),
        DeValue::Float(f) => cut(f.as_str()),
        _ => String::new(),
    }
}

/// A value as a fault names it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("text \"{}\"", cut(text)),
        DeValue::Integer(_) | DeValue::Float(_) => format!("the number {}", bare(value)),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The document of a text, or every place where it is not TOML.
pub(super) fn parse<'a>(report: &mut Report<'a>) -> Option<Spanned<DeTable<'a>>> {
    let (document, errors) = DeTable::parse_recoverable(report.text);
    for error in &errors {
        let place = report.place(&error.span().unwrap_or(0..0));
        report.fault(&place, "", error.message().trim());
    }
    errors.is_empty().then_some(document)
}
