//! Runs every check over the tree this file lies in.
#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

use pitlane_tidy::{Finding, crates, docs, facilities, files, modules, orderings};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold no sources: what builds, runs and tools leave behind.
const NOT_OURS: [&str; 10] = [
    "target",
    ".git",
    ".venv",
    "__pycache__",
    "out",
    "logs",
    "artifacts",
    "coverage",
    "proptest-regressions",
    "node_modules",
];

/// Asked for when the test runs, not when it was built: a build directory may serve several checkouts.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
    Path::new(&package).join("../..")
}

/// Every file of the tree with its path relative to the workspace, in order.
fn tree() -> Vec<(String, Vec<u8>)> {
    fn walk(folder: &Path, under: &str, found: &mut Vec<(String, Vec<u8>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = format!("{under}{name}");
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !NOT_OURS.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), found);
            } else if kind.is_file() && name != ".git" {
                found.push((path, fs::read(entry.path()).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), "", &mut found);
    found.sort();
    assert!(found.len() > 50, "this is not the tree: {found:?}");
    found
}

/// The files that are text, as text.
fn texts() -> Vec<(String, String)> {
    tree()
        .into_iter()
        .filter_map(|(path, bytes)| Some((path, String::from_utf8(bytes).ok()?)))
        .collect()
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|it| it == "rs")
}

#[track_caller]
fn assert_tidy(findings: impl IntoIterator<Item = Finding>) {
    let findings: Vec<_> = findings.into_iter().map(|it| it.to_string()).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn crates_import_along_the_arrows() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .no_deps()
        .exec()
        .unwrap();
    assert!(metadata.packages.len() >= 9);
    assert_tidy(metadata.packages.iter().flat_map(|package| {
        let names: Vec<_> = package
            .dependencies
            .iter()
            .map(|it| it.name.clone())
            .collect();
        crates::arrows(&package.name, &names)
    }));
}

#[test]
fn every_crate_takes_the_lints_and_the_safe_ones_promise_it() {
    let texts = texts();
    let workspace = &texts
        .iter()
        .find(|(path, _)| path == "Cargo.toml")
        .unwrap()
        .1;
    assert!(
        workspace.contains("missing_docs = \"warn\""),
        "public items are documented"
    );
    assert_tidy(texts.iter().flat_map(|(path, text)| {
        let manifest = path.ends_with("Cargo.toml");
        let mut found = if manifest {
            crates::lints(path, text)
        } else {
            Vec::new()
        };
        found.extend(crates::forbids_unsafe(path, text));
        found
    }));
}

#[test]
fn the_domain_imports_upwards_only() {
    let source = "engine/domain/src/";
    let texts = texts();
    let lib = &texts
        .iter()
        .find(|(path, _)| *path == format!("{source}lib.rs"))
        .unwrap()
        .1;
    let order = modules::declared(lib);
    assert!(order.len() >= 5, "{order:?}");
    assert_tidy(
        texts
            .iter()
            .flat_map(|(path, text)| match path.strip_prefix(source) {
                Some(inside) if !pitlane_tidy::source::is_test(path) => {
                    modules::upward_imports(inside, text, &order)
                }
                _ => Vec::new(),
            }),
    );
}

#[test]
fn strong_orderings_name_their_partner() {
    let engine = texts()
        .into_iter()
        .filter(|(path, _)| path.starts_with("engine/") && is_rust(path));
    assert_tidy(engine.flat_map(|(path, text)| orderings::unpaired(&path, &text)));
}

#[test]
fn the_world_is_touched_at_home_only() {
    let sources = texts().into_iter().filter(|(path, _)| {
        is_rust(path) && (path.starts_with("engine/") || path.starts_with("tools/"))
    });
    assert_tidy(sources.flat_map(|(path, text)| facilities::strangers(&path, &text)));
}

#[test]
fn files_are_short_small_and_finished() {
    assert_tidy(tree().into_iter().flat_map(|(path, bytes)| {
        let mut found = files::size(&path, bytes.len());
        if let Ok(text) = String::from_utf8(bytes) {
            found.extend(files::length(&path, &text));
            found.extend(files::words(&path, &text));
        }
        found
    }));
}

#[test]
fn documents_lead_somewhere_and_explain_every_configuration() {
    let texts = texts();
    let is_document = |path: &str| Path::new(path).extension().is_some_and(|it| it == "md");
    let exists = |path: &str| root().join(path).exists();
    let documents = texts.iter().filter(|(path, _)| is_document(path));
    assert_tidy(
        documents
            .clone()
            .flat_map(|(path, text)| docs::dead_links(path, text, exists)),
    );

    let configs: Vec<_> = texts
        .iter()
        .map(|(path, _)| path.clone())
        .filter(|path| path.starts_with("configs/"))
        .collect();
    let documents: Vec<_> = documents.map(|(_, text)| text.clone()).collect();
    assert_tidy(docs::unmentioned(&configs, &documents));
}

#[test]
fn the_table_of_messages_is_the_schema() {
    expect_test::expect_file!["../../../docs/messages.md"].assert_eq(&docs::messages());
}
