//! The machine's psql, which is libpq at its barest.

use std::{
    env,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    sync::OnceLock,
};

use pgtls_conformance::{
    Written,
    shim::{CONTRACT, ClientError, Connect, Hello, Outcome, Supports},
};
use tokio::process::Command;

use crate::conninfo::conninfo;

/// A psql on PATH that is a program; Debian's first one is a script that finds the real one, at
/// ten times the cost. Looked for once: a process asks it many times.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(find_program).as_deref()
}

fn find_program() -> Option<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join("psql"))
        .find(|path| path.is_file())?;
    let real = is_script(&on_path).then(debian_program).flatten();
    Some(real.unwrap_or(on_path))
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut start).is_ok()) && start == *b"#!"
}

fn debian_program() -> Option<PathBuf> {
    let mut versions: Vec<(u16, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let path = entry.path().join("bin/psql");
            path.is_file().then_some((version, path))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, path)| path)
}

pub(super) async fn hello() -> Result<Hello, String> {
    let program = program().ok_or("no psql on PATH")?;
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| format!("could not start {}: {error}", program.display()))?;
    // psql (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(2).unwrap_or_default().to_owned();
    let major = version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|major| major.parse::<u16>().ok());
    let major = major.ok_or_else(|| format!("wanted psql's version, got `{}`", text.trim()))?;
    Ok(Hello {
        contract: CONTRACT,
        name: "psql".to_owned(),
        version,
        tls: "OpenSSL, as libpq was built with".to_owned(),
        supports: Supports {
            sslmode: Supports::all_modes(),
            sslnegotiation: since(major, &[("postgres", 0), ("direct", 17)]),
            sslrootcert: since(major, &[("file", 0), ("system", 16)]),
            channel_binding: since(major, &[("prefer", 0), ("disable", 13), ("require", 13)]),
            hostaddr: true,
            sslcert: true,
            sslcrl: true,
            // psql cancels when its user interrupts it, and a program is not its user.
            cancel: false,
            ..Supports::default()
        },
        libpq: Some(major),
    })
}

/// Those values that this major version has, each with the first that does.
fn since<T: FromStr>(major: u16, values: &[(&str, u16)]) -> Vec<Written<T>> {
    let known = values.iter().filter(|(_, since)| major >= *since);
    known.map(|(value, _)| Written::read(value)).collect()
}

pub(super) async fn connect(request: &Connect) -> Outcome {
    let Some(program) = program() else {
        return Outcome::unsupported("no psql on PATH");
    };
    if request.then.is_some() {
        return Outcome::unsupported("psql cancels only when its user interrupts it");
    }
    let output = Command::new(program)
        .args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--field-separator=\u{1f}"])
        .args(["--set", "VERBOSITY=verbose", "--no-password", "--command", &request.query])
        .arg(without_password(request))
        .env("PGPASSWORD", &request.password)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = match output {
        Ok(output) => output,
        Err(error) => return Outcome::failed("io", &error),
    };
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        let rows =
            text.lines().map(|line| line.split('\u{1f}').map(str::to_owned).collect()).collect();
        return Outcome::Connected { tls: None, rows };
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Outcome::Failed { error: ClientError { class: format!("psql {}", output.status), message } }
}

/// Everything but the password, which other users of the machine could see in a command line.
fn without_password(request: &Connect) -> String {
    let settings: Vec<_> = request.settings().filter(|(key, _)| *key != "password").collect();
    conninfo(settings.iter().map(|(key, value)| (*key, value.as_str())))
}
