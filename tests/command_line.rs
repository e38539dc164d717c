//! The command line, good and bad: one clear line on stderr, the contract's exit code, nothing
//! left behind.

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

fn pgtls(arguments: &[&str]) -> Output {
    Command::new(support::PROGRAM).args(arguments).stdin(Stdio::null()).output().expect("pgtls")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
    assert_eq!(text(&pgtls(&["list", "invariants"]).stdout).lines().count(), 12);
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
    refuses_to_write(folder.path().join("no/such/folder/results.json").to_str().expect("a path"));
    assert_eq!(fs::read_dir(folder.path()).expect("the folder").count(), 1);
}

fn refuses_to_write(path: &str) {
    let run = pgtls(&[
        "matrix",
        "--stack",
        "pgtls/rustls",
        "--filter",
        "certificate=expired,sslmode=disable",
        "--out",
        path,
    ]);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("could not write"), "{}", text(&run.stderr));
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
        let results: serde_json::Value =
            serde_json::from_slice(&pgtls(&arguments).stdout).expect("JSON");
        let cells = results["cells"].as_array().expect("cells").iter();
        cells.map(|cell| cell["id"].as_str().expect("an id").to_owned()).collect()
    };
    let mut shared: Vec<String> = [ids("1/3"), ids("2/3"), ids("3/3")].concat();
    let mut all = ids("1/1");
    shared.sort();
    all.sort();
    assert_eq!(shared, all);
}

#[test]
fn serve_tells_where_it_is_and_what_it_sees() {
    let mut child = Command::new(support::PROGRAM)
        .args(["serve", "--reply", "refuse"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout"))
        .lines()
        .map(|line| line.expect("text"));
    let first = lines.next().expect("a line");
    assert!(
        first.starts_with("listening on 127.0.0.1:") && first.ends_with(": reply=refuse"),
        "{first}"
    );
    let greeting: Vec<String> =
        lines.by_ref().take_while(|line| !line.contains("Ctrl-C")).collect();
    let url = greeting.iter().find(|line| line.contains("sslmode=disable")).expect("a URL");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let connector =
            pgtls_connector::Connector::from_url(url).expect("a URL that is understood");
        let (client, _cancel) = connector.connect_and_spawn().await.expect("a connection");
        client.simple_query("SELECT 1").await.expect("an answer");
    });
    assert_eq!(lines.next().as_deref(), Some("connect, authok -> plain"));
    interrupt(child.id());
    assert_eq!(child.wait().expect("an end").code(), Some(130));
}

#[test]
fn an_interrupt_half_way_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("results.json");
    let child = Command::new(support::PROGRAM)
        .args(["matrix", "--suite", "full", "--stack", "pgtls/rustls", "--format", "json", "--out"])
        .arg(&out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgtls");
    // A child of the run exists as soon as a cell may be under way.
    wait_until(|| !children(child.id()).is_empty());
    let running = children(child.id());
    interrupt(child.id());
    let output = child.wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("interrupted"));
    let results: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&out).expect("what is known so far"))
            .expect("JSON");
    assert_eq!(results["schema"], 1);
    wait_until(|| running.iter().all(|pid| !is_running(*pid)));
}

fn interrupt(pid: u32) {
    kill(Pid::from_raw(i32::try_from(pid).expect("a pid")), Signal::SIGINT).expect("a signal");
}

fn children(of: u32) -> Vec<u32> {
    let status = |pid: u32| fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = format!("PPid:\t{of}\n");
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| status(*pid).contains(&parent))
        .collect()
}

fn is_running(pid: u32) -> bool {
    let mut stat = String::new();
    let read = fs::File::open(format!("/proc/{pid}/stat"))
        .and_then(|mut file| file.read_to_string(&mut stat));
    read.is_ok() && !stat.contains(") Z ")
}

#[track_caller]
fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to pass within 30 s");
        thread::sleep(Duration::from_millis(20));
    }
}
