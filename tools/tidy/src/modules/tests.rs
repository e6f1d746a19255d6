use super::*;

fn order() -> Vec<String> {
    declared(
        "//! mod not;\npub mod units;\npub mod message;\nmod book;\n#[cfg(test)]\nmod tests;\n",
    )
}

#[test]
fn the_order_is_that_of_the_root() {
    assert_eq!(order(), ["units", "message", "book"]);
}

#[test]
fn an_import_from_below_is_found() {
    let check = |path: &str, text: &str, lines: &[usize]| {
        let got: Vec<_> = upward_imports(path, text, &order())
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(got, lines, "{text}");
    };
    check("message.rs", "use crate::units::Ticks;", &[]);
    check("message.rs", "use crate::message::Kind;", &[]);
    check("units.rs", "\nuse crate::message::Kind;", &[2]);
    check("message/schema.rs", "fn f() { crate::book::g() }", &[1]);
    check(
        "message.rs",
        "use crate::{units::{A, B}, book::Book};",
        &[1],
    );
    check("message.rs", "use crate::{\n  units,\n  book,\n};", &[1]);
    check("units.rs", "// use crate::book::Book;", &[]);
    check(
        "units.rs",
        "#[cfg(test)]\nmod tests { use crate::book::Book; }",
        &[],
    );
    check("lib.rs", "use crate::book::Book;", &[]);
}
