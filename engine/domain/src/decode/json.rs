//! A cursor over JSON bytes that allocates nothing and copies nothing.
//!
//! What passes is JSON by RFC 8259, in UTF-8, nested at most [`DEPTH_MAX`] deep, every number within the range of a
//! double and every surrogate escape paired: exactly what `serde_json` accepts as a `Value`, and a test holds the two
//! together. The cursor finds where values begin and end; what they mean is decided later, in `fields`, from their
//! [`Value`]s. Strings and digits are searched eight bytes at a time.

use super::{Fault, Reason};

/// Containers may nest this deep.
pub const DEPTH_MAX: u8 = 127;

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Shape {
    #[default]
    Absent,
    Null,
    True,
    False,
    /// A number written with digits only.
    Digits,
    /// Any other number: with a sign, decimals or an exponent.
    Number,
    Text,
    Array,
    Object,
}

/// Where a value stands in its frame: of a text what is between the quotes, of the rest all of it.
/// Eight bytes, because a frame's fields are a table of them that is cleared for every frame.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Value {
    start: u32,
    /// Length times 16, plus the shape.
    length_and_shape: u32,
}

impl Shape {
    const ALL: [Self; 16] = {
        let mut all = [Self::Absent; 16];
        let shapes = [
            Self::Absent,
            Self::Null,
            Self::True,
            Self::False,
            Self::Digits,
            Self::Number,
            Self::Text,
            Self::Array,
            Self::Object,
        ];
        let mut at = 0;
        while at < shapes.len() {
            all[at] = shapes[at];
            at += 1;
        }
        all
    };
}

impl Value {
    /// Lengths have 28 bits; the longest text a cursor is given has 27.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the entry points bound the length of the text"
    )]
    #[inline]
    fn new(shape: Shape, start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            length_and_shape: (end.wrapping_sub(start) as u32) << 4 | shape as u32,
        }
    }

    /// What it is.
    #[inline]
    pub fn shape(self) -> Shape {
        Shape::ALL[(self.length_and_shape & 15) as usize]
    }

    /// Its first byte.
    #[inline]
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// The byte behind its last.
    #[inline]
    pub fn end(self) -> usize {
        self.start()
            .wrapping_add((self.length_and_shape >> 4) as usize)
    }

    /// Whether the frame has it, and not as `null`.
    #[inline]
    pub fn is_given(self) -> bool {
        !matches!(self.shape(), Shape::Absent | Shape::Null)
    }

    /// Refuses the frame for what this value says.
    #[cold]
    pub fn fault<T>(self, reason: Reason) -> Result<T, Fault> {
        Err(Fault::new(reason, self.start()))
    }

    /// Its bytes.
    #[inline]
    pub fn of(self, frame: &[u8]) -> &[u8] {
        &frame[self.start()..self.end()]
    }
}

/// A string between its quotes.
struct Quoted {
    start: usize,
    end: usize,
    escaped: bool,
}

/// A position in JSON text.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    depth: u8,
}

impl<'a> Cursor<'a> {
    /// At the first byte.
    pub fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// At a byte further on, to read a value found before once more.
    pub fn at(text: &'a [u8], at: usize) -> Self {
        Self { text, at, depth: 0 }
    }

    /// The byte the cursor stands on.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The text the cursor moves over.
    #[inline]
    pub fn text(&self) -> &'a [u8] {
        self.text
    }

    /// The value of that shape that began at `start` and ends here.
    #[inline]
    pub fn since(&self, start: usize, shape: Shape) -> Value {
        Value::new(shape, start, self.at)
    }

    /// Moves to a position at which the caller knows a value to end.
    #[inline]
    pub fn jump(&mut self, at: usize) {
        self.at = at;
    }

    /// The next byte that is not white space.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        match self.text.get(self.at) {
            Some(0..=b' ') => self.peek_behind_space(),
            next => next.copied(),
        }
    }

    /// Out of line, because venues write no white space, or hardly any.
    #[cold]
    fn peek_behind_space(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    /// Refuses the text at the byte the cursor stands on.
    #[cold]
    fn malformed<T>(&self) -> Result<T, Fault> {
        Err(Fault::malformed(self.at))
    }

    /// Nothing but white space may follow.
    pub fn finish(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.malformed(),
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            self.malformed()
        }
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Result<(), Fault> {
        self.expect(bracket)?;
        if self.depth == DEPTH_MAX {
            return self.malformed();
        }
        self.depth += 1;
        Ok(())
    }

    /// Steps over a comma (true) or the closing bracket (false).
    #[inline]
    fn more(&mut self, bracket: u8) -> Result<bool, Fault> {
        let next = self.peek();
        if next == Some(b',') {
            self.at += 1;
            return Ok(true);
        }
        if next != Some(bracket) {
            return self.malformed();
        }
        self.at += 1;
        self.depth -= 1;
        Ok(false)
    }

    /// Reads an object; `member` gets each key and must read exactly one value.
    #[inline]
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'{')?;
        if self.peek() == Some(b'}') {
            self.more(b'}')?;
            return Ok(());
        }
        loop {
            let mut plain = [0; KEY_BYTES];
            let key = match self.text[self.at..].first_chunk() {
                // Most keys are one letter, written without white space.
                Some([b'"', b'A'..=b'Z' | b'a'..=b'z', b'"', b':']) => {
                    self.at += 4;
                    &self.text[self.at - 3..self.at - 2]
                }
                _ => self.key(&mut plain)?,
            };
            member(self, key)?;
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// A key in any form, and its colon.
    #[inline]
    fn key<'b>(&mut self, plain: &'b mut [u8; KEY_BYTES]) -> Result<&'b [u8], Fault>
    where
        'a: 'b,
    {
        self.expect(b'"')?;
        let quoted = self.quoted()?;
        let key = &self.text[quoted.start..quoted.end];
        self.expect(b':')?;
        Ok(if quoted.escaped {
            without_escapes(key, plain)
        } else {
            key
        })
    }

    /// Reads an array; `element` must read exactly one value.
    #[inline]
    pub fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.open(b'[')?;
        if self.peek() == Some(b']') {
            self.more(b']')?;
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Reads any value and says where it is; arrays and objects are checked and passed over.
    #[inline]
    pub fn value(&mut self) -> Result<Value, Fault> {
        let next = self.peek();
        let start = self.at;
        let shape = match next {
            Some(b'"') => {
                self.at += 1;
                let quoted = self.quoted()?;
                return Ok(Value::new(Shape::Text, quoted.start, quoted.end));
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'{' | b'[') => self.container()?,
            Some(b't') => self.literal(b"true", Shape::True)?,
            Some(b'f') => self.literal(b"false", Shape::False)?,
            Some(b'n') => self.literal(b"null", Shape::Null)?,
            _ => return self.malformed(),
        };
        Ok(Value::new(shape, start, self.at))
    }

    /// Kept out of line: the recursion for nested containers stands here, [`DEPTH_MAX`] deep at most.
    #[inline(never)]
    fn container(&mut self) -> Result<Shape, Fault> {
        if self.peek() == Some(b'{') {
            self.object(|cursor, _| cursor.value().map(drop))?;
            Ok(Shape::Object)
        } else {
            self.array(|cursor| cursor.value().map(drop))?;
            Ok(Shape::Array)
        }
    }

    #[inline]
    fn literal(&mut self, word: &[u8], shape: Shape) -> Result<Shape, Fault> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(shape)
        } else {
            self.malformed()
        }
    }

    /// Reads a string from behind its opening quote to behind its closing one.
    #[inline]
    fn quoted(&mut self) -> Result<Quoted, Fault> {
        let start = self.at;
        self.at = plain_end(self.text, start);
        if self.text.get(self.at) == Some(&b'"') {
            self.at += 1;
            return Ok(Quoted {
                start,
                end: self.at - 1,
                escaped: false,
            });
        }
        self.quoted_with_care(start)
    }

    /// The rest of a string that holds an escape or a byte outside ASCII.
    #[cold]
    fn quoted_with_care(&mut self, start: usize) -> Result<Quoted, Fault> {
        let mut escaped = false;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x80..) => self.at += 1,
                _ => return self.malformed(),
            }
            self.at = plain_end(self.text, self.at);
        }
        let end = self.at;
        if let Err(error) = std::str::from_utf8(&self.text[start..end]) {
            return Err(Fault::malformed(start + error.valid_up_to()));
        }
        self.at += 1;
        Ok(Quoted {
            start,
            end,
            escaped,
        })
    }

    /// Reads one escape; a surrogate must come with its other half.
    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                return Ok(());
            }
            Some(b'u') => {}
            _ => return self.malformed(),
        }
        match hex(self.text, self.at + 2) {
            Some(0xD800..=0xDBFF) => {
                let escaped = self.text[self.at + 6..].starts_with(b"\\u");
                let low = hex(self.text, self.at + 8);
                if !escaped || !matches!(low, Some(0xDC00..=0xDFFF)) {
                    return self.malformed();
                }
                self.at += 12;
            }
            None | Some(0xDC00..=0xDFFF) => return self.malformed(),
            Some(_) => self.at += 6,
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<Shape, Fault> {
        let start = self.at;
        let end = digits_end(self.text, start);
        let leading_zero = self.text[start] == b'0' && end - start > 1;
        let goes_on = matches!(self.text.get(end), Some(b'.' | b'e' | b'E'));
        if end == start || end - start > DOUBLE_DIGITS || leading_zero || goes_on {
            return self.number_with_care();
        }
        self.at = end;
        Ok(Shape::Digits)
    }

    fn number_with_care(&mut self) -> Result<Shape, Fault> {
        let start = self.at;
        if self.text[start] == b'-' {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.at = digits_end(self.text, self.at),
            _ => return self.malformed(),
        }
        let mut may_overflow = self.at - start > DOUBLE_DIGITS;
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
            may_overflow = true;
        }
        if may_overflow && !is_double(&self.text[start..self.at]) {
            return Err(Fault::malformed(start));
        }
        Ok(Shape::Number)
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Fault> {
        let end = digits_end(self.text, self.at);
        if end == self.at {
            return self.malformed();
        }
        self.at = end;
        Ok(())
    }
}

/// Integers shorter than this are below the largest double, 1.8e308.
const DOUBLE_DIGITS: usize = 300;

/// Whether the number is within the range of a double.
#[cold]
fn is_double(number: &[u8]) -> bool {
    let number = std::str::from_utf8(number).unwrap_or_default();
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Longer than every key a decoder looks for.
const KEY_BYTES: usize = 24;

/// The key that was written with escapes, if it is ASCII and short; otherwise as written, which is no known key.
#[cold]
fn without_escapes<'b>(key: &'b [u8], plain: &'b mut [u8; KEY_BYTES]) -> &'b [u8] {
    let mut rest = key;
    let mut len = 0;
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'\\', [b'u', ..]) => match hex(behind, 1).and_then(|code| u8::try_from(code).ok()) {
                Some(code) if code.is_ascii() => (code, &behind[5..]),
                _ => return key,
            },
            (b'\\', [b'/', behind @ ..]) => (b'/', behind),
            // The other short escapes stand for bytes no key has.
            (b'\\', _) => return key,
            (plain, behind) => (plain, behind),
        };
        let Some(place) = plain.get_mut(len) else {
            return key;
        };
        *place = byte;
        len += 1;
        rest = behind;
    }
    &plain[..len]
}

/// The number of four hexadecimal digits.
fn hex(text: &[u8], at: usize) -> Option<u16> {
    text.get(at..at + 4)?.iter().try_fold(0, |code, &byte| {
        let digit = char::from(byte).to_digit(16)?;
        Some(code << 4 | u16::try_from(digit).ok()?)
    })
}

const ONES: u64 = u64::MAX / 255;
const HIGH_BITS: u64 = ONES << 7;

/// Eight bytes, the first as the lowest; `None` near the end of the text.
#[inline]
pub fn word(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

/// The position of the first byte, from `at` on, that cannot simply stand inside a string:
/// a quote, a backslash, a control byte, one outside ASCII, or the end.
#[inline]
pub fn plain_end(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(text, at) {
        // A byte's high bit is set where the byte is zero, or less than 32; false alarms stand only above a true one.
        let zero = |w: u64| w.wrapping_sub(ONES) & !w;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let special = (quote | backslash | control | word) & HIGH_BITS;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = text.get(at) {
        if matches!(byte, b'"' | b'\\' | ..0x20 | 0x80..) {
            break;
        }
        at += 1;
    }
    at
}

/// Eight digits 0 as text.
pub const ZEROS: u64 = ONES * b'0' as u64;

/// How many of the eight bytes are digits before the first that is none.
#[inline]
pub fn leading_digits(word: u64) -> usize {
    others(word).trailing_zeros() as usize / 8
}

/// Whether the eight bytes are digits.
#[inline]
pub fn all_digits(word: u64) -> bool {
    others(word) == 0
}

/// The high bit of each byte that is no digit.
#[inline]
fn others(word: u64) -> u64 {
    // A digit, less '0', is below 10; adding 118 carries everything else into the byte's high bit.
    let less = word ^ ZEROS;
    (((less & !HIGH_BITS).wrapping_add(ONES * 118)) | less) & HIGH_BITS
}

/// The position of the first byte from `at` on that is not a digit.
#[inline]
fn digits_end(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(text, at) {
        let count = leading_digits(word);
        at += count;
        if count < 8 {
            return at;
        }
    }
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
