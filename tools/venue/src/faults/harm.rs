//! What can be done to the bytes of a message or of an answer.

use serde_json::Value;

/// A harm. The bytes are what the client reads unless it says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Harm {
    /// Only so many bytes are sent; half of them where 0.
    Truncate(usize),
    /// The last bracket is another one: no JSON any more, but nearly.
    Malformed,
    /// JSON of the right shape whose text is numbers and whose numbers and booleans are text.
    WrongTypes,
    /// Bytes that are no text; of streams in a binary frame.
    Binary,
    /// It is said to be compressed, which nobody asked for and which it is not.
    Compressed,
    /// Bytes that are no text, where text is announced; of streams only.
    NotText,
    /// Half of it, and then the connection ends; of streams only, in the middle of a frame.
    Torn,
    /// Behind it so many bytes of blanks, in the same frame or body.
    Huge(u64),
}

impl Harm {
    /// What becomes of the data, before anything is wrapped around it.
    pub(crate) fn data(self, data: &[u8]) -> Option<Vec<u8>> {
        if self != Self::WrongTypes {
            return None;
        }
        let mut value = serde_json::from_slice(data).ok()?;
        swap_types(&mut value);
        serde_json::to_vec(&value).ok()
    }

    /// What becomes of the whole.
    pub(crate) fn whole(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Truncate(0) => bytes.truncate(bytes.len() / 2),
            Self::Truncate(keep) => bytes.truncate(keep),
            Self::Malformed => {
                if let Some(last) = bytes.last_mut() {
                    *last = if *last == b']' { b'}' } else { b']' };
                }
            }
            Self::Binary | Self::NotText => {
                for byte in bytes {
                    *byte = !*byte;
                }
            }
            Self::WrongTypes | Self::Compressed | Self::Torn | Self::Huge(_) => {}
        }
    }
}

fn swap_types(value: &mut Value) {
    match value {
        Value::Null => {}
        Value::String(_) => *value = Value::from(1),
        Value::Number(_) | Value::Bool(_) => *value = Value::from("text"),
        Value::Array(items) => items.iter_mut().for_each(swap_types),
        Value::Object(fields) => fields.values_mut().for_each(swap_types),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(harm: Harm, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        harm.whole(&mut bytes);
        bytes
    }

    #[test]
    fn each_harm_does_what_it_says() {
        assert_eq!(whole(Harm::Truncate(0), "abcd"), b"ab");
        assert_eq!(whole(Harm::Truncate(1), "abcd"), b"a");
        assert_eq!(whole(Harm::Malformed, r#"{"a":1}"#), br#"{"a":1]"#);
        assert_eq!(whole(Harm::Malformed, "[1]"), b"[1}");
        assert!(String::from_utf8(whole(Harm::Binary, "{}")).is_err());
        assert_eq!(whole(Harm::Compressed, "{}"), b"{}");
        let data = Harm::WrongTypes.data(br#"{"a":"1.5","b":[["2",3]],"m":true,"n":null}"#);
        let text = String::from_utf8(data.unwrap()).unwrap();
        assert_eq!(text, r#"{"a":1,"b":[[1,"text"]],"m":"text","n":null}"#);
        assert_eq!(Harm::Malformed.data(b"{}"), None);
    }
}
