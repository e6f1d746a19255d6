//! The body of an answer, read within bounds and looked at just enough to know JSON from a page.

use std::io::Read;

use super::RestError;

/// How much of an error's body is kept: more than any venue's code and words.
const BEGINNING: usize = 4096;
/// How much of what is no JSON is told.
const TOLD: usize = 200;
const CHUNK: usize = 64 * 1024;

/// Reading bodies.
pub(super) struct Body;

impl Body {
    /// A whole JSON text of at most `bytes_max` bytes.
    pub fn read(reader: &mut impl Read, bytes_max: usize) -> Result<Vec<u8>, RestError> {
        let mut bytes = Vec::new();
        let mut known = false;
        loop {
            if !read_some(reader, &mut bytes, CHUNK)? {
                break;
            }
            // a page is not read to its end
            if !known && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                if !matches!(first, b'{' | b'[') {
                    return Err(RestError::NotJson(text(&bytes)));
                }
                known = true;
            }
            if bytes.len() > bytes_max {
                return Err(RestError::TooLarge(bytes_max));
            }
        }
        let last = bytes.iter().rfind(|byte| !byte.is_ascii_whitespace());
        match last {
            None => Err(RestError::NotJson(String::new())),
            // a body without a length ends wherever the connection did
            Some(b'}' | b']') => Ok(bytes),
            Some(_) => {
                let end = &bytes[bytes.len().saturating_sub(40)..];
                Err(RestError::Truncated(format!("it ends {:?}", text(end))))
            }
        }
    }

    /// How the body of an error begins. Whatever goes wrong, the status is what matters.
    pub fn beginning(reader: &mut impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < BEGINNING {
            let left = BEGINNING - bytes.len();
            if !matches!(read_some(reader, &mut bytes, left), Ok(true)) {
                break;
            }
        }
        bytes
    }
}

/// Appends at most `most` bytes; whether there were any.
fn read_some(reader: &mut impl Read, bytes: &mut Vec<u8>, most: usize) -> Result<bool, RestError> {
    let before = bytes.len();
    bytes.resize(before + most, 0);
    let read = reader.read(&mut bytes[before..]);
    bytes.truncate(before + read.as_ref().copied().unwrap_or(0));
    match read {
        Ok(read) => Ok(read > 0),
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(RestError::of(ureq::Error::from(error))),
    }
}

/// The beginning, readable.
pub(super) fn text(bytes: &[u8]) -> String {
    let first = &bytes[..bytes.len().min(TOLD)];
    String::from_utf8_lossy(first).trim().to_owned()
}
