//! The providers' pages say what the program does: their tables are the reference's, their strings
//! those of `pgtls serve`. `PGTLS_BLESS=1 cargo test --test providers` writes them anew.

#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pgtls_conformance::{
    axes::{Axes, Sslmode},
    providers::{Profile, Scene},
};

use served::Served;

const MODES: [Sslmode; 7] = Sslmode::BY_STRICTNESS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers")
}

/// The command that prints a scene's trace, without the mode.
fn command(scene: &Scene) -> String {
    let default = Axes::default();
    let differing = scene.axes.values().zip(default.values()).filter(|(own, other)| own != other);
    let flags: Vec<_> = differing.map(|((axis, value), _)| format!("--{axis} {value}")).collect();
    format!("pgtls expect {}", flags.join(" "))
}

/// What the program answers to a command as the page has it.
fn answer(command: &str, mode: Sslmode) -> String {
    let arguments = command.split(' ').skip(1).chain(["--sslmode", mode.name()]);
    let output = support::output(Command::new(support::PROGRAM).args(arguments));
    assert!(output.status.success(), "{command}");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// An overview of all scenes, then one table each.
fn tables(profile: Profile) -> String {
    let name = |mode: &Sslmode| {
        if *mode == Sslmode::Unset { "left out".to_owned() } else { mode.to_string() }
    };
    let names = MODES.iter().map(name).collect::<Vec<_>>();
    let mut overview =
        format!("| | {} |\n|{}\n", names.join(" | "), " --- |".repeat(MODES.len() + 1));
    let mut each = String::new();
    for scene in profile.scenes() {
        let command = command(&scene);
        let _ = write!(overview, "| {} |", scene.title);
        let _ = write!(
            each,
            "\n### {}\n\n`{command} --sslmode MODE`\n\n| sslmode | trace |\n| --- | --- |\n",
            scene.title
        );
        for (mode, name) in MODES.iter().zip(&names) {
            let trace = answer(&command, *mode);
            let (_, outcome) = trace.split_once("-> ").expect("an outcome");
            let _ = write!(overview, " {outcome} |");
            let _ = writeln!(each, "| {name} | `{trace}` |");
        }
        overview.push('\n');
    }
    overview + &each
}

/// What `pgtls serve` prints in the provider's forms, with stand-ins for what differs each time.
fn strings(profile: Profile) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path().canonicalize().expect("a path");
    let pki = home.join("pki");
    let pki = pki.to_str().expect("text");
    let server = Served::start(&["--profile", profile.name(), "--pki-dir", pki]);
    let lines = &server.greeting;
    let port = lines[0].split([' ', ':']).nth(3).expect("a port");
    let home = home.to_str().expect("text");
    let own = lines.iter().skip_while(|line| !line.ends_with("gives them:")).skip(1);
    let own = own.take_while(|line| !line.is_empty());
    let text = own.map(|line| line.replace(port, "PORT").replace(home, "/home/you") + "\n");
    format!("```text\n{}```\n", text.collect::<String>())
}

/// Compares the part of a page between two marks, or renews it.
#[track_caller]
fn holds(profile: Profile, part: &str, now: &str) {
    let path = folder().join(format!("{profile}.md"));
    let page = fs::read_to_string(&path).expect("a page for every profile");
    let (begin, end) = (format!("<!-- {part} -->\n"), format!("<!-- end of {part} -->\n"));
    let (before, rest) = page.split_once(&begin).expect("the part's beginning");
    let (written, after) = rest.split_once(&end).expect("the part's end");
    if std::env::var_os("PGTLS_BLESS").is_some() {
        fs::write(&path, [before, &begin, now, &end, after].concat()).expect("the page");
    } else {
        assert_eq!(
            written,
            now,
            "{}: stale: PGTLS_BLESS=1 cargo test --test providers",
            path.display()
        );
    }
}

/// One test for all, so that no two write to a page at once.
#[test]
fn pages_say_what_the_program_says() {
    for &profile in Profile::ALL {
        holds(profile, "strings", &strings(profile));
        holds(profile, "tables", &tables(profile));
    }
}

#[test]
fn pages_and_profiles_are_the_same() {
    let index = fs::read_to_string(folder().join("README.md")).expect("an index");
    let mut pages: Vec<_> = fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .filter(|name| name != "README.md")
        .collect();
    let mut profiles: Vec<_> = Profile::ALL.iter().map(|profile| format!("{profile}.md")).collect();
    pages.sort();
    profiles.sort();
    assert_eq!(pages, profiles);
    assert!(profiles.iter().all(|page| index.contains(&format!("({page})"))), "{index}");
}
