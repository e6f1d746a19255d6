use super::*;

#[test]
fn an_arrow_the_house_does_not_have_is_found() {
    let check = |name: &str, dependencies: &[&str], findings: usize| {
        let dependencies: Vec<_> = dependencies.iter().map(|d| (*d).to_owned()).collect();
        assert_eq!(arrows(name, &dependencies).len(), findings, "{name}");
    };
    check("pitlane-domain", &["bytemuck"], 0);
    check("pitlane-domain", &["pitlane-lockfree"], 1);
    check("pitlane-lockfree", &["pitlane-domain"], 1);
    check(
        "pitlane-runtime",
        &["pitlane-lockfree", "pitlane-domain"],
        1,
    );
    check("pitlane-edges", &["pitlane-domain", "pitlane-app"], 1);
    check("pitlane-app", &["pitlane-edges", "pitlane"], 1);
    check("pitlane-app", &["pitlane-edges", "pitlane-runtime"], 0);
    check("pitlane-attic", &[], 1);
}

#[test]
fn a_manifest_without_the_lints_is_found() {
    let check = |text: &str, findings: usize| {
        assert_eq!(lints("a/Cargo.toml", text).len(), findings, "{text}");
    };
    check("[package]\n[lints]\nworkspace = true\n", 0);
    check("[package]\n", 1);
    check("[package]\n[lints]\n[dependencies]\n", 1);
    check("[workspace]\n", 0);
}

#[test]
fn a_safe_crate_without_its_promise_is_found() {
    let check = |path: &str, text: &str, findings: usize| {
        assert_eq!(forbids_unsafe(path, text).len(), findings, "{path}");
    };
    check("engine/domain/src/lib.rs", "//! a", 1);
    check("engine/domain/src/lib.rs", "#![forbid(unsafe_code)]", 0);
    check("engine/domain/src/book.rs", "//! a", 0);
    check("engine/lockfree/src/lib.rs", "//! a", 0);
    check("tools/pitlane/src/main.rs", "//! a", 1);
}
