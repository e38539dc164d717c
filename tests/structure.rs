//! The sources' own structure: no two files use one another, however indirectly, and none is long.

#[path = "structure/tree.rs"]
mod tree;
#[path = "structure/uses.rs"]
mod uses;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use tree::Tree;
use uses::{Uses, cycles};

/// Every crate of the workspace, by its folder of sources.
const CRATES: [&str; 5] =
    ["src", "harness/src", "mock-server/src", "conformance/src", "connector/src"];

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

/// The cycles of a crate, readable; and its paths that lead nowhere.
fn report(tree: &Tree) -> (String, Vec<String>) {
    let uses = Uses::of(tree);
    let name = |file: usize| tree.files[file].path.display().to_string();
    let mut text = String::new();
    for group in cycles(tree, &uses) {
        let names: Vec<_> = group.iter().map(|file| name(*file)).collect();
        let _ = writeln!(text, "  {} files: {}", group.len(), names.join(", "));
        for ((from, to), what) in &uses.arrows {
            if group.contains(from) && group.contains(to) {
                let what: Vec<_> =
                    what.iter().map(|(name, line)| format!("{name} ({line})")).collect();
                let _ =
                    writeln!(text, "    {} uses {}: {}", name(*from), name(*to), what.join(", "));
            }
        }
    }
    let lost = uses.lost.iter();
    let lost = lost.map(|(file, line, path)| format!("{}:{line}: {path}", name(*file))).collect();
    (text, lost)
}

#[test]
fn no_two_files_use_one_another() {
    let mut all = String::new();
    for of in CRATES {
        let root = folder(of);
        let read = |path: &Path| fs::read_to_string(root.join(path)).ok();
        let tree = Tree::read(Path::new("lib.rs"), &read);
        assert!(tree.files.len() > 5, "{of}: only {} files", tree.files.len());
        let (cycles, lost) = report(&tree);
        assert_eq!(lost, [""; 0], "{of}: paths that this test cannot follow");
        if !cycles.is_empty() {
            let _ = write!(all, "{of}:\n{cycles}");
        }
    }
    assert!(all.is_empty(), "files that use one another:\n{all}");
}

/// Tables, which are as long as what they list; each by its path from the workspace's root.
const TABLES: [&str; 0] = [];

/// The lines of each source file, in order, but of those that hold tests alone.
fn lengths() -> Vec<(usize, String)> {
    fn collect(folder: &Path, lengths: &mut Vec<(usize, PathBuf)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                collect(&path, lengths);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                lengths.push((text.lines().count(), path));
            }
        }
    }
    let mut all = Vec::new();
    CRATES.iter().for_each(|of| collect(&folder(of), &mut all));
    let root = folder("");
    let relative = |path: &Path| path.strip_prefix(&root).expect("inside").display().to_string();
    let named = all.into_iter().map(|(lines, path)| (lines, relative(&path)));
    let is_test = |path: &str| path.ends_with("/tests.rs") || path.contains("/tests/");
    let mut lengths: Vec<_> = named.filter(|(_, path)| !is_test(path)).collect();
    lengths.sort();
    lengths
}

#[test]
fn files_are_short() {
    let lengths = lengths();
    assert!(lengths.len() > 100, "only {} files", lengths.len());
    let (median, _) = lengths[lengths.len() / 2];
    assert!(median < 200, "half of all files have {median} lines and more");
    let is_table = |path: &String| TABLES.contains(&path.as_str());
    let long: Vec<_> =
        lengths.iter().filter(|(lines, path)| *lines > 500 && !is_table(path)).collect();
    assert!(long.is_empty(), "more than 500 lines: {long:#?}");
    for table in TABLES {
        assert!(
            lengths.iter().any(|(lines, path)| *lines > 500 && path == table),
            "{table}: no need"
        );
    }
}

/// A crate of these files, as pairs of path and text.
fn fake(files: &[(&str, &str)]) -> Tree {
    let files: BTreeMap<_, _> = files.iter().copied().collect();
    let read = |path: &Path| files.get(path.to_str()?).map(|text| (*text).to_owned());
    Tree::read(Path::new("lib.rs"), &read)
}

/// The files in cycles of a crate of these files.
fn tangled(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let tree = fake(files);
    let uses = Uses::of(&tree);
    assert_eq!(uses.lost, []);
    let name = |file: &usize| tree.files[*file].path.display().to_string();
    cycles(&tree, &uses).iter().map(|group| group.iter().map(name).collect()).collect()
}

#[test]
fn arrows_of_one_direction_are_no_cycle() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
        ("a.rs", "pub struct A(crate::b::B);"),
        ("b.rs", "use super::c::C; pub struct B(C);"),
        ("c.rs", "pub struct C; pub enum E { V }"),
    ];
    assert_eq!(tangled(&files), NONE);
}

#[test]
fn cycles_are_found_whatever_the_way() {
    let used = "use crate::a::A; pub struct B(A); pub fn f() {} pub trait T {} pub enum E { V }";
    let ways = [
        "use crate::b::B; pub struct A; fn g(_: B) {}",
        "use super::b; pub struct A; fn g(_: b::B) {}",
        "use super::b::{self as other}; pub struct A; fn g(_: other::B) {}",
        "use crate::{b as other}; pub struct A; fn g(_: other::B) {}",
        "use crate::*; pub struct A; fn g(_: b::B) {}",
        "use crate::b::*; pub struct A; fn g(_: B) {}",
        "use crate::b::E::*; pub struct A; fn g() { let _ = V; }",
        "pub struct A; fn g() { crate::b::f() }",
        "pub struct A; fn g() { use crate::b::f; f() }",
        "pub struct A; impl crate::b::T for A {}",
        "pub struct A; fn g<X: super::b::T>(_: X) {}",
        "pub struct A; fn g() { println!(\"{}\", crate::b::f()) }",
        "pub struct A; mod inner { use super::super::b::B; fn g(_: B) {} }",
        "pub struct A; macro_rules! m { () => { $crate::b::f() } }",
        "pub struct A; #[derive(Default)] #[serde(default = \"crate::b::f\")] struct D;",
        "pub struct A; const X: usize = size_of::<Vec<crate::b::B>>();",
        "pub struct A; fn g(e: crate::b::E) { match e { crate::b::E::V => {} } }",
    ];
    for way in ways {
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", way), ("b.rs", used)];
        assert_eq!(tangled(&files), [["a.rs", "b.rs"]], "{way}");
    }
}

#[test]
fn cycles_go_around_corners_and_are_told_apart() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod x; mod y; mod z;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::c::C; pub struct B(Box<C>);"),
        ("c.rs", "use crate::a::A; pub struct C(Option<A>);"),
        ("x.rs", "use crate::y::Y; pub struct X(Y);"),
        ("y.rs", "use crate::x::X; pub struct Y(Box<X>); pub struct Free;"),
        ("z.rs", "use crate::{a::A, y::Free}; struct Z(A, Free);"),
    ];
    let expected: [&[&str]; 2] = [&["a.rs", "b.rs", "c.rs"], &["x.rs", "y.rs"]];
    assert_eq!(tangled(&files), expected);
}

#[test]
fn a_parent_counts_by_what_it_defines_itself() {
    // It declares and hands on: whoever takes a name from it uses the file that defines the name.
    let children = [
        ("p/a.rs", "use super::B; pub struct A(B);"),
        ("p/b.rs", "pub struct B;"),
        ("user.rs", "use crate::p::A; pub struct User(A);"),
    ];
    let pure =
        [("lib.rs", "mod p; mod user;"), ("p/mod.rs", "mod a; mod b; pub use self::{a::A, b::B};")];
    assert_eq!(tangled(&[&pure[..], &children].concat()), NONE);
    // A child takes what its parent defines, and the parent uses the child: a cycle.
    let files = [
        ("lib.rs", "mod p;"),
        ("p/mod.rs", "mod a; pub struct Error; pub fn f() -> a::A { a::make() }"),
        ("p/a.rs", "use super::Error; pub struct A; pub fn make() -> A { A } fn g(_: Error) {}"),
    ];
    assert_eq!(tangled(&files), [["p/mod.rs", "p/a.rs"]]);
    // As `p.rs` beside its folder, too; and by a name that it hands on and uses itself.
    let files = [
        ("lib.rs", "mod p;"),
        ("p.rs", "mod a; pub use a::A; pub struct Error; pub fn f(_: A) {}"),
        ("p/a.rs", "use super::Error; pub struct A(Error);"),
    ];
    assert_eq!(tangled(&files), [["p.rs", "p/a.rs"]]);
}

#[test]
fn a_type_in_two_files_ties_them_by_its_methods() {
    let lib = ("lib.rs", "mod a; mod b;");
    let b = ("b.rs", "use crate::a::A; impl A { pub fn far(&self) {} pub const C: u8 = 1; }");
    for calls in
        ["self.far()", "A::far(self)", "Self::far(self)", "drop(Self::C)", "assert!(self.far())"]
    {
        let a = format!("pub struct A; impl A {{ fn near(&self) {{ {calls} }} }}");
        assert_eq!(tangled(&[lib, ("a.rs", &a), b]), [["a.rs", "b.rs"]], "{calls}");
    }
    let a = "pub struct A; impl A { fn near(&self) { self.other.far() } }";
    assert_eq!(tangled(&[lib, ("a.rs", a), b]), NONE);
}

#[test]
fn macros_and_what_they_define_are_followed() {
    let maker = "macro_rules! make { ($name:ident) => { pub struct $name; pub struct Fixed; } }
        make! { Given }";
    for name in ["Given", "Fixed"] {
        let user = format!("use crate::a::{name}; pub fn f(_: {name}) {{}}");
        let files = [("lib.rs", "mod a; mod b;"), ("a.rs", maker), ("b.rs", user.as_str())];
        assert_eq!(tangled(&files), NONE);
        let maker = format!("{maker} fn g() {{ crate::b::f(todo!()) }}");
        let files =
            [("lib.rs", "mod a; mod b;"), ("a.rs", maker.as_str()), ("b.rs", user.as_str())];
        assert_eq!(tangled(&files), [["a.rs", "b.rs"]]);
    }
    let files = [
        ("lib.rs", "#[macro_use] mod a; mod b;"),
        ("a.rs", "macro_rules! m { () => {} } fn f() { crate::b::f() }"),
        ("b.rs", "pub fn f() { m!() }"),
    ];
    assert_eq!(tangled(&files), [["a.rs", "b.rs"]]);
}

#[test]
fn tests_hang_on_anything_and_other_crates_on_nothing() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "pub struct A; #[cfg(test)] mod tests; #[cfg(test)] mod more { use crate::b::B; }",
        ),
        ("a/tests.rs", "use crate::b::B; pub fn f(_: B) {}"),
        (
            "b.rs",
            "use crate::a::A; use std::io::Read; use serde::a; pub use other::*; pub struct B(A);",
        ),
    ];
    assert_eq!(tangled(&files), NONE);
}

#[test]
fn a_path_that_leads_nowhere_is_told() {
    let tree = fake(&[("lib.rs", "mod a;"), ("a.rs", "use crate::b::B;\nuse crate::a::C;")]);
    let lost = [(1, 1, "crate::b::B".to_owned()), (1, 2, "crate::a::C".to_owned())];
    assert_eq!(Uses::of(&tree).lost, lost);
}

const NONE: [Vec<String>; 0] = [];
