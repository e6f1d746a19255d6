//! `schema.json`: what lies beside the segments of a tick store, so that any program can read them.
//!
//! Everything in it comes from the message schema and the segment layout; it is the same for every store.

use pitlane_domain::message::schema::{self, Field};
use pitlane_domain::message::{Kind, Message};
use pitlane_lockfree::tick::layout;
use serde_json::{Value, json};
use std::path::Path;
use std::{fs, io};

/// The file's name.
pub const FILE: &str = "schema.json";

/// The schema as JSON.
pub fn json() -> Value {
    let record = record_dtype(&[
        ("aux", "<u4", std::mem::offset_of!(Message, aux)),
        ("payload", "(4,)<u8", std::mem::offset_of!(Message, payload)),
    ]);
    let kinds: serde_json::Map<String, Value> = Kind::ALL
        .iter()
        .filter(|(kind, _)| *kind != Kind::End)
        .map(|(kind, name)| ((*name).to_owned(), kind_json(*kind)))
        .collect();
    json!({
        "format": "pitlane-tick-store",
        "version": layout::VERSION,
        "schema_hash": format!("{:016x}", schema::hash()),
        "layout": {
            "magic": String::from_utf8_lossy(&layout::MAGIC.to_le_bytes()),
            "header_bytes": layout::HEADER_BYTES,
            "record_bytes": size_of::<Message>(),
            "crc_bytes": layout::CRC_BYTES,
            "offset_version": layout::OFFSET_VERSION,
            "offset_schema": layout::OFFSET_SCHEMA,
            "offset_first_sequence": layout::OFFSET_FIRST_SEQUENCE,
            "offset_capacity": layout::OFFSET_CAPACITY,
            "offset_day": layout::OFFSET_DAY,
            "offset_committed": layout::OFFSET_COMMITTED,
            "offset_durable": layout::OFFSET_DURABLE,
            "offset_closed": layout::OFFSET_CLOSED,
        },
        "record": record,
        "kinds": kinds,
    })
}

/// Writes the file into a directory, which is made if need be.
pub fn write(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let text = serde_json::to_string_pretty(&json())?;
    fs::write(dir.join(FILE), text + "\n")
}

/// A numpy structured dtype as a dictionary: the header's fields and `more`.
fn record_dtype(more: &[(&str, &str, usize)]) -> Value {
    let header = schema::HEADER
        .iter()
        .map(|field| (field.name, field.ty.numpy(), field.offset));
    let fields: Vec<_> = header.chain(more.iter().copied()).collect();
    json!({
        "names": fields.iter().map(|field| field.0).collect::<Vec<_>>(),
        "formats": fields.iter().map(|field| field.1).collect::<Vec<_>>(),
        "offsets": fields.iter().map(|field| field.2).collect::<Vec<_>>(),
        "itemsize": size_of::<Message>(),
    })
}

/// A kind: its code, its flags, its dtype and its units.
fn kind_json(kind: Kind) -> Value {
    let payload = schema::payload(kind);
    let fields: Vec<_> = payload
        .iter()
        .map(|field| (field.name, field.ty.numpy(), field.offset))
        .collect();
    let flags: serde_json::Map<String, Value> = schema::flags(kind)
        .iter()
        .map(|(bit, name)| ((*name).to_owned(), (*bit).into()))
        .collect();
    let unit = |field: &Field| (field.name.to_owned(), Value::from(field.unit));
    json!({
        "code": kind as u8,
        "flags": flags,
        "dtype": record_dtype(&fields),
        "units": payload.iter().map(unit).collect::<serde_json::Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_is_recorded_is_described() {
        let schema = json();
        assert_eq!(
            schema["kinds"].as_object().expect("kinds").len(),
            Kind::ALL.len() - 1
        );
        assert_eq!(schema["kinds"]["trade"]["code"], 1);
        assert_eq!(schema["kinds"]["trade"]["flags"]["buyer_maker"], 16);
        let dtype = &schema["kinds"]["quote"]["dtype"];
        let at = dtype["names"]
            .as_array()
            .expect("names")
            .iter()
            .position(|n| n == "spread");
        assert_eq!(dtype["formats"][at.expect("a spread")], "<i4");
        assert_eq!(schema["layout"]["magic"], "PITLTICK");
    }

    #[test]
    fn the_file_is_the_same_every_time() {
        let dir = tempfile::tempdir().expect("a directory");
        write(dir.path()).expect("written");
        let first = fs::read(dir.path().join(FILE)).expect("read");
        write(dir.path()).expect("written");
        assert_eq!(first, fs::read(dir.path().join(FILE)).expect("read"));
        assert_eq!(
            serde_json::from_slice::<Value>(&first).expect("JSON"),
            json()
        );
    }
}
