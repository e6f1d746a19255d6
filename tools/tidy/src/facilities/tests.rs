use super::*;

#[test]
fn a_facility_away_from_home_is_found() {
    let check = |path: &str, text: &str, lines: &[usize]| {
        let got: Vec<_> = strangers(path, text).iter().map(|f| f.line).collect();
        assert_eq!(got, lines, "{path}: {text}");
    };
    let domain = "engine/domain/src/book.rs";
    check(domain, "use crate::units::Ticks;", &[]);
    check(domain, "use std::fmt;\nuse std::fs;", &[2]);
    check(domain, "use std::{fmt, net::TcpStream};", &[1]);
    check(domain, "let a = std::time::Instant::now();", &[1]);
    check(domain, "std::thread::sleep(d)", &[1]);
    check(domain, "// unsafe, std::fs", &[]);
    check(domain, "unsafe { f() }", &[1]);
    check("engine/lockfree/src/region.rs", "unsafe { f() }", &[]);
    check("engine/runtime/src/clock.rs", "unsafe { f() }", &[1]);
    check("engine/runtime/src/os/affinity.rs", "unsafe { f() }", &[]);
    check("engine/runtime/src/oscillator.rs", "unsafe { f() }", &[1]);
    check("engine/app/src/lib.rs", "#![forbid(unsafe_code)]", &[]);
    check(
        "engine/app/src/agents/storage.rs",
        "use rusqlite::Connection;",
        &[1],
    );
    check(
        "engine/edges/src/storage/writer.rs",
        "use rusqlite::Connection;",
        &[],
    );
    check("engine/domain/src/book/tests.rs", "use std::fs;", &[]);
    check(
        "engine/domain/src/book.rs",
        "#[cfg(test)]\nmod tests { use std::fs; }",
        &[],
    );
}
