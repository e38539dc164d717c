//! `pgtls serve` before the tools that people point at it: psql, `openssl s_client`, and each
//! provider's recipe as it is printed.

#[path = "support/installed.rs"]
mod installed;
#[path = "support/served.rs"]
mod served;
mod support;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use served::{Served, TIMEOUT, lines};
use support::text;

/// What psql prints where it asked and was answered.
const ANSWER: &str = "48151\n";

/// A person with a HOME of their own, and nothing else.
struct Person(TempDir);

impl Person {
    /// `None`, and a word about it, where a tool is not installed.
    fn with(tool: &str) -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if !std::env::split_paths(&path).any(|folder| folder.join(tool).is_file()) {
            installed::skip(&format!("no {tool} on PATH"));
            return None;
        }
        Some(Self(tempfile::tempdir().expect("a folder")))
    }

    fn home(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("LC_ALL", "C")
            .env("PGCONNECT_TIMEOUT", "20")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    fn psql(&self, connection: &str) -> Output {
        let mut psql = self.command("psql");
        support::output(psql.args(["-XAtc", "SELECT 48151", connection]))
    }

    /// A line as it was printed, typed into a shell.
    fn types(&self, line: &str) -> Output {
        support::output(self.command("sh").args(["-c", line]))
    }

    fn openssl(&self, server: &Served, arguments: &[&str]) -> Output {
        let mut openssl = self.command("openssl");
        openssl.args(["s_client", "-starttls", "postgres", "-showcerts", "-verify_return_error"]);
        openssl.args(["-connect", &server.address()]).args(arguments);
        support::output(&mut openssl)
    }
}

#[track_caller]
fn connects(output: &Output) {
    assert_eq!(text(&output.stdout), ANSWER, "{}", text(&output.stderr));
}

#[track_caller]
fn fails(output: &Output, because: &str) {
    assert!(!output.status.success(), "{}", text(&output.stdout));
    let stderr = text(&output.stderr);
    assert!(stderr.contains(because), "wanted `{because}`, got: {stderr}");
}

#[test]
fn psql_connects_by_every_url_that_is_printed() {
    let Some(person) = Person::with("psql") else { return };
    let server = Served::start(&[]);
    for (mode, trace) in [
        ("disable", "connect, authok -> plain"),
        ("allow", "connect, authok -> plain"),
        ("prefer", "connect, sslaccept, authok -> ssl"),
        ("require", "connect, sslaccept, authok -> ssl"),
        ("verify-ca", "connect, sslaccept, authok -> ssl"),
        ("verify-full", "connect, sslaccept, authok -> ssl"),
    ] {
        connects(&person.psql(&server.url(mode)));
        assert_eq!(server.line(), trace, "{mode}");
    }
    let names_no_root = server.url("verify-full").replace("&sslrootcert", "&application_name");
    fails(&person.psql(&names_no_root), "root certificate file");
    assert_eq!(server.line(), "connect, sslaccept -> fail");
}

#[test]
fn openssl_verifies_the_chain_that_is_shown() {
    let Some(person) = Person::with("openssl") else { return };
    for (arguments, certificates) in [
        (&[][..], 1),
        (&["--certificate", "with-intermediate"][..], 2),
        (&["--key", "ed25519"][..], 1),
    ] {
        let server = Served::start(arguments);
        let ca = server.ca();
        let ca = ca.to_str().expect("text");
        let right = person.openssl(&server, &["-CAfile", ca, "-verify_hostname", "localhost"]);
        let shown = text(&right.stdout);
        assert!(right.status.success(), "{}", text(&right.stderr));
        assert!(shown.contains("Verify return code: 0 (ok)"), "{shown}");
        assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), certificates, "{arguments:?}");
        fails(&person.openssl(&server, &[]), "verify error");
    }
}

#[test]
fn azure_refuses_plaintext_and_old_tls() {
    let (Some(person), Some(_)) = (Person::with("psql"), Person::with("openssl")) else { return };
    let server = Served::start(&["--profile", "azure-flexible"]);
    let refused = "no pg_hba.conf entry for host \"127.0.0.1\", user \"any\", database \"postgres\", no encryption";
    fails(&person.psql(&server.url("disable")), refused);
    assert_eq!(server.line(), "connect, authfail -> fail");
    for line in server.greeting.iter().filter(|line| line.starts_with("psql ")) {
        connects(&person.types(&format!("{line} -XAtc 'SELECT 48151'")));
        assert_eq!(server.line(), "connect, sslaccept, authok -> ssl", "{line}");
    }
    let ca = server.ca();
    let old = ["-cipher", "ALL:@SECLEVEL=0"];
    for (version, speaks) in
        [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)]
    {
        let arguments = [&["-CAfile", ca.to_str().expect("text"), version][..], &old].concat();
        let output = person.openssl(&server, &arguments);
        assert_eq!(output.status.success(), speaks, "{version}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout).contains("BEGIN CERTIFICATE"), speaks, "{version}");
    }

    let capped = Served::start(&["--profile", "azure-flexible", "--tls", "1.2", "--access", "any"]);
    let ca = capped.ca();
    let arguments = ["-CAfile", ca.to_str().expect("text"), "-tls1_3"];
    assert!(!person.openssl(&capped, &arguments).status.success());
    connects(&person.psql(&capped.url("disable")));
    connects(&person.psql(&capped.url("verify-full")));
}

#[test]
fn tembos_root_is_that_of_every_instance_and_no_name_is_that_of_a_custom_domain() {
    let Some(person) = Person::with("psql") else { return };
    let organisation = person.home().join("organisation");
    let folder = organisation.to_str().expect("text");
    let first = Served::start(&["--profile", "tembo", "--pki-dir", folder]);
    let root = person.home().join("downloaded.crt");
    fs::copy(first.ca(), &root).expect("a copy");
    let second = Served::start(&["--profile", "tembo", "--pki-dir", folder]);
    for server in [&first, &second] {
        fails(&person.psql(&server.url("disable")), "no pg_hba.conf entry");
        let (login, _) = server
            .url("require")
            .split_once('?')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .expect("a URL");
        let root = root.display();
        connects(&person.psql(&format!("{login}?sslmode=verify-full&sslrootcert={root}")));
        let custom = format!("{login}?sslrootcert={root}&hostaddr=127.0.0.1")
            .replace("@localhost", "@db.customer.example");
        connects(&person.psql(&format!("{custom}&sslmode=verify-ca")));
        let wrong_name = "does not match host name \"db.customer.example\"";
        fails(&person.psql(&format!("{custom}&sslmode=verify-full")), wrong_name);
    }
    // As printed: two of the instance's own name, two of the custom domain, the last of which fails.
    let printed: Vec<_> = first.greeting.iter().filter(|line| line.starts_with("psql ")).collect();
    assert_eq!(printed.len(), 4, "{:#?}", first.greeting);
    let typed = |line: &str| person.types(&format!("{line} -XAtc 'SELECT 48151'"));
    printed[..3].iter().for_each(|line| connects(&typed(line)));
    fails(&typed(printed[3]), "does not match host name");

    let stranger = Served::start(&["--profile", "tembo"]);
    let foreign = stranger
        .url("verify-full")
        .replace(stranger.ca().to_str().expect("text"), root.to_str().expect("text"));
    fails(&person.psql(&foreign), "certificate verify failed");
}

#[test]
fn timescales_recipe_works_as_written_once_the_certificate_is_swapped() {
    let (Some(person), Some(_)) = (Person::with("psql"), Person::with("openssl")) else { return };
    let server = Served::start(&["--profile", "timescale", "--swap-after", "86400"]);
    let printed: Vec<_> =
        server.greeting.iter().filter(|line| line.starts_with("psql ")).cloned().collect();
    let [require, verify_full] = printed.as_slice() else { panic!("{:#?}", server.greeting) };
    let typed = |line: &str| person.types(&format!("{line} -XAtc 'SELECT 48151'"));
    let secure = "connect, sslaccept, authok -> ssl";
    let dropped = "connect, sslaccept -> fail";

    connects(&typed(require));
    assert_eq!(server.line(), secure);
    for mode in ["verify-ca", "verify-full"] {
        fails(&person.psql(&server.url(mode)), "certificate verify failed");
        assert_eq!(server.line(), dropped);
    }
    let bundle = server.whole("openssl s_client");
    let install = server.whole("mkdir");
    let take_bundle = || {
        for line in [bundle, install] {
            let output = person.types(line);
            assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        }
        let ended = server.line();
        assert_eq!(ended, dropped, "openssl looks, and does not log in");
        fs::read_to_string(person.home().join(".postgresql/root.crt")).expect("a bundle")
    };
    // Too early: the bundle holds the certificate that signed itself.
    assert_eq!(take_bundle().matches("BEGIN CERTIFICATE").count(), 1);
    connects(&typed(verify_full));
    assert_eq!(server.line(), secure);

    let mut session = person.command("psql");
    session.args(["-XAt", &server.url("prefer")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut session = session.stderr(Stdio::piped()).spawn().expect("psql");
    let mut typing = session.stdin.take().expect("stdin");
    writeln!(typing, "SELECT 48151;").expect("a session");
    let answers = lines(session.stdout.take().expect("stdout"));
    assert_eq!(answers.recv_timeout(TIMEOUT).as_deref(), Ok("48151"));

    server.signal(Signal::SIGUSR1);
    let swapped = server.line();
    assert!(swapped.starts_with("the signed certificate is in place"), "{swapped}");
    assert_eq!(server.line(), secure, "the open session ended with the swap");
    writeln!(typing, "SELECT 48151;").expect("a session");
    drop(typing);
    let session = support::ended(session);
    fails(&session, "connection to server was lost");

    // The bundle of before is worth nothing now, and whoever has none is where they were.
    fails(&typed(verify_full), "certificate verify failed");
    assert_eq!(server.line(), dropped);
    assert_eq!(take_bundle().matches("BEGIN CERTIFICATE").count(), 3, "leaf, intermediate, root");
    for line in
        [verify_full.clone(), verify_full.replace("verify-full", "verify-ca"), require.clone()]
    {
        connects(&typed(&line));
        assert_eq!(server.line(), secure, "{line}");
    }
    for mode in ["verify-ca", "verify-full"] {
        connects(&person.psql(&server.url(mode)));
        assert_eq!(server.line(), secure, "{mode}, the root named");
    }
}

#[test]
fn timescales_certificate_is_swapped_after_its_time() {
    let server = Served::start(&["--profile", "timescale", "--swap-after", "0"]);
    assert!(server.line().starts_with("the signed certificate is in place"));
    let pinned = Served::start(&["--profile", "timescale", "--certificate", "expired"]);
    assert!(!pinned.greeting.iter().any(|line| line.contains("USR1")), "{:#?}", pinned.greeting);
}

#[test]
fn daps_urls_are_printed_and_its_ca_is_a_system_store() {
    let Some(person) = Person::with("openssl") else { return };
    let server = Served::start(&["--profile", "dap"]);
    let store = server.told("export SSL_CERT_FILE=").to_owned();
    let address = server.address();
    let is_url = |line: &&String| line.contains(&format!("@{address}/postgres"));
    let urls: Vec<_> = server.greeting.iter().filter(is_url).collect();
    for mode in ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] {
        let end = format!("/postgres?ssl={mode}");
        assert!(urls.iter().any(|url| url.ends_with(&end)), "{mode}: {urls:#?}");
    }
    assert!(urls.iter().any(|url| url.ends_with("/postgres")), "default prefer: {urls:#?}");
    let mut command = person.command("openssl");
    command.env("SSL_CERT_FILE", &store).args(["s_client", "-starttls", "postgres"]);
    command.args(["-verify_return_error", "-verify_hostname", "localhost", "-connect", &address]);
    let output = support::output(&mut command);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_folder_that_cannot_be_used_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("p256")).expect("a folder");
    fs::write(folder.path().join("p256/root.key"), "rubbish").expect("a file");
    let mut serve = support::program();
    let output = support::output(serve.args(["serve", "--pki-dir"]).arg(folder.path()));
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("p256/root.key"), "{stderr}");
}
