//! Rust source as the checks want to see it: code without comments, text and tests, line by line as in the file.
//!
//! It knows just enough of Rust's tokens to tell code from what only looks like it.

/// The source with comments, text and character literals blanked; lines and columns stay.
pub fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = token_end(bytes, at) else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap_or_default()
}

/// [`code`] without the modules behind `#[cfg(test)]`.
pub fn production(text: &str) -> String {
    let mut out = code(text);
    let mut from = 0;
    while let Some(found) = out[from..].find("#[cfg(test)]") {
        let start = from + found;
        let rest = &out[start..];
        let item_end = match (rest.find(';'), rest.find('{')) {
            (Some(semicolon), brace) if brace.is_none_or(|brace| semicolon < brace) => {
                start + semicolon + 1
            }
            (_, Some(brace)) => start + brace + matching_brace(&rest.as_bytes()[brace..]),
            _ => out.len(),
        };
        let blank: String = out[start..item_end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..item_end, &blank);
        from = item_end;
    }
    out
}

/// Whether a path holds tests, benches or examples only.
pub fn is_test(path: &str) -> bool {
    let folders = ["/tests/", "/benches/", "/examples/"];
    path.ends_with("/tests.rs") || folders.iter().any(|folder| path.contains(folder))
}

/// The identifiers of a line of code, with their byte offsets.
pub fn identifiers(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + line[from..].find(is_word)?;
        let length = line[start..]
            .find(|c| !is_word(c))
            .unwrap_or(line.len() - start);
        from = start + length;
        Some((start, &line[start..from]))
    })
}

/// Every name behind `root::`, those inside a braced `use root::{..}` included, with its line.
pub fn paths(code: &str, root: &str) -> Vec<(usize, String)> {
    let root = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&root) {
        let inner = code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
        if inner {
            continue; // the tail of a longer path
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = code[at + root.len()..].trim_start();
        match rest.strip_prefix('{') {
            None => found.extend(first_word(rest).map(|word| (line, word))),
            Some(list) => {
                let mut depth = 1_usize;
                let mut start = 0;
                for (end, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && c == ',') {
                        let word = first_word(list[start..end].trim_start());
                        found.extend(word.map(|word| (line, word)));
                        start = end + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    identifiers(text)
        .next()
        .filter(|(at, _)| *at == 0)
        .map(|(_, word)| word.to_owned())
}

fn matching_brace(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    bytes.len()
}

/// The end of the comment or literal that starts here, if one does.
fn token_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    match rest {
        [b'/', b'/', ..] => Some(at + position(rest, b"\n").unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(at + block_comment(rest)),
        [b'"', ..] => Some(at + quoted(rest)),
        [b'r', b'"' | b'#', ..] if !is_word_before(bytes, at) => Some(at + raw_text(rest)?),
        [b'\'', ..] => Some(at + character(rest)?),
        _ => None,
    }
}

fn is_word_before(bytes: &[u8], at: usize) -> bool {
    // `br"` is a literal, `for"` is not Rust
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
        && bytes[at - 1] != b'b'
}

fn position(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < rest.len() {
        match &rest[at..at + 2] {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" if depth <= 1 => return at + 2,
            b"*/" => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_text(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None; // a raw identifier
    }
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    let body = 2 + hashes;
    Some(position(&rest[body..], &close).map_or(rest.len(), |end| body + end + close.len()))
}

fn character(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'\'', b'\\', ..] => Some(3 + position(&rest[3..], b"'")? + 1),
        [b'\'', _, b'\'', ..] => Some(3),
        // a character of several bytes; a lifetime has no closing quote that near
        [b'\'', lead, ..] if !lead.is_ascii() => Some(2 + position(&rest[2..], b"'")? + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
