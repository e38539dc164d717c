//! Scripts on the command line: the worked examples of docs/scripts.md as they stand there, the named
//! scripts, and what is said of a script that is none.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use pgtls_mock_server::{
    MockServer,
    axes::{Access, Auth, Reply},
    script::{self, Script},
};
use support::text;

fn pgtls(folder: &Path, arguments: &[&str]) -> Output {
    support::output(Command::new(support::PROGRAM).args(arguments).current_dir(folder))
}

/// The fenced blocks of the page, each with its language and the last line before it.
fn blocks(page: &str) -> Vec<(&str, &str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((before, behind)) = rest.split_once("\n```") {
        let Some((language, behind)) = behind.split_once('\n') else { break };
        let Some((block, behind)) = behind.split_once("\n```") else { break };
        let caption = before.trim_end().lines().last().unwrap_or_default();
        blocks.push((caption, language, block));
        rest = behind;
    }
    blocks
}

#[test]
fn the_worked_examples_run_as_they_stand_in_the_page() {
    let page = fs::read_to_string("docs/scripts.md").expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(
        folder.path().join("wrong.json"),
        r#"{"connections": [{"ssl_request": [{"send": [{"text": "S"}]}, "handshak"]}]}"#,
    )
    .expect("a file");
    let (mut written, mut run) = (0, 0);
    for (caption, language, block) in blocks(&page) {
        match (caption.strip_prefix('`').and_then(|name| name.strip_suffix("`:")), language) {
            (Some(name), "json") => {
                Script::from_json(block).unwrap_or_else(|error| panic!("{name}: {error}"));
                fs::write(folder.path().join(name), block).expect("a file");
                written += 1;
            }
            (_, "console") => {
                let (command, wanted) = block.split_once('\n').expect("a command and its output");
                let arguments: Vec<&str> =
                    command.strip_prefix("$ pgtls ").expect("a command").split(' ').collect();
                let output = pgtls(folder.path(), &arguments);
                let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
                let first = stdout.lines().chain(stderr.lines()).next().unwrap_or_default();
                assert_eq!(first, wanted, "{command}\n{stdout}{stderr}");
                assert!(!stdout.contains("injected-plaintext ("), "{command}\n{stdout}");
                run += 1;
            }
            _ => {}
        }
    }
    assert_eq!((written, run), (4, 5));
}

#[test]
fn a_failure_behind_a_scripts_answer_is_no_finding() {
    let page = fs::read_to_string("docs/scripts.md").expect("the page");
    let folder = tempfile::tempdir().expect("a folder");
    let lying = blocks(&page).into_iter().find(|(caption, ..)| *caption == "`lying.json`:");
    let (_, _, lying) = lying.expect("the example");
    fs::write(folder.path().join("lying.json"), lying).expect("a file");
    let client = ["run", "--stack", "pgtls/rustls", "--sslmode", "require"];
    let arguments = [&client[..], &["--script", "lying.json"]].concat();
    let output = pgtls(folder.path(), &arguments);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", text(&output.stderr));
    assert!(stdout.contains("client says: "), "{stdout}");
}

#[test]
fn every_value_of_an_axis_is_listed_and_printed_as_a_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = text(&pgtls(folder.path(), &["list", "scripts"]).stdout);
    let names: Vec<&str> = listed.lines().collect();
    let mut seen = 0;
    let values = Reply::ALL.iter().map(|value| format!("reply={value}"));
    let values = values.chain(Access::ALL.iter().map(|value| format!("access={value}")));
    for name in values.chain(Auth::ALL.iter().map(|value| format!("auth={value}"))) {
        assert!(names.contains(&name.as_str()), "{name} in {listed}");
        let printed = text(&pgtls(folder.path(), &["list", "scripts", &name]).stdout);
        assert_eq!(Some(Script::from_json(&printed).expect("a script")), script::find(&name));
        seen += 1;
    }
    assert_eq!(seen, Reply::ALL.len() + Access::ALL.len() + Auth::ALL.len());
    let unknown = pgtls(folder.path(), &["list", "scripts", "error"]);
    assert_eq!(unknown.status.code(), Some(2), "reply and scram both have one");
}

#[test]
fn a_named_script_does_what_its_axis_value_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for reply in Reply::ALL {
        let name = format!("reply={reply}");
        let script = script::find(&name).expect("a script");
        fs::write(folder.path().join("named.json"), script.to_json()).expect("a file");
        let run = |server: &[&str]| {
            let client = ["run", "--in-process", "--stack", "pgtls/rustls", "--sslmode", "prefer"];
            let output = pgtls(folder.path(), &[&client, server].concat());
            let stdout = text(&output.stdout);
            stdout.lines().take(3).collect::<Vec<_>>().join("\n")
        };
        let by_script = run(&["--script", "named.json"]);
        assert_eq!(by_script, run(&["--reply", reply.name()]), "{name}");
        assert!(by_script.starts_with("connect"), "{name}: {by_script}");
        compared += 1;
    }
    assert_eq!(compared, Reply::ALL.len());
}

#[test]
fn a_malformed_script_is_one_line_with_the_path_to_the_place() {
    let folder = tempfile::tempdir().expect("a folder");
    for (script, wanted) in [
        ("[", "holds no script: EOF"),
        ("{", "holds no script: EOF"),
        (r#"{"connection": []}"#, "connection: unknown field `connection`"),
        (r#"{"connections": [{}, {"startup": {}}]}"#, "connections[1].startup: "),
        (
            r#"{"connections": [{"accept": [{"send": [{"row_description": {"columns": [{"typ": 1}]}}]}]}]}"#,
            "connections[0].accept[0].send[0]: row_description.columns[0].typ: unknown field",
        ),
        (
            r#"{"connections": [{"accept": [{"send": [{"hex": "abc"}]}]}]}"#,
            "connections[0].accept[0].send[0]: hex: ",
        ),
        (
            r#"{"connections": [{"ssl_request": [{"expect": "password"}]}]}"#,
            "connections[0].ssl_request[0]: expect stands in startup",
        ),
        (
            r#"{"connections": [{"startup": [{"if": {"is": "direct", "then": ["handshake"]}}]}]}"#,
            "connections[0].startup[0].if.then[0]: handshake stands before the login",
        ),
        (
            r#"{"connections": [{"edits": [{"message": "no_such", "edit": "drop"}]}]}"#,
            "connections[0].edits[0].message: wanted a message of the server, got `no_such`",
        ),
        (r#"{"connections": [{"tls": {"key": "dsa"}}]}"#, "connections[0].tls.key: "),
    ] {
        fs::write(folder.path().join("wrong.json"), script).expect("a file");
        for command in [&["serve"][..], &["run", "--stack", "pgtls/rustls"]] {
            let output = pgtls(folder.path(), &[command, &["--script", "wrong.json"]].concat());
            let stderr = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{script}: {stderr}");
            assert!(stderr.contains(wanted), "{script}: wanted `{wanted}`, got {stderr}");
            assert_eq!(stderr.lines().count(), 1, "{script}: {stderr}");
        }
    }
}

#[test]
fn a_script_stands_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("honest.json"), "{}").expect("a file");
    for arguments in [
        &["serve", "--script", "honest.json", "--reply", "refuse"][..],
        &["serve", "--script", "honest.json", "--profile", "dap"],
        &["run", "--stack", "pgtls/rustls", "--script", "honest.json", "--auth", "md5"],
        &["run", "pgtls/rustls:default", "--script", "honest.json"],
    ] {
        let output = pgtls(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn the_invariants_alone_decide_over_a_script() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = script::find("scram=wrong-signature").expect("a script");
    fs::write(folder.path().join("forged.json"), script.to_json()).expect("a file");
    let client = ["run", "--in-process", "--stack", "pgtls/rustls", "--sslmode", "require"];
    let output = pgtls(folder.path(), &[&client[..], &["--script", "forged.json"]].concat());
    let stdout = text(&output.stdout);
    assert_eq!(stdout.lines().next(), Some("connect, sslaccept, authok -> fail"));
    assert_eq!(output.status.code(), Some(0), "{stdout}");
}

/// What the server sends in TLS records behind its handshake: the lengths of the records, by whether the
/// script has something to do with them.
async fn records(tls: &str, before_welcome: &str) -> Vec<usize> {
    use pgtls_harness::{Direction, Layer};
    let script = format!(
        r#"{{"connections": [{{"tls": {tls}, "startup": [{before_welcome} {{"send": ["welcome"]}}]}}]}}"#
    );
    let script = Script::from_json(&script).unwrap_or_else(|error| panic!("{script}: {error}"));
    let server =
        MockServer::builder().script(script).record(1 << 20).start().await.expect("a server");
    let connector =
        pgtls_connector::Connector::from_url(&server.url("require")).expect("a connector");
    let (client, connection) = connector.connect().await.expect("a connection");
    let connection = tokio::spawn(connection);
    client.simple_query("SELECT 1").await.expect("an answer");
    drop(client);
    let _ = connection.await.expect("no panic");
    let seen = server.finish(Duration::from_secs(1)).await;
    let wire = seen.connections[0].recording.concat(Direction::Outbound, Layer::Wire);
    // The first byte answers SSLRequest.
    let mut rest = &wire[1..];
    let mut lengths = Vec::new();
    while let [kind, _, _, high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind == 23 {
            lengths.push(length);
        }
        rest = &behind[length..];
    }
    lengths
}

/// Behind the content of a TLS 1.3 record: its type, and the tag of AES-GCM.
const OVERHEAD: usize = 1 + 16;

#[tokio::test]
async fn records_tickets_and_key_updates_are_as_the_script_has_them() {
    let usual = records("{}", "").await;
    let small = records(r#"{"record_size": 7}"#, "").await;
    // Flights of the handshake come first, and as they are.
    let session = |lengths: &[usize]| lengths.iter().filter(|&&it| it <= 7 + OVERHEAD).count();
    assert!(session(&small) > 20 && session(&usual) < 5, "{usual:?} {small:?}");
    // What is far longer goes on in records of the usual size.
    let notice = r#"{"notice_response": {"message": {"repeat": "x", "times": 15000}}}"#;
    let flood = format!(
        r#""edits": [{{"message": "command_complete", "edit": {{"before": [{notice}]}}}}]"#
    );
    let bounded = records(&format!(r#"{{"record_size": 1}}, {flood}"#), "").await;
    assert_eq!(bounded.iter().filter(|&&it| it == 1 + OVERHEAD).count(), 10_000);
    assert!(bounded.iter().any(|&length| length > 4000), "{:?}", bounded.iter().max());
    let with_tickets = records(r#"{"tickets": 3}"#, "").await;
    assert!(with_tickets.len() > usual.len(), "{usual:?} {with_tickets:?}");
    // A KeyUpdate is five bytes; the client reads on under the new keys.
    let updated = records("{}", r#""key_update", "key_update","#).await;
    let updates = |lengths: &[usize]| lengths.iter().filter(|&&it| it == 5 + OVERHEAD).count();
    assert_eq!(updates(&updated), updates(&usual) + 2, "{usual:?} {updated:?}");
    // TLS 1.2 has none.
    records(r#"{"versions": "1.2"}"#, r#""key_update","#).await;
}
