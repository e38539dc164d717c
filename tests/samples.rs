//! Each driver's own first example, as its documentation prints it, before `pgtls serve`: with
//! the connection string that the server prints, and nothing else.

#[path = "support/installed.rs"]
mod installed;
#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pgtls_conformance::shim::{Manifest, ManifestStack};

use serde_json::{Value, json};
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

/// The complete shim of `docs/shims.md`, as it stands there, and as one that takes several questions
/// at a time.
fn shims_of_the_page() -> [String; 2] {
    let page = fs::read_to_string(root().join("docs/shims.md")).expect("the page");
    let programs = page.split("```python\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let programs: Vec<&str> = programs.map(|(program, _)| program).collect();
    let &[alone, several] = &programs[..] else { panic!("two programs, not {programs:?}") };
    let (most, _) = alone.split_once("for line in sys.stdin").expect("its last two lines");
    let most = most.replacen(r#""cancel": True"#, r#""cancel": True, "concurrency": 8"#, 1);
    [alone.to_owned(), most + several]
}

#[test]
fn the_shims_pages_own_example() {
    let Some(driver) = driver("psycopg") else { return };
    for program in shims_of_the_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("my_shim.py");
        fs::write(&path, program).expect("a file");
        let shim = format!("{} {}", driver.dest().join("bin/python").display(), path.display());
        let mut matrix = Command::new(support::PROGRAM);
        matrix.args(["matrix", "--shim", &shim, "--filter", "certificate=wrong-host"]);
        let output = support::output(matrix.args(["--filter", "reply=stuffed"]));
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
        assert!(printed.contains("│ my_shim "), "{printed}");
    }
}

#[test]
fn the_shims_page_reads_typed_columns_of_several_questions() {
    let Some(driver) = driver("psycopg") else { return };
    let server = Served::start(&["--auth", "trust"]);
    let (_, port) = server.whole("listening on").split_once("127.0.0.1:").expect("an address");
    let (port, _) = port.split_once(':').expect("what it serves");
    let port: u16 = port.parse().expect("a port");
    for program in shims_of_the_page() {
        let questions = (1..=4).map(|id| {
            json!({
                "type": "connect", "id": id, "host": "localhost", "hostaddr": "127.0.0.1", "port": port,
                "user": "any", "password": "any", "dbname": "postgres", "timeout_ms": 20_000,
                "query": format!("SELECT {id}::int4, 7::int2, 'text'::text"),
                "fetch": ["int4", "int2", "text"],
            })
        });
        let lines: String = questions.map(|question| format!("{question}\n")).collect();
        let stdin = tempfile::NamedTempFile::new().expect("a file");
        fs::write(stdin.path(), lines).expect("the questions");
        let mut python = Command::new(driver.dest().join("bin/python"));
        python.args(["-c", &program]).stdin(File::open(stdin.path()).expect("the questions"));
        python.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = support::ended(python.spawn().expect("python"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut rows: Vec<(u64, Value)> = text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("an answer"))
            .map(|answer| (answer["id"].as_u64().expect("its id"), answer["rows"].clone()))
            .collect();
        rows.sort_by_key(|(id, _)| *id);
        let wanted = (1..=4).map(|id| (id, json!([[id.to_string(), "7", "text"]])));
        assert_eq!(rows, wanted.collect::<Vec<_>>());
    }
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
