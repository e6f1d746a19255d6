use super::*;

#[test]
fn a_long_file_needs_a_reason() {
    let check = |path: &str, head: &str, lines: usize, findings: usize| {
        let text = format!("{head}{}", "x\n".repeat(lines));
        assert_eq!(length(path, &text).len(), findings, "{path} {head}");
    };
    check("a.rs", "", LINES_MAX, 0);
    check("a.rs", "", LINES_MAX + 1, 1);
    check("a.py", "", LINES_MAX + 1, 1);
    check("a.md", "", LINES_MAX + 1, 0);
    check(
        "a.rs",
        "// longer than 800 lines: one table, one row a line\n",
        LINES_MAX,
        0,
    );
    check("a.rs", "// longer than 800 lines: \n", LINES_MAX, 1);
}

#[test]
fn a_large_blob_is_found_outside_the_sample() {
    assert_eq!(size("docs/a.png", BYTES_MAX + 1).len(), 1);
    assert_eq!(size("docs/a.png", BYTES_MAX).len(), 0);
    assert_eq!(size("tools/pitlane/sample/a.gz", BYTES_MAX + 1).len(), 0);
}

#[test]
fn unfinished_work_and_paths_of_one_machine_are_found() {
    let check = |line: &str, findings: usize| {
        assert_eq!(words("a.rs", line).len(), findings, "{line}");
    };
    for mark in UNFINISHED {
        check(&format!("x {mark}"), 1);
    }
    for folder in MACHINE {
        check(&format!("open(\"{folder}me\")"), 1);
    }
    check("https://example.org/work", 0);
    check(&format!("docs{}a.md", MACHINE[3]), 0);
    check("a ring of 64-byte messages", 0);
}

#[test]
fn a_test_switched_off_is_found_unless_another_starts_it() {
    let check = |reason: &str, rest: &str, findings: usize| {
        let text = format!("{SWITCHED_OFF}{reason}]\nfn b() {{}}\n{rest}");
        assert_eq!(words("a.rs", &text).len(), findings, "{text}");
    };
    check("", "", 1);
    check(" = \"slow\"", "", 1);
    check(" = \"the other half of a\"", "", 1);
    check(" = \"the other half of a\"", "fn a() {}", 0);
}
