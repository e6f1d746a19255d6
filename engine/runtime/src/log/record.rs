//! What a log call writes: 96 plain bytes and no text of its own.

use super::Level;

/// Bytes all text arguments of one line share.
pub const TEXT_BYTES: usize = 23;

/// Arguments a line may have.
pub const ARGUMENTS: usize = 4;

/// A place in the code that logs: everything of a line that never changes.
#[derive(Debug)]
pub struct Site {
    level: Level,
    template: &'static str,
    file: &'static str,
    line: u32,
}

impl Site {
    /// Made by the [`log!`](crate::log!) macro. Refuses to compile when the template's `{}` and
    /// the arguments differ in number, or are too many.
    pub const fn new(
        level: Level,
        template: &'static str,
        file: &'static str,
        line: u32,
        arguments: usize,
    ) -> Self {
        assert!(arguments <= ARGUMENTS, "a log line has at most 4 arguments");
        assert!(
            holes(template) == arguments,
            "each {{}} of a log line needs one argument"
        );
        Self {
            level,
            template,
            file,
            line,
        }
    }

    /// How much its lines matter.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The text with `{}` where arguments go.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Number of `{}` in a template.
const fn holes(template: &str) -> usize {
    let bytes = template.as_bytes();
    let mut count = 0;
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] == b'{' && bytes[at + 1] == b'}' {
            count += 1;
            at += 1;
        }
        at += 1;
    }
    count
}

/// What kind of number a word holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    None,
    Unsigned,
    Signed,
    Float,
    Bool,
    /// Start and length in the record's text.
    Text,
}

/// One line on its way to the logger.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    site: &'static Site,
    raw: u64,
    /// The input the line is about; 0 for none.
    sequence: u64,
    /// Lines this agent had dropped before this one.
    dropped: u64,
    words: [u64; ARGUMENTS],
    kinds: [Kind; ARGUMENTS],
    text: [u8; TEXT_BYTES],
    text_used: u8,
}

const _: () = assert!(
    size_of::<Record>() <= 96,
    "a line is one and a half cache lines"
);

impl Record {
    /// A line without arguments yet.
    #[inline]
    pub fn new(site: &'static Site, sequence: u64) -> Self {
        Self {
            site,
            raw: 0,
            sequence,
            dropped: 0,
            words: [0; ARGUMENTS],
            kinds: [Kind::None; ARGUMENTS],
            text: [0; TEXT_BYTES],
            text_used: 0,
        }
    }

    /// The next argument.
    #[inline]
    #[must_use]
    pub fn with(mut self, argument: impl Argument) -> Self {
        argument.put(&mut self);
        self
    }

    #[inline]
    pub(super) fn stamp(&mut self, raw: u64, dropped: u64) {
        self.raw = raw;
        self.dropped = dropped;
    }

    #[inline]
    fn put(&mut self, kind: Kind, word: u64) {
        // More arguments than room cannot compile; see `Site::new`.
        if let Some(slot) = self.kinds.iter().position(|&kind| kind == Kind::None) {
            self.kinds[slot] = kind;
            self.words[slot] = word;
        }
    }

    pub(super) fn site(&self) -> &'static Site {
        self.site
    }

    pub(super) fn raw(&self) -> u64 {
        self.raw
    }

    pub(super) fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The sentence.
    pub(super) fn message(&self) -> String {
        let mut parts = self.site.template.split("{}");
        let mut message = parts.next().unwrap_or_default().to_owned();
        for (index, part) in parts.enumerate() {
            self.write_argument(index, &mut message);
            message.push_str(part);
        }
        message
    }

    fn write_argument(&self, index: usize, out: &mut String) {
        use std::fmt::Write;
        let word = self.words[index];
        let written = match self.kinds[index] {
            Kind::None => Ok(()),
            Kind::Unsigned => write!(out, "{word}"),
            Kind::Signed => write!(out, "{}", word.cast_signed()),
            Kind::Float => write!(out, "{}", f64::from_bits(word)),
            Kind::Bool => write!(out, "{}", word != 0),
            Kind::Text => {
                let [start, length, cut, ..] = word.to_le_bytes();
                let bytes = &self.text[usize::from(start)..usize::from(start + length)];
                let end = if cut == 0 { "" } else { "…" };
                write!(out, "{}{end}", String::from_utf8_lossy(bytes))
            }
        };
        written.expect("writing to a String cannot fail");
    }
}

/// What may stand for a `{}`.
pub trait Argument {
    /// Puts itself into the record's next place.
    fn put(self, record: &mut Record);
}

macro_rules! numbers {
    ($kind:ident: $($type:ty),* => $convert:expr) => {$(
        impl Argument for $type {
            #[inline]
            fn put(self, record: &mut Record) {
                let convert: fn($type) -> u64 = $convert;
                record.put(Kind::$kind, convert(self));
            }
        }
    )*};
}

numbers!(Unsigned: u8, u16, u32 => |number| u64::from(number));
numbers!(Unsigned: u64 => |number| number);
numbers!(Unsigned: usize => |number| number as u64);
numbers!(Signed: i8, i16, i32 => |number| i64::from(number).cast_unsigned());
numbers!(Signed: i64 => |number| number.cast_unsigned());
numbers!(Float: f64 => |number| number.to_bits());
numbers!(Bool: bool => |yes| u64::from(yes));

impl Argument for &str {
    /// A text that does not fit is cut, and shown so.
    #[inline]
    fn put(self, record: &mut Record) {
        let start = usize::from(record.text_used);
        let length = self.len().min(TEXT_BYTES - start);
        record.text[start..start + length].copy_from_slice(&self.as_bytes()[..length]);
        // both are at most TEXT_BYTES
        #[expect(clippy::cast_possible_truncation, reason = "TEXT_BYTES is below 256")]
        let (start, length) = (start as u8, length as u8);
        record.text_used = start + length;
        let cut = u8::from(usize::from(length) < self.len());
        let word = u64::from_le_bytes([start, length, cut, 0, 0, 0, 0, 0]);
        record.put(Kind::Text, word);
    }
}
