//! Changed copies of an input, the same ones in every run.

/// Endless mutations of one input: a few edits each, of the kinds that find faults in parsers.
pub struct Mutations<'a> {
    input: &'a [u8],
    state: u64,
}

impl<'a> Mutations<'a> {
    /// Mutations that depend on the input and on nothing else.
    pub fn of(input: &'a [u8]) -> Self {
        let state = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            input,
            state: state | 1,
        }
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let bound = u64::try_from(bound).expect("64 bits");
        usize::try_from((self.state >> 16) % bound).expect("below a usize")
    }

    fn byte(&mut self) -> u8 {
        // what formats are made of, more often than chance would have it
        const TELLING: &[u8] = b"0123456789-.,:\"{}[]\\ eE\n\x00\xff\x80\x7f";
        if self.below(2) == 0 {
            TELLING[self.below(TELLING.len())]
        } else {
            u8::try_from(self.below(256)).expect("below 256")
        }
    }

    fn edit(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.push(self.byte());
            return;
        }
        let at = self.below(bytes.len());
        let end = at + self.below((bytes.len() - at).min(16)) + 1;
        match self.below(7) {
            0 => bytes[at] = self.byte(),
            1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes.insert(at, self.byte()),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = self.below(bytes.len());
                bytes.splice(to..to, piece);
            }
            5 => bytes.truncate(at),
            _ => {
                // the largest numbers and one more
                let digits: &[u8] = [
                    b"0".as_slice(),
                    b"9223372036854775807",
                    b"18446744073709551616",
                    b"4294967296",
                ][self.below(4)];
                bytes.splice(at..end, digits.iter().copied());
            }
        }
    }
}

impl Iterator for Mutations<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.input.to_vec();
        for _ in 0..=self.below(4) {
            self.edit(&mut bytes);
        }
        Some(bytes)
    }
}
