//! Records out of the tick store, for people and other programs: CSV, JSON lines, numpy.
//!
//! Prices and quantities leave as decimals of their instrument; in a numpy array they stay integers, as stored.

use pitlane_domain::definitions::Definitions;
use pitlane_domain::instrument::{Instrument, InstrumentId};
use pitlane_domain::message::schema::{self, Field, Type};
use pitlane_domain::message::{Kind, Message};
use rustc_hash::FxHashMap;
use std::io::{self, Write};

/// What to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A header and one line a record.
    Csv,
    /// One JSON object a record, with the fields its kind has.
    JsonLines,
}

/// Writes records as text, one after the other.
pub struct TextExport<W: Write> {
    out: W,
    format: Format,
    columns: Vec<&'static str>,
    definitions: Definitions,
    instruments: FxHashMap<InstrumentId, Instrument>,
    written: u64,
}

impl<W: Write> TextExport<W> {
    /// Starts an export; of CSV this writes the header.
    pub fn new(mut out: W, format: Format) -> io::Result<Self> {
        let mut columns = Vec::new();
        for (kind, _) in Kind::ALL {
            for field in schema::payload(kind) {
                if !columns.contains(&field.name) {
                    columns.push(field.name);
                }
            }
        }
        if format == Format::Csv {
            write!(out, "sequence,ts_event,ts_recv,kind,flags,instrument")?;
            for column in &columns {
                write!(out, ",{column}")?;
            }
            writeln!(out)?;
        }
        let (definitions, instruments) = (Definitions::default(), FxHashMap::default());
        Ok(Self {
            out,
            format,
            columns,
            definitions,
            instruments,
            written: 0,
        })
    }

    /// Looks at a record without writing it: definitions are learnt also from what a filter leaves out.
    pub fn learn(&mut self, message: &Message) {
        if let Some((id, instrument)) = self.definitions.take(message) {
            self.instruments.insert(id, instrument);
        }
    }

    /// Writes a record.
    pub fn write(&mut self, message: &Message) -> io::Result<()> {
        self.written += 1;
        let Some(kind) = message.kind() else {
            return Err(io::Error::other(format!(
                "record {} has unknown kind {}",
                message.sequence, message.kind
            )));
        };
        match self.format {
            Format::Csv => self.write_csv(message, kind),
            Format::JsonLines => self.write_json(message, kind),
        }
    }

    /// Ends the export; says how many records it wrote.
    pub fn finish(mut self) -> io::Result<u64> {
        self.out.flush()?;
        Ok(self.written)
    }

    fn write_csv(&mut self, message: &Message, kind: Kind) -> io::Result<()> {
        let flags: Vec<&str> = flag_names(message, kind).collect();
        let name = self.name_of(message);
        let Message {
            sequence,
            ts_event,
            ts_recv,
            ..
        } = message;
        write!(
            self.out,
            "{sequence},{},{},{},{},{name}",
            ts_event.0,
            ts_recv.0,
            kind.name(),
            flags.join("|")
        )?;
        let fields = schema::payload(kind);
        for column in &self.columns {
            let value = fields.iter().find(|field| field.name == *column);
            write!(
                self.out,
                ",{}",
                value.map_or(String::new(), |field| self.shown(message, field))
            )?;
        }
        writeln!(self.out)
    }

    fn write_json(&mut self, message: &Message, kind: Kind) -> io::Result<()> {
        let mut object = serde_json::Map::new();
        object.insert("sequence".into(), message.sequence.into());
        object.insert("ts_event".into(), message.ts_event.0.into());
        object.insert("ts_recv".into(), message.ts_recv.0.into());
        object.insert("kind".into(), kind.name().into());
        let flags: Vec<&str> = flag_names(message, kind).collect();
        object.insert("flags".into(), flags.into());
        object.insert("instrument".into(), self.name_of(message).into());
        for field in schema::payload(kind) {
            let shown = self.shown(message, field);
            let value = if is_decimal(field) || field.ty == Type::Text32 {
                shown.into()
            } else {
                shown
                    .parse::<u64>()
                    .map_or_else(|_| shown.parse::<i64>().unwrap_or(0).into(), Into::into)
            };
            object.insert(field.name.into(), value);
        }
        serde_json::to_writer(&mut self.out, &object)?;
        writeln!(self.out)
    }

    fn name_of(&self, message: &Message) -> String {
        match self.instruments.get(&message.instrument()) {
            Some(instrument) => instrument.symbol.to_string(),
            None if message.instrument() == InstrumentId::NONE => String::new(),
            None => message.instrument.to_string(),
        }
    }

    /// A field as text: decimal where the instrument's steps are known, else the integer.
    fn shown(&self, message: &Message, field: &Field) -> String {
        let bytes = &bytemuck::bytes_of(message)[field.offset..field.offset + field.ty.size()];
        let wide = |signed: bool| {
            let mut word = if signed && bytes[bytes.len() - 1] & 0x80 != 0 {
                [0xff; 8]
            } else {
                [0; 8]
            };
            word[..bytes.len()].copy_from_slice(bytes);
            word
        };
        let grid = self
            .instruments
            .get(&message.instrument())
            .and_then(|instrument| {
                if field.unit.starts_with("ticks") {
                    Some(instrument.tick_size)
                } else if field.unit.starts_with("lots") {
                    Some(instrument.lot_size)
                } else {
                    None
                }
            });
        match field.ty {
            Type::Text32 => {
                let end = bytes
                    .iter()
                    .position(|&byte| byte == 0)
                    .unwrap_or(bytes.len());
                String::from_utf8_lossy(&bytes[..end]).into_owned()
            }
            Type::I32 | Type::I64 => {
                let value = i64::from_le_bytes(wide(true));
                grid.map_or_else(|| value.to_string(), |grid| grid.show(value).to_string())
            }
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
                u64::from_le_bytes(wide(false)).to_string()
            }
        }
    }
}

fn is_decimal(field: &Field) -> bool {
    field.unit.starts_with("ticks") || field.unit.starts_with("lots")
}

fn flag_names(message: &Message, kind: Kind) -> impl Iterator<Item = &'static str> {
    let flags = message.flags;
    schema::flags(kind)
        .iter()
        .filter(move |(bit, _)| flags & bit != 0)
        .map(|(_, name)| *name)
}

/// Writes a numpy file (format 1.0) of the given number of records: the header, then the records as stored.
///
/// The source of the layout is numpy's published description of the NPY format.
pub fn npy_header(records: u64) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut names = String::new();
    for field in schema::HEADER {
        let _ = write!(names, "('{}', '{}'), ", field.name, field.ty.numpy());
    }
    // `aux` and the four payload words, whose meaning is the kind's.
    names.push_str("('aux', '<u4'), ('payload', '<u8', (4,))");
    let mut dictionary =
        format!("{{'descr': [{names}], 'fortran_order': False, 'shape': ({records},), }}");
    let unpadded = 10 + dictionary.len() + 1;
    dictionary.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    dictionary.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    let length = u16::try_from(dictionary.len()).expect("a header of a few hundred bytes");
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(dictionary.as_bytes());
    header
}

#[cfg(test)]
mod tests;
