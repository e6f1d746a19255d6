//! The few members of an object that a decoder looks for, found in one pass.

use super::Fault;
use super::json::{Cursor, Value};

/// Reads the object the cursor stands before; answers where the values of `keys` are, in that order.
pub fn members<const N: usize>(
    cursor: &mut Cursor<'_>,
    keys: &[&[u8]; N],
) -> Result<[Value; N], Fault> {
    let mut found = [Value::default(); N];
    cursor.object(|cursor, key| {
        let value = cursor.value()?;
        if let Some(at) = keys.iter().position(|known| *known == key) {
            found[at] = value;
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads a frame that is one object and nothing else; `None` if it is JSON, but no object.
pub fn frame_members<const N: usize>(
    frame: &[u8],
    keys: &[&[u8]; N],
) -> Result<Option<[Value; N]>, Fault> {
    let mut cursor = Cursor::new(frame);
    let found = if cursor.peek() == Some(b'{') {
        Some(members(&mut cursor, keys)?)
    } else {
        cursor.value()?;
        None
    };
    cursor.finish()?;
    Ok(found)
}
