use super::*;

#[test]
fn an_ordering_without_its_partner_is_found() {
    let check = |text: &str, lines: &[usize]| {
        let got: Vec<_> = unpaired("engine/lockfree/src/a.rs", text)
            .iter()
            .map(|finding| finding.line)
            .collect();
        assert_eq!(got, lines, "{text}");
    };
    check("x.load(Ordering::Relaxed);", &[]);
    check("x.load(Ordering::Acquire);", &[1]);
    check("fence(SeqCst);", &[1]);
    check("a.swap(1, AcqRel);\n", &[1]);
    check(
        "// PAIRS: the store in push\nx.load(Ordering::Acquire);",
        &[],
    );
    check("x.store(1, Release); // PAIRS: the load in pop", &[]);
    check("use std::sync::atomic::Ordering::{Acquire, Release};", &[]);
    check("// Acquire is not needed here", &[]);
    check("panic!(\"Release\");", &[]);
    check(
        "#[cfg(test)]\nmod tests { fn f() { x.load(Acquire) } }",
        &[],
    );
    let far = format!(
        "// PAIRS: too far away\n{}x.load(Acquire);",
        "\n".repeat(REACH)
    );
    check(&far, &[REACH + 2]);
}
