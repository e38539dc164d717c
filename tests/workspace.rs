//! The arrows between the crates point one way, and the library stays lean.

use std::{collections::BTreeSet, fs, path::Path};

fn dependencies(manifest: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest);
    let text = fs::read_to_string(&path).expect("a manifest");
    let table: toml::Table = text.parse().expect("TOML");
    let of_targets = table.get("target").and_then(toml::Value::as_table);
    let targets = of_targets.into_iter().flat_map(|targets| targets.values());
    let tables = targets.filter_map(toml::Value::as_table).chain([&table]);
    let sections = tables
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|section| table.get(section)));
    let names = sections.flatten().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
    names.cloned().collect()
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

/// Every package that a crate of ours pulls in, however indirectly and on whatever platform. Our
/// crates' own dependencies are in their manifests; the lock file adds those of their tests.
fn pulled_in_by(crate_folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock: toml::Table = fs::read_to_string(path).expect("a lock").parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let locked = |name: &str| -> BTreeSet<String> {
        let same = packages.iter().filter(|package| package["name"].as_str() == Some(name));
        let texts = same.filter_map(|package| package.get("dependencies")?.as_array()).flatten();
        // "name", or "name version" where there are several.
        texts.filter_map(|text| text.as_str()?.split(' ').next().map(str::to_owned)).collect()
    };
    let mut to_visit = dependencies(&format!("{crate_folder}/Cargo.toml"));
    let mut seen = BTreeSet::new();
    while let Some(name) = to_visit.pop_first() {
        if seen.insert(name.clone()) {
            to_visit.append(&mut match name.strip_prefix("pgtls-") {
                Some(folder) => dependencies(&format!("{folder}/Cargo.toml")),
                None => locked(&name),
            });
        }
    }
    seen
}

#[test]
fn the_library_is_lean() {
    let conformance = pulled_in_by("conformance");
    assert!(conformance.contains("rustls"), "{conformance:?}");
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
