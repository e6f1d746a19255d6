use super::*;

#[test]
fn comments_and_literals_are_blanked_and_columns_stay() {
    let check = |text: &str, want: &str| {
        let got = code(text);
        assert_eq!(got.len(), text.len(), "{text}");
        let squeezed = got.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeezed, want, "{text}");
    };
    check("a // b\nc", "a c");
    check("a /* b /* c */ d */ e", "a e");
    check(r#"let x = "a // \" b"; y"#, "let x = ; y");
    check("let x = r#\"a \" b\"#; y", "let x = ; y");
    check("let x = br\"a\\\"; y", "let x = b ; y");
    check("let r#type = 1;", "let r#type = 1;");
    check(
        "let x: &'a str = 'b'; '\\n' c '\\'' d",
        "let x: &'a str = ; c d",
    );
    check("match c { 'é' => 1, '\"' => 2 }", "match c { => 1, => 2 }");
}

#[test]
fn tests_are_not_production() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n#[cfg(test)]\nmod tests;\nfn d() {}";
    let got = production(text);
    assert!(got.contains("fn a") && got.contains("fn c") && got.contains("fn d"));
    assert!(!got.contains("fn b") && !got.contains("mod tests"));
    assert_eq!(got.lines().count(), text.lines().count());
}

#[test]
fn identifiers_are_whole_words() {
    let got: Vec<_> = identifiers("a.b_c(Ordering::Release)").collect();
    assert_eq!(
        got,
        [(0, "a"), (2, "b_c"), (6, "Ordering"), (16, "Release")]
    );
}
