//! Whatever a client, a shim, a file or an argument holds, what people are shown holds no control,
//! no mark that turns or hides text, and no line that is not ours.

#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use served::Served;
use support::text;

/// Where a line that others forged would begin.
const FORGED: &str = "FORGED";

/// Everything that must not reach a terminal or a page as it is. Independent of the program's own
/// list.
fn dangerous() -> Vec<char> {
    let controls = ('\u{1}'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let bidi = "\u{61c}\u{200e}\u{200f}".chars().chain('\u{202a}'..='\u{202e}');
    let bidi = bidi.chain('\u{2066}'..='\u{2069}');
    let invisible = "\u{ad}\u{34f}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{2060}\u{2063}\u{3164}";
    let others =
        "\u{2028}\u{2029}\u{feff}\u{fe0f}\u{fff9}\u{fffe}\u{ffff}\u{e000}\u{e0041}\u{1d173}";
    controls.chain(bidi).chain(invisible.chars()).chain(others.chars()).collect()
}

/// All of it, with what would harm if only the line or the block could be left.
fn nasty() -> String {
    let forged =
        format!("\u{1b}[31m\r\n{FORGED}\n```\n{FORGED} | <script>x</script> \r```\r{FORGED}");
    let page = " `` | ``` <img src=x> &lt; **b** [a](http://a.example) www.a.example a@b.example";
    dangerous().into_iter().fold(forged + page, |text, c| text + &c.to_string())
}

/// That a text is safe to look at.
#[track_caller]
fn is_safe(text: &str, what: &str) {
    let raw = dangerous().into_iter().find(|c| *c != '\n' && text.contains(*c));
    assert_eq!(raw, None, "{what}: {:?}", raw.and_then(|c| around(text, c)));
    let forged = text.lines().find(|line| line.trim_start().starts_with(FORGED));
    assert_eq!(forged, None, "{what}");
}

fn around(text: &str, c: char) -> Option<&str> {
    text.lines().find(|line| line.contains(c))
}

#[track_caller]
fn output_is_safe(output: &Output, what: &str) {
    assert_ne!(output.status.code(), Some(101), "{what}: {}", text(&output.stderr));
    for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        is_safe(&text, &format!("{what}, {stream}"));
    }
}

/// A folder with the shim, and the command that starts it.
fn shim() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let words = folder.path().join("nasty.txt");
    fs::write(&words, nasty()).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/shim.py");
    let command = format!("python3 '{}' '{}'", script.display(), words.display());
    (folder, command)
}

fn pgtls(arguments: &[&str]) -> Output {
    support::output(Command::new(support::PROGRAM).env("PGTLS_LOG", "trace").args(arguments))
}

/// What every mode makes of the shim, in every format.
fn matrix(shim: &str, more: &[&str]) -> Output {
    let filter = "certificate=expired,sslrootcert=right,sslnegotiation=postgres";
    pgtls(&[&["matrix", "--shim", shim, "--filter", filter][..], more].concat())
}

#[test]
fn no_report_shows_a_clients_text_as_it_is() {
    let (_folder, shim) = shim();
    for format in ["table", "markdown", "junit", "json"] {
        let output = matrix(&shim, &["--format", format]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        output_is_safe(&output, format);
        let shown = text(&output.stdout);
        let escape = if format == "json" { r"\u202e" } else { r"\u{202e}" };
        assert!(shown.contains(escape), "{format} shows that it is there: {shown}");
        match format {
            "markdown" => is_inert(&shown),
            "junit" => {
                let report = quick_junit::Report::deserialize_from_str(&shown);
                assert!(report.is_ok(), "{:?}", report.err());
            }
            "json" => {
                let results: Value = serde_json::from_str(&shown).expect("JSON");
                assert_eq!(results["stacks"][0]["version"], nasty(), "the text itself");
            }
            _ => {}
        }
    }
}

/// That nothing outside of code is more than words to Markdown.
#[track_caller]
fn is_inert(page: &str) {
    let mut fence: Option<&str> = None;
    for line in page.lines() {
        let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                let words = without_code(line);
                for meant in ["<", "&", "`", "](", "www.", "://", "@"] {
                    assert!(!words.contains(meant), "{meant} in {line}");
                }
                if line.starts_with('|') {
                    assert!(!line.contains("x</script>") || line.contains(r"\x7c"), "{line}");
                }
            }
        }
    }
    assert_eq!(fence, None, "every block is closed");
}

/// A line without its code spans.
fn without_code(line: &str) -> String {
    let mut words = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        words.push_str(&rest[..start]);
        let ticks = rest[start..].len() - rest[start..].trim_start_matches('`').len();
        let open = &rest[start..start + ticks];
        rest = &rest[start + ticks..];
        let mut at = 0;
        loop {
            let Some(found) = rest[at..].find(open) else {
                panic!("a span that is not closed: {line}");
            };
            let end = at + found;
            let run = rest[end..].len() - rest[end..].trim_start_matches('`').len();
            at = end + run;
            if run == ticks {
                break;
            }
        }
        rest = &rest[at..];
    }
    words + rest
}

#[test]
fn no_transcript_shows_it_and_no_line_is_forged() {
    let (_folder, shim) = shim();
    let modes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full", "unset"];
    for mode in modes {
        let cell = ["run", "--shim", &shim, "--certificate", "expired", "--sslmode", mode];
        let output = pgtls(&cell);
        output_is_safe(&output, mode);
        assert!(text(&output.stdout).contains("conformance: "), "{}", text(&output.stderr));
        let json = pgtls(&[&cell[..], &["--json"]].concat());
        output_is_safe(&json, mode);
        let result: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        if mode == "require" {
            assert_eq!(result["reason"], nasty());
        }
    }
    let shown = |mode| text(&pgtls(&["run", "--shim", &shim, "--sslmode", mode]).stdout);
    let startup = shown("allow");
    assert!(startup.contains(r"user=\x1b[31m\r\nFORGED"), "{startup}");
    let hello = shown("prefer");
    assert!(hello.contains(r"SNI \x1b[31m\r\nFORGED"), "{hello}");
    assert!(hello.contains(r"ALPN \x1b[31m\r\nFORGED"), "{hello}");
    let session = shown("disable");
    assert!(session.contains(r"application_name=\x1b[31m"), "{session}");
}

#[test]
fn a_shim_that_cannot_run_says_why_in_one_line() {
    let (folder, _) = shim();
    let path = folder.path().join("dies.py");
    let script =
        "import sys\nsys.exit(open(sys.argv[1], encoding='utf-8').read().replace('\\n', ' '))";
    fs::write(&path, script).expect("a script");
    let command =
        format!("python3 {} {}", path.display(), folder.path().join("nasty.txt").display());
    for format in ["table", "markdown", "junit", "json"] {
        output_is_safe(&matrix(&command, &["--format", format]), format);
    }
    output_is_safe(&pgtls(&["run", "--shim", &command]), "run");
    output_is_safe(&pgtls(&["fuzz", "--shim", &command]), "fuzz");
}

#[test]
fn what_serve_prints_is_safe_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let place =
        folder.path().join(nasty().replace(['/', '\0'], " ").chars().take(60).collect::<String>());
    let server = Served::start(&["--pki-dir", place.to_str().expect("a path")]);
    let shown = server.greeting.join("\n");
    is_safe(&shown, "serve");
    assert!(shown.contains(r"\x1b[31m\r\nFORGED"), "{shown}");
}

/// A file with this JSON.
fn file(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, value.to_string()).expect("a file");
    path
}

#[test]
fn results_of_others_are_shown_safely() {
    let folder = tempfile::tempdir().expect("a folder");
    let cell = |id: &str, trace: &str| {
        json!({
            "id": format!("{}:{id}", nasty()), "stack": nasty(), "axes": {nasty(): nasty()},
            "expected": {"trace": nasty()},
            "observed": {
                "trace": trace, "outcome": nasty(),
                "error": {"class": format!("{trace}{}", nasty()), "message": nasty()},
                "tls": {"version": nasty(), "cipher": nasty(), "alpn": nasty(), "sni": trace},
                "round_trips": 1, "elapsed_us": 1,
            },
            "conformance": "weaker", "safety": [], "warnings": [nasty()], "reason": nasty(),
        })
    };
    let results = |version: &str, cells: Value| {
        let stack = json!({
            "name": nasty(), "version": version, "tls": nasty(), "supports": null,
            "could_not_run": null,
        });
        json!({
            "schema": 1, "tool": nasty(), "reference": nasty(), "suite": nasty(), "seed": nasty(),
            "stacks": [stack], "cells": cells,
        })
    };
    let one = results(&nasty(), json!([cell("a", "x"), cell("b", "x")]));
    let other = results("2", json!([cell("a", &nasty()), cell("c", "x")]));
    let (one, other) = (file(folder.path(), "a.json", &one), file(folder.path(), "b.json", &other));
    let output = support::output(Command::new(support::PROGRAM).arg("diff").args([&one, &other]));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    output_is_safe(&output, "diff");
    assert!(text(&output.stdout).contains("3 cells changed"), "{}", text(&output.stdout));
}

#[test]
fn files_that_are_refused_are_quoted_safely() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str, value: &Value| {
        file(folder.path(), name, value).to_str().expect("a path").to_owned()
    };
    let results = place("results.json", &json!({"schema": nasty()}));
    let known =
        place("known.json", &json!([{"id": format!("a:{}", nasty()), "conformance": "weaker"}]));
    let verdict = place("verdict.json", &json!([{"id": "a:default", "conformance": nasty()}]));
    let reason = place(
        "reason.json",
        &json!([{
            "id": format!("{}:default", nasty().replace(':', "")), "conformance": "weaker",
            "reason": nasty(),
        }]),
    );
    let example = |stack: &str, axes: &str, is_command: bool| {
        json!({
            "schema": 1, "stack": stack, "is_command": is_command, "axes": axes, "rules": [],
            "broken": [], "seed": "1",
        })
    };
    let stack = place("stack.json", &example(&nasty(), "default", false));
    let command = place("command.json", &example(&nasty(), "default", true));
    let axes = place("axes.json", &example("libpq/psql", &nasty(), false));
    for arguments in [
        &["diff", &results, &results][..],
        &["matrix", "--baseline", &known],
        &["matrix", "--baseline", &verdict],
        &["replay", &stack],
        &["replay", &command],
        &["replay", &axes],
    ] {
        let output = pgtls(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        output_is_safe(&output, &arguments.join(" "));
        assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    }
    let filter = "certificate=expired,sslmode=disable";
    let unknown = ["matrix", "--stack", "pgtls/rustls", "--filter", filter, "--baseline", &reason];
    output_is_safe(&pgtls(&unknown), "a baseline's unknown stack");
}

#[test]
fn manifests_are_shown_safely() {
    let names = ["name", "version", "needs", "install"];
    for odd in names {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("one");
        fs::create_dir(&place).expect("a folder");
        let quoted = |name: &str, plain: &str| {
            // A basic string of TOML is one of JSON, but for DEL.
            let value = if name == odd { nasty() } else { plain.to_owned() };
            serde_json::to_string(&value).expect("a string").replace('\u{7f}', "\\u007f")
        };
        let manifest = format!(
            "[[stack]]\nname = {}\nversion = {}\nneeds = [{}]\ninstall = {}\ncommand = [\"x\"]\n",
            quoted("name", "a"),
            quoted("version", "1"),
            quoted("needs", "sh"),
            quoted("install", "exit 1"),
        );
        fs::write(place.join("shim.toml"), manifest).expect("a manifest");
        let shims = folder.path().to_str().expect("a path");
        for command in [
            &["list", "stacks"][..],
            &["install"],
            &["matrix", "--stack", "all", "--filter", "certificate=expired,sslmode=disable"],
        ] {
            let output = pgtls(&[command, &["--shims", shims]].concat());
            output_is_safe(&output, odd);
        }
        fs::write(place.join("shim.toml"), format!("[[stack]]\nname = {}", nasty()))
            .expect("a file");
        output_is_safe(&pgtls(&["list", "stacks", "--shims", shims]), "no TOML");
    }
}

#[test]
fn arguments_are_quoted_safely() {
    let nasty = nasty();
    let mut help = Command::new(support::PROGRAM);
    let help = support::output(help.args(["list", "--help"]).env("PGTLS_SHIMS", &nasty));
    output_is_safe(&help, "a variable");
    let shim = format!("--shim={nasty}");
    let stack = format!("--stack={nasty}");
    let filter = format!("--filter=sslmode={nasty}");
    let host = format!("--host={nasty}");
    for arguments in [
        &["matrix", &shim][..],
        &["matrix", &stack],
        &["matrix", &filter],
        &["matrix", "--out", &format!("/no/such/{nasty}")],
        &["expect", &host],
        &["run", &nasty],
        &["run", &format!("{nasty}:default")],
        &["diff", &nasty, &nasty],
        &["replay", &nasty],
        &["schema", &nasty],
        &["schema", "--out", &nasty],
        &["install", &nasty],
        &["shim", &nasty],
        &[&nasty],
    ] {
        let output = pgtls(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        output_is_safe(&output, arguments[0]);
    }
}
