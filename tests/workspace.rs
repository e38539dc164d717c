//! The arrows between the crates point one way, and the library stays lean.

use std::{collections::BTreeSet, fs, path::Path};

fn dependencies(manifest: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let text = fs::read_to_string(&path).expect("a manifest");
    let table: toml::Table = text.parse().expect("TOML");
    let names = |section: &str| -> Vec<String> {
        let section = table.get(section).and_then(toml::Value::as_table);
        section.map(|section| section.keys().cloned().collect()).unwrap_or_default()
    };
    names("dependencies").into_iter().chain(names("build-dependencies")).collect()
}

fn ours(manifest: &str) -> Vec<String> {
    dependencies(manifest).into_iter().filter(|name| name.starts_with("pgtls")).collect()
}

#[test]
fn arrows_point_one_way() {
    assert_eq!(ours("harness/Cargo.toml"), [""; 0]);
    assert_eq!(ours("connector/Cargo.toml"), [""; 0]);
    assert_eq!(ours("mock-server/Cargo.toml"), ["pgtls-harness"]);
    assert_eq!(ours("conformance/Cargo.toml"), ["pgtls-mock-server"]);
    assert_eq!(ours("Cargo.toml"), ["pgtls-conformance", "pgtls-connector", "pgtls-mock-server"]);
}

#[test]
fn the_library_is_lean() {
    let conformance = dependencies("conformance/Cargo.toml");
    for heavy in ["clap", "comfy-table", "indicatif", "quick-junit", "anstream", "tokio-postgres"] {
        assert!(!conformance.contains(heavy), "{heavy}");
    }
}

#[test]
fn only_the_stack_adapters_know_the_connector() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut users = Vec::new();
    for folder in ["src", "conformance/src", "mock-server/src", "harness/src"] {
        collect(&root.join(folder), &mut users);
    }
    assert_eq!(users, [root.join("src/stacks/pgtls.rs")]);
}

fn collect(folder: &Path, users: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, users);
        } else if fs::read_to_string(&path).is_ok_and(|text| text.contains("pgtls_connector")) {
            users.push(path);
        }
    }
}
