use super::*;

#[test]
fn a_link_to_nowhere_is_found() {
    let exists = |path: &str| matches!(path, "docs/a.md" | "README.md");
    let check = |path: &str, text: &str, findings: usize| {
        assert_eq!(dead_links(path, text, exists).len(), findings, "{text}");
    };
    check("README.md", "see [a](docs/a.md) and [b](docs/b.md)", 1);
    check(
        "docs/a.md",
        "[up](../README.md#first) [self](a.md) [web](https://example.org)",
        0,
    );
    check("docs/a.md", "[down](./docs/a.md)", 1);
    check("docs/a.md", "[here](#there)", 0);
}

#[test]
fn a_configuration_nobody_explains_is_found() {
    let configs = ["configs/a.toml".to_owned(), "configs/b.toml".to_owned()];
    let found = unmentioned(&configs, &["use `configs/a.toml`".to_owned()]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path, "configs/b.toml");
}

#[test]
fn the_table_has_every_kind() {
    let table = messages();
    for (kind, name) in Kind::ALL {
        assert!(table.contains(&format!("### {} `{name}`", kind as u8)));
    }
}
