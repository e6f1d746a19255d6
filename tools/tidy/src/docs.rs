//! The documents say what is there: links lead somewhere, every configuration is explained, and the table of messages
//! is the one the code uses.

use crate::Finding;
use pitlane_domain::message::{Kind, schema};
use std::fmt::Write;

/// Relative links of a document that lead nowhere. `exists` is asked with a path relative to the workspace.
pub fn dead_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for (_, rest) in line
            .match_indices("](")
            .map(|(at, _)| line.split_at(at + 2))
        {
            let Some((target, _)) = rest.split_once(')') else {
                continue;
            };
            let target = target.split('#').next().unwrap_or(target);
            if target.is_empty() || target.contains("://") {
                continue;
            }
            if !exists(&resolve(path, target)) {
                findings.push(Finding::new(path, at + 1, format!("dead link: {target}")));
            }
        }
    }
    findings
}

fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Configurations that no document mentions.
pub fn unmentioned(configs: &[String], documents: &[String]) -> Vec<Finding> {
    configs
        .iter()
        .filter(|config| !documents.iter().any(|text| text.contains(config.as_str())))
        .map(|config| Finding::new(config, 0, "no document in docs/ and no README mentions it"))
        .collect()
}

/// The table of messages, as `docs/messages.md` holds it.
pub fn messages() -> String {
    let mut out = String::from(
        "# Messages\n\n\
         Made from the schema in `engine/domain/src/message/schema.rs` by a test of `tools/tidy`; \
         `UPDATE_EXPECT=1 cargo test -p pitlane-tidy` writes it anew.\n\n\
         Every message is 64 bytes, little-endian.\n\
         The header is the same for every kind; `aux` and the four words from byte 32 on are read by kind.\n\n\
         ## Header\n\n\
         | field | offset | type | what |\n|---|---|---|---|\n",
    );
    let row = |out: &mut String, field: &schema::Field| {
        let (name, offset, unit) = (field.name, field.offset, field.unit);
        writeln!(
            out,
            "| `{name}` | {offset} | `{}` | {unit} |",
            field.ty.numpy()
        )
        .expect("text grows");
    };
    for field in schema::HEADER {
        row(&mut out, &field);
    }
    out.push_str("\n## Kinds\n");
    for (kind, name) in Kind::ALL {
        write!(out, "\n### {} `{name}`\n\n", kind as u8).expect("text grows");
        let flags: Vec<_> = schema::flags(kind)
            .iter()
            .map(|(bit, name)| format!("`{name}` = {bit}"))
            .collect();
        if !flags.is_empty() {
            write!(out, "Flags: {}.\n\n", flags.join(", ")).expect("text grows");
        }
        let payload = schema::payload(kind);
        if payload.is_empty() {
            out.push_str("No payload.\n");
            continue;
        }
        out.push_str("| field | offset | type | what |\n|---|---|---|---|\n");
        for field in payload {
            row(&mut out, field);
        }
    }
    out
}

#[cfg(test)]
mod tests;
