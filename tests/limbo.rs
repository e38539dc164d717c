//! The chains of x509-limbo (C2SP, Apache-2.0), shown to the connector on both backends, under `verify-full`: it goes on
//! nowhere where libpq does not, and wherever libpq goes on and limbo says that the chain is valid.
//!
//! What libpq did stands in `limbo/libpq.tsv`; `PGTLS_BLESS=1 cargo test --test limbo` measures it anew, with the machine's
//! psql. The chains themselves are not in this repository: they are looked for in `../shared/limbo/limbo.json` beside the
//! checkout, or where `PGTLS_LIMBO` says.

#[path = "limbo/server.rs"]
mod server;

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use pgtls_connector::{Backend, Config, Connector};
use serde::Deserialize;

use server::{TIMEOUT, Visit};

#[derive(Deserialize)]
struct Limbo {
    testcases: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    validation_kind: String,
    validation_time: Option<String>,
    expected_result: String,
    expected_peer_name: Option<PeerName>,
    trusted_certs: Vec<String>,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    peer_certificate_key: Option<String>,
}

#[derive(Deserialize)]
struct PeerName {
    value: String,
}

/// A server's chain with its key, to be judged by today's date.
struct Case {
    id: String,
    is_valid: bool,
    host: String,
    roots: String,
    untrusted_intermediates: Vec<String>,
    peer_certificate: String,
    peer_certificate_key: String,
}

fn root_of_checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Says on stderr what is left out. Not a failure even under `PGTLS_STRICT`, since no gate installs these chains.
fn skip(what: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}");
}

/// Those of limbo's cases that a server can be; none if the file is not there.
fn cases() -> Option<Vec<Case>> {
    let path = env::var_os("PGTLS_LIMBO")
        .map_or_else(|| root_of_checkout().join("../shared/limbo/limbo.json"), PathBuf::from);
    let Ok(text) = fs::read_to_string(&path) else {
        skip(&format!("x509-limbo's chains are not in {} (see PGTLS_LIMBO)", path.display()));
        return None;
    };
    let limbo: Limbo = serde_json::from_str(&text).expect("limbo's format");
    let of_today =
        |entry: &Entry| entry.validation_kind == "SERVER" && entry.validation_time.is_none();
    let case = |entry: Entry| {
        Some(Case {
            id: entry.id,
            is_valid: entry.expected_result == "SUCCESS",
            // Where none is expected, one that the certificate may have or not.
            host: entry.expected_peer_name.map_or("example.com".to_owned(), |name| name.value),
            roots: entry.trusted_certs.concat(),
            untrusted_intermediates: entry.untrusted_intermediates,
            peer_certificate: entry.peer_certificate,
            peer_certificate_key: entry.peer_certificate_key?,
        })
    };
    Some(limbo.testcases.into_iter().filter(of_today).filter_map(case).collect())
}

/// Shows a case to a client, which is given the port and the file of roots; says whether it went on.
fn shown(case: &Case, client: impl FnOnce(u16, &Path)) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let roots = folder.path().join("root.crt");
    fs::write(&roots, &case.roots).expect("written");
    let visit = Visit::expect(case).unwrap_or_else(|error| panic!("{}: {error}", case.id));
    client(visit.port, &roots);
    visit.give_up();
    visit.went_on()
}

/// libpq, as psql has it.
fn psql(case: &Case, port: u16, roots: &Path) {
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let string = format!(
        "host={} hostaddr=127.0.0.1 port={port} user=limbo dbname=limbo sslmode=verify-full sslrootcert={} connect_timeout={}",
        quoted(&case.host),
        quoted(&roots.display().to_string()),
        TIMEOUT.as_secs(),
    );
    let status = Command::new("psql")
        .args(["--no-psqlrc", "--no-password", "--command", "select 1", &string])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.expect("psql");
}

/// The connector; what it said goes to `told`.
fn connector(case: &Case, backend: Backend, port: u16, roots: &Path, told: &mut String) {
    let settings = [
        ("host", case.host.as_str()),
        ("hostaddr", "127.0.0.1"),
        ("port", &port.to_string()),
        ("user", "limbo"),
        ("sslmode", "verify-full"),
        ("sslrootcert", &roots.display().to_string()),
        ("connect_timeout", &TIMEOUT.as_secs().to_string()),
    ];
    let config =
        settings.iter().try_fold(Config::new(), |config, (key, value)| config.set(key, *value));
    let connector = config.and_then(|config| Connector::from_config(&config)).expect("a connector");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let connected = runtime.expect("a runtime").block_on(connector.with_backend(backend).connect());
    *told = connected.err().map_or_else(String::new, |error| error.to_string());
}

/// What the machine's psql is made of; none if there is none.
fn versions() -> Option<String> {
    let output = Command::new("psql").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let libpq = text.split_whitespace().nth(2)?;
    let openssl = openssl::version::version().split_whitespace().nth(1)?;
    Some(format!("libpq {libpq}, OpenSSL {openssl}"))
}

fn table_path() -> PathBuf {
    root_of_checkout().join("tests/limbo/libpq.tsv")
}

/// What libpq was measured to do: of which versions, and for each case whether it goes on.
fn measured() -> (String, BTreeMap<String, bool>) {
    let text = fs::read_to_string(table_path()).expect("the table");
    let versions = text.lines().next().and_then(|line| line.strip_prefix("# Measured with "));
    let versions = versions.expect("the versions").to_owned();
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    let row = |line: &str| {
        let (id, rest) = line.split_once('\t').expect("three columns");
        let libpq = rest.rsplit('\t').next().expect("three columns");
        (id.to_owned(), libpq == "goes on")
    };
    (versions, rows.map(row).collect())
}

#[test]
fn the_table_is_what_the_machines_psql_does() {
    let Some(cases) = cases() else { return };
    let Some(versions) = versions() else { return skip("there is no psql") };
    let bless = env::var_os("PGTLS_BLESS").is_some();
    if !bless && measured().0 != versions {
        return skip(&format!("the table is of {}, and psql of {versions}", measured().0));
    }
    let mut table = format!(
        "# Measured with {versions}\n# Cases of x509-limbo (C2SP, Apache-2.0): servers with a key, without a time of their own.\ncase\tlimbo\tlibpq\n"
    );
    for case in &cases {
        let limbo = if case.is_valid { "valid" } else { "invalid" };
        let went_on = shown(case, |port, roots| psql(case, port, roots));
        let libpq = if went_on { "goes on" } else { "refuses" };
        table += &format!("{}\t{limbo}\t{libpq}\n", case.id);
    }
    if bless {
        fs::write(table_path(), table).expect("written");
    } else {
        assert_eq!(fs::read_to_string(table_path()).expect("the table"), table);
    }
}

#[test]
fn rustls_is_nowhere_weaker_and_refuses_no_valid_chain() {
    agrees(Backend::rustls);
}

#[test]
fn native_tls_is_nowhere_weaker_and_refuses_no_valid_chain() {
    agrees(Backend::native_tls);
}

fn agrees(backend: fn() -> Backend) {
    let Some(cases) = cases() else { return };
    let (_, measured) = measured();
    let mut wrong = Vec::new();
    let (mut same, mut stricter) = (0, Vec::new());
    for case in &cases {
        let Some(&libpq) = measured.get(&case.id) else {
            skip(&format!("{} was not measured", case.id));
            continue;
        };
        let mut told = String::new();
        let ours = shown(case, |port, roots| connector(case, backend(), port, roots, &mut told));
        match (ours, libpq) {
            (true, false) => wrong.push(format!("{}: goes on where libpq does not", case.id)),
            (false, true) if case.is_valid => {
                wrong.push(format!("{}: a valid chain is refused: {told}", case.id));
            }
            (false, true) => stricter.push(format!("{}: {told}", case.id)),
            _ => same += 1,
        }
    }
    println!(
        "{same} as libpq; {} invalid chains that only libpq takes: {stricter:#?}",
        stricter.len()
    );
    assert!(same > 0, "limbo's names have changed");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
