//! Each driver's own first example, as its documentation prints it, before `pgtls serve`: with
//! the connection string that the server prints, and nothing else.

#[path = "support/installed.rs"]
mod installed;
#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use pgtls_conformance::shim::{Manifest, ManifestStack};

use served::Served;
use support::text;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sample(name: &str) -> PathBuf {
    root().join("tests/samples").join(name)
}

/// The driver, where it is installed.
fn driver(name: &str) -> Option<ManifestStack> {
    installed::stack(name)?;
    let stacks = Manifest::read_all(&root().join("shims")).expect("the manifests");
    stacks.into_iter().find(|stack| stack.name == name)
}

/// Runs the program with that connection string, and sees that it connected by TLS.
#[track_caller]
fn prints(program: &mut Command, server: &Served, url: &str, printed: &str) {
    let output = support::output(program.env("DATABASE_URL", url));
    assert!(output.status.success(), "{program:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stdout).trim(), printed, "{program:?}");
    let trace = server.line();
    assert!(trace.starts_with("connect, sslaccept, authok"), "{trace}");
}

const VERSION: &str = "PostgreSQL 18.4 (pgtls mock server 0.1.0)";

#[test]
fn python() {
    for (name, mode, printed) in [
        ("psycopg", "verify-full", VERSION),
        ("psycopg2", "verify-full", &format!("{VERSION}\nNone")),
        ("asyncpg", "verify-full", "[]"),
        ("pg8000", "require", VERSION),
        ("sqlalchemy", "require", "[('hello world',)]"),
    ] {
        let Some(driver) = driver(name) else { continue };
        let server = Served::start(&[]);
        let mut python = Command::new(driver.dest().join("bin/python"));
        python.arg(sample(&format!("{name}.py")));
        prints(&mut python, &server, &server.url(mode), printed);
    }
}

/// The complete shim of `docs/shims.md`, as it stands there.
#[test]
fn the_shims_pages_own_example() {
    let Some(driver) = driver("psycopg") else { return };
    let page = fs::read_to_string(root().join("docs/shims.md")).expect("the page");
    let (_, rest) = page.split_once("```python\n").expect("a program");
    let (program, _) = rest.split_once("```").expect("its end");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("my_shim.py");
    fs::write(&path, program).expect("a file");
    let shim = format!("{} {}", driver.dest().join("bin/python").display(), path.display());
    let mut matrix = Command::new(support::PROGRAM);
    matrix.args(["matrix", "--shim", &shim, "--filter", "certificate=wrong-host"]);
    let output = support::output(matrix.args(["--filter", "reply=stuffed"]));
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("│ my_shim "), "{}", text(&output.stdout));
}

#[test]
fn node() {
    for (name, mode, printed) in
        [("node-postgres", "verify-full", "done"), ("postgres.js", "require", "[]")]
    {
        let Some(driver) = driver(name) else { continue };
        // A module finds its packages beside itself.
        let folder = tempfile::tempdir().expect("a folder");
        let file = format!("{name}.mjs");
        fs::copy(sample(&file), folder.path().join(&file)).expect("a copy");
        symlink(driver.dest().join("node_modules"), folder.path().join("node_modules"))
            .expect("a link");
        let server = Served::start(&[]);
        let mut node = Command::new("node");
        node.arg(folder.path().join(&file));
        prints(&mut node, &server, &server.url(mode), printed);
    }
}

#[test]
fn java() {
    let Some(driver) = driver("pgjdbc") else { return };
    // The one profile that prints JDBC's own form.
    let server = Served::start(&["--profile", "azure-flexible"]);
    let mut java = Command::new("java");
    java.arg("-cp").arg(driver.dest().join("lib/postgresql.jar")).arg(sample("Pgjdbc.java"));
    prints(&mut java, &server, server.whole("jdbc:postgresql:"), "PostgreSQL");
}

#[test]
fn go() {
    for (name, printed) in [("pgx", "Hello, world!"), ("lib-pq", "the connection works")] {
        let Some(driver) = driver(name) else { continue };
        let server = Served::start(&[]);
        let mut go = Command::new("go");
        // The shim's folder has the modules that the sample wants.
        go.current_dir(&driver.here).args(["run", "-mod=readonly", "-buildvcs=false"]);
        go.arg(sample(&format!("{name}.go")));
        prints(&mut go, &server, &server.url("verify-full"), printed);
    }
}
