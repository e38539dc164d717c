//! The command line, good and bad: one clear line on stderr, the contract's exit code, nothing
//! left behind.

#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::sys::signal::Signal;
use pgtls_conformance::judge::Invariant;

use served::Served;
use support::text;

fn pgtls(arguments: &[&str]) -> Output {
    support::output(Command::new(support::PROGRAM).args(arguments))
}

/// One clear line, and exit code 2.
#[track_caller]
fn refuses(arguments: &[&str], because: &str) {
    let output = pgtls(arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    assert!(stderr.contains(because), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
}

#[test]
fn expect_prints_the_trace_on_one_line() {
    let output = pgtls(&[
        "expect",
        "--certificate",
        "expired",
        "--sslmode",
        "prefer",
        "--sslrootcert",
        "right",
    ]);
    assert_eq!(text(&output.stdout), "connect, sslaccept, reconnect, authok -> plain\n");
    assert_eq!(output.status.code(), Some(0));
    let old =
        pgtls(&["expect", "--libpq", "15", "--sslnegotiation", "direct", "--sslmode", "require"]);
    assert_eq!(text(&old.stdout), "- -> fail\n");
}

#[test]
fn lists_hold_what_there_is() {
    assert!(text(&pgtls(&["list", "stacks"]).stdout).contains("tokio-postgres/rustls"));
    assert!(text(&pgtls(&["list", "axes"]).stdout).contains("--sslnegotiation"));
    let invariants = text(&pgtls(&["list", "invariants"]).stdout).lines().count();
    assert_eq!(invariants, Invariant::ALL.len());
    let cells = pgtls(&[
        "list",
        "cells",
        "--stack",
        "libpq/psql",
        "--filter",
        "certificate=expired,sslmode=require,sslnegotiation=postgres",
    ]);
    assert_eq!(
        text(&cells.stdout),
        "libpq/psql:certificate=expired,sslmode=require,sslrootcert=right\n"
    );
    let full = text(&pgtls(&["list", "cells", "--suite", "full", "--stack", "libpq/psql"]).stdout);
    assert!(full.lines().count() >= 1300);
}

#[test]
fn run_prints_trace_verdicts_and_transcript() {
    let output =
        pgtls(&["run", "pgtls/rustls:certificate=expired,sslmode=require,sslrootcert=right"]);
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().next(), Some("connect, sslaccept -> fail"));
    for part in
        ["conformance: agrees", "no invariant broken", "ClientHello: SNI localhost", "SSLRequest"]
    {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
    assert_eq!(output.status.code(), Some(0));
    let finding = pgtls(&["run", "--stack", "tokio-postgres/rustls", "--reply", "garbage"]);
    assert_eq!(finding.status.code(), Some(1), "{}", text(&finding.stdout));
}

#[test]
fn wrong_commands_are_told_so() {
    refuses(&["matrix", "--no-such-flag"], "--no-such-flag");
    refuses(&["expect", "--sslmode", "nonsense"], "nonsense");
    refuses(&["expect", "--libpq", "14"], "15, 16, 17, 18");
    refuses(&["matrix", "--suite", "nonsense"], "nonsense");
    refuses(&["matrix", "--filter", "sslmode=nonsense"], "nonsense");
    refuses(&["matrix", "--filter", "nonsense=1"], "is no axis");
    refuses(&["matrix", "--shard", "3/2"], "K/N");
    refuses(&["matrix", "--stack", "no-such-stack"], "no stack is called no-such-stack");
    refuses(&["matrix", "--shim", "'open quote"], "command line");
    refuses(&["run", "no-colon"], "wanted STACK:axis=value");
    refuses(&["run"], "which stack");
    refuses(&["run", "--shim", "/no/such/program"], "could not start");
    refuses(&["shim", "no-such-stack"], "no built-in stack");
    refuses(&["diff", "/no/such/a.json", "/no/such/b.json"], "could not read /no/such/a.json");
    refuses(&["replay", "/no/such/file"], "could not read /no/such/file");
    refuses(&["serve", "--profile", "nonsense"], "azure-flexible");
    refuses(&["list"], "Usage");
    refuses(&["list", "nonsense"], "nonsense");
    refuses(&["list", "cells", "--filter", "nonsense=1"], "is no axis");
    refuses(&["list", "cells", "--stack", "no-such-stack"], "no stack is called no-such-stack");
    refuses(&["list", "stacks", "--shims", "/no/such/folder"], "no folder /no/such/folder");
    refuses(&["matrix", "--stack", "all", "--shims", "/no/such/folder"], "no folder");
    refuses(&["matrix", "--shims", "/no/such/folder"], "no folder");
    let absent = pgtls(&["matrix", "--shim", "/no/such/shim"]);
    assert_eq!(absent.status.code(), Some(2));
    let told = "pgtls: could not run shim: could not start /no/such/shim";
    assert!(text(&absent.stderr).starts_with(told), "{}", text(&absent.stderr));
    refuses(&["matrix", "--filter", "host=nobody.example,sslmode=disable"], "no cell fits");
    refuses(&["schema"], "Usage");
    refuses(&["schema", "nonsense"], "shim-request, shim-response");
    refuses(&["schema", "--out", "/no/such/folder"], "could not write /no/such/folder");
    refuses(&["install", "no-such-stack"], "no stack is called no-such-stack");
    refuses(&["install", "psycopg@../.."], "is no version");
    refuses(&["install", "psycopg@3.3.9+libpq@18"], "psycopg is built from no crates");
    refuses(&["install", "diesel@2.3.14+pq-sys@../.."], "is no CRATE@VERSION");
    refuses(
        &["install", "tokio-postgres/rustls"],
        "another release of it is tokio-postgres/rustls@",
    );
    refuses(&["install", "--shims", "/no/such/folder"], "no folder /no/such/folder");
    refuses(&["fuzz"], "which stack");
    refuses(&["fuzz", "--stack", "no-such-stack"], "no stack is called no-such-stack");
    refuses(&["fuzz", "--shim", "/no/such/program"], "could not start");
    refuses(&["fuzz", "--stack", "pgtls/rustls", "--cases", "many"], "many");
    refuses(&["fuzz", "--stack", "pgtls/rustls", "--seed", "nonsense"], "nonsense");
}

/// A folder of shims, with this manifest in it.
fn shims(folder: &Path, place: &str, name: &str) {
    fs::create_dir_all(folder.join(place)).expect("a folder");
    let manifest = format!(
        "[[stack]]\nname = \"{name}\"\nversion = \"1.0\"\ninstall = \"exit 1\"\ncommand = [\"x\"]\n"
    );
    fs::write(folder.join(place).join("shim.toml"), manifest).expect("a manifest");
}

#[test]
fn a_stack_that_is_not_installed_is_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    shims(folder.path(), "one", "absent");
    let place = folder.path().to_str().expect("a path");
    let told = "absent cannot run: not installed (pgtls install absent)";
    refuses(&["matrix", "--shims", place, "--stack", "absent"], told);
    refuses(&["run", "--shims", place, "absent:sslmode=require"], told);
    refuses(&["run", "--shims", place, "--stack", "absent"], told);
    refuses(&["fuzz", "--shims", place, "--stack", "absent"], told);
    let listed = text(&pgtls(&["list", "stacks", "--shims", place]).stdout);
    assert!(listed.contains("absent                       not installed (pgtls"), "{listed}");
    // Its cells have ids all the same, at the pinned version those of the bare name.
    let filter = "certificate=expired,sslmode=require,sslnegotiation=postgres";
    let of = |stack: &str| {
        let cells = ["list", "cells", "--shims", place, "--stack", stack, "--filter", filter];
        text(&pgtls(&cells).stdout)
    };
    let id = "absent:certificate=expired,sslmode=require,sslrootcert=right\n";
    assert_eq!(of("absent@1.0"), id);
    assert_eq!(of("absent@2.0"), id.replace("absent", "absent@2.0"));
    assert!(of("all").ends_with(id) && of("all").starts_with("tokio-postgres/rustls:"));
    let install = pgtls(&["install", "--shims", place, "absent"]);
    assert_eq!(install.status.code(), Some(3), "{}", text(&install.stderr));
    assert!(text(&install.stdout).contains("left out: its install line failed"));
    assert!(!folder.path().join(".installed/absent@1.0").exists(), "no half an installation");

    shims(folder.path(), "two", "absent");
    refuses(&["list", "stacks", "--shims", place], "two manifests name a stack absent");
}

#[test]
fn ports_files_and_folders_that_cannot_be_used_are_told_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().to_str().expect("a path");
    refuses(&["diff", place, place], "could not read");
    refuses(&["replay", place], "there is no finding");
    refuses(
        &["fuzz", "--stack", "pgtls/rustls", "--cases", "1", "--findings", "/dev/null/findings"],
        "/dev/null is no folder",
    );
    refuses(&["matrix", "--baseline", place], "could not read the baseline");
    fs::write(folder.path().join("shim.toml"), "").expect("a file");
    fs::create_dir(folder.path().join("one")).expect("a folder");
    fs::write(folder.path().join("one/shim.toml"), "[[stack]]\nname = 1").expect("a file");
    refuses(&["list", "stacks", "--shims", place], "is no manifest of a shim");
    refuses(&["install", "--shims", place], "is no manifest of a shim");
    refuses(&["serve", "--bind", "192.0.2.1"], "could not listen on 192.0.2.1");
    refuses(&["serve", "--port", "65536"], "65536");
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("not.json");
    fs::write(&file, "{ not json").expect("a file");
    let file = file.to_str().expect("a path");
    refuses(&["matrix", "--baseline", file], "is no baseline");
    refuses(&["matrix", "--baseline", "/no/such/baseline"], "could not read the baseline");
    refuses(&["diff", file, file], "holds no results");
    refuses(&["replay", file], "holds no counterexample");
    fs::write(
        folder.path().join("ids.json"),
        r#"[{"id":"nonsense","conformance":"weaker","safety":[],"reason":""}]"#,
    )
    .expect("a file");
    let ids = folder.path().join("ids.json");
    refuses(&["matrix", "--baseline", ids.to_str().expect("a path")], "names no cell");
    // A file stands where a folder should be.
    refuses(&["serve", "--pki-dir", file], "for certificates");
}

#[test]
fn a_port_in_use_is_told_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    refuses(&["serve", "--port", &port], "could not listen on 127.0.0.1");
}

#[test]
fn results_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results.json");
    let path = out.to_str().expect("a path");
    let run = pgtls(&[
        "matrix",
        "--stack",
        "pgtls/rustls",
        "--filter",
        "certificate=expired",
        "--format",
        "json",
        "--out",
        path,
    ]);
    assert_eq!(
        (run.status.code(), text(&run.stdout)),
        (Some(0), String::new()),
        "{}",
        text(&run.stderr)
    );
    let same = pgtls(&["diff", path, path]);
    assert_eq!((same.status.code(), text(&same.stdout).as_str()), (Some(0), "nothing changed\n"));
    // Told before the first cell: a run of everything would take its minutes.
    let elsewhere = folder.path().join("no/such/folder/results.json");
    for place in [elsewhere.as_path(), folder.path()] {
        let place = place.to_str().expect("a path");
        refuses(&["matrix", "--suite", "full", "--out", place], "could not write");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

#[test]
fn a_baseline_hides_what_it_knows_and_tells_what_is_stale() {
    let folder = tempfile::tempdir().expect("a folder");
    let baseline = folder.path().join("baseline.json");
    let matrix = |entries: &str| {
        fs::write(&baseline, entries).expect("a file");
        let baseline = baseline.to_str().expect("a path");
        pgtls(&[
            "matrix",
            "--stack",
            "tokio-postgres/rustls",
            "--filter",
            "reply=garbage,sslmode=prefer",
            "--baseline",
            baseline,
        ])
    };
    let id = "tokio-postgres/rustls:reply=garbage,sslrootcert=right";
    let known = format!(r#"[{{"id":"{id}","conformance":"weaker","safety":[],"reason":"known"}}]"#);
    assert_eq!(matrix(&known).status.code(), Some(0));
    let unknown = matrix("[]");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text(&unknown.stdout).contains(&format!("pgtls run '{id}'")),
        "{}",
        text(&unknown.stdout)
    );
    let changed = known.replace("weaker", "stricter");
    assert_eq!(matrix(&changed).status.code(), Some(1));
    fs::write(&baseline, known.replace("reply=garbage,sslrootcert=right", "default"))
        .expect("a file");
    let stale = pgtls(&[
        "matrix",
        "--stack",
        "pgtls/rustls",
        "--filter",
        "certificate=expired,sslmode=disable",
        "--baseline",
        baseline.to_str().expect("a path"),
    ]);
    assert_eq!(stale.status.code(), Some(0), "an entry of a cell that was not run says nothing");
    fs::write(&baseline, r#"[{"id":"pgtls/rustls:certificate=expired,sslmode=disable,sslrootcert=right","conformance":"weaker","safety":[],"reason":""}]"#).expect("a file");
    let stale = pgtls(&[
        "matrix",
        "--stack",
        "pgtls/rustls",
        "--filter",
        "certificate=expired,sslmode=disable",
        "--baseline",
        baseline.to_str().expect("a path"),
    ]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(text(&stale.stdout).contains("take the entry out"), "{}", text(&stale.stdout));
}

#[test]
fn every_format_is_what_it_says() {
    let formatted = |format| {
        let arguments = [
            "matrix",
            "--stack",
            "tokio-postgres/rustls",
            "--filter",
            "reply=garbage",
            "--format",
            format,
        ];
        text(&pgtls(&arguments).stdout)
    };
    let json: serde_json::Value = serde_json::from_str(&formatted("json")).expect("JSON");
    assert_eq!(json["schema"], 1);
    let junit = formatted("junit");
    assert!(
        junit.contains("<testsuite") && junit.contains("<failure") && junit.contains("<skipped"),
        "{junit}"
    );
    let markdown = formatted("markdown");
    assert!(markdown.contains("| stack |") && markdown.contains("## Findings"), "{markdown}");
    let table = formatted("table");
    assert!(
        table.contains("matters:") && table.contains("again:") && !table.contains('\u{1b}'),
        "{table}"
    );
}

#[test]
fn shards_share_the_cells_out() {
    let ids = |shard: &str| -> Vec<String> {
        let arguments = [
            "matrix",
            "--stack",
            "pgtls/rustls",
            "--filter",
            "certificate=expired",
            "--format",
            "json",
            "--shard",
            shard,
        ];
        let run = pgtls(&arguments);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        let results: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let cells = results["cells"].as_array().expect("cells").iter();
        cells.map(|cell| cell["id"].as_str().expect("an id").to_owned()).collect()
    };
    let mut shared: Vec<String> = [ids("1/3"), ids("2/3"), ids("3/3")].concat();
    assert_eq!(ids("200/200"), [""; 0], "a part with nothing in it is no mistake");
    let mut all = ids("1/1");
    shared.sort();
    all.sort();
    assert_eq!(shared, all);
}

#[test]
fn serve_tells_where_it_is_and_what_it_sees() {
    let server = Served::start(&["--reply", "refuse"]);
    let certificate = server.ca();
    assert!(certificate.is_file());
    assert!(server.told("listening on 127.0.0.1:").ends_with(": reply=refuse"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let connector = pgtls_connector::Connector::from_url(&server.url("disable"))
            .expect("a URL that is understood");
        let (client, _cancel) = connector.connect_and_spawn().await.expect("a connection");
        client.simple_query("SELECT 1").await.expect("an answer");
    });
    assert_eq!(server.line(), "connect, authok -> plain");
    server.signal(Signal::SIGINT);
    assert_eq!(server.ended().code(), Some(130));
    let own = certificate.ancestors().nth(2).expect("its temporary folder");
    assert!(!own.exists(), "{} is left behind", own.display());
}

#[test]
fn two_shims_of_one_name_are_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let shim = |place: &str, stack: &str| {
        let path = folder.path().join(place);
        fs::create_dir(&path).expect("a folder");
        let script = format!("exec '{}' shim {stack}\n", support::PROGRAM);
        fs::write(path.join("shim.sh"), script).expect("a file");
        format!("sh {}", path.join("shim.sh").display())
    };
    let (one, other) = (shim("one", "tokio-postgres/rustls"), shim("other", "pgtls/rustls"));
    let filter = "reply=garbage,sslmode=prefer,sslnegotiation=postgres";
    let run = pgtls(&["matrix", "--shim", &one, "--shim", &other, "--filter", filter]);
    let shown = text(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    assert!(shown.contains("│ shim ") && shown.contains("│ shim-2 "), "{shown}");
    // The command that shows the finding again does: as it is printed, in a shell.
    let again = shown.lines().find_map(|line| line.trim().strip_prefix("again:"));
    let again = again.expect("a command").trim().replacen("pgtls", support::PROGRAM, 1);
    let run = support::output(Command::new("sh").args(["-c", &again]));
    assert_eq!(run.status.code(), Some(1), "{again}: {}", text(&run.stderr));
    assert!(text(&run.stdout).contains("conformance: weaker"), "{}", text(&run.stdout));
}

#[test]
fn a_reader_that_stops_changes_neither_exit_code_nor_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results.json");
    let mut child = Command::new(support::PROGRAM)
        .args(["matrix", "--stack", "tokio-postgres/rustls", "--filter", "reply=garbage"])
        .args(["--format", "table", "--format", "json", "--out"])
        .arg(&out)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pgtls");
    drop(child.stdout.take());
    assert_eq!(support::ended(child).status.code(), Some(1));
    assert!(fs::read_to_string(&out).expect("the file").contains("\"schema\": 1"));
}

#[test]
fn a_crash_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dies.py");
    // Says hello and no to nonsense, and dies of its first cell.
    let script = r#"
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["type"] == "hello":
        supports = {"sslmode": ["disable"], "sslrootcert": ["file"]}
        answer = {"type": "hello", "contract": 1, "name": "d", "version": "1", "supports": supports}
    elif asked.get("sslmode") == "nonsense":
        answer = {"type": "result", "id": asked["id"], "outcome": "unsupported", "reason": "no"}
    else:
        sys.exit("the flux capacitor is empty")
    print(json.dumps(answer), flush=True)
"#;
    fs::write(&path, script).expect("a file");
    let shim = format!("python3 {}", path.display());
    let matrix = |format| {
        let filter = "certificate=expired,sslmode=disable,sslrootcert=right";
        let run = pgtls(&["matrix", "--shim", &shim, "--filter", filter, "--format", format]);
        assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
        text(&run.stdout)
    };
    for format in ["table", "markdown", "junit"] {
        let told = matrix(format);
        assert!(told.contains("the flux capacitor is empty"), "{format}: {told}");
    }
}
