//! diesel's PostgreSQL connection, which is the system's libpq, over the shim contract.
#![deny(unsafe_code)]

mod fetch;

use std::path::PathBuf;

use diesel::{
    Connection as _, ConnectionError, PgConnection, RunQueryDsl as _, dsl::sql, sql_types::Integer,
};
use nix::unistd::{Uid, User};
use pgtls_shim::{Hello, Refusal, Request, Rows, SSLMODES, Supports, locked, variant};

const LOCK: &str = include_str!("../Cargo.lock");

fn main() {
    let libpq = libpq_version();
    let home = libpq < 150_000 && has_certificates_at_home();
    pgtls_shim::serve(&hello(libpq), || {
        Ok(|request: &Request| {
            if home {
                return Err(Refusal::Unsupported(
                    "this libpq would read ~/.postgresql without HOME".to_owned(),
                ));
            }
            connect(request)
        })
    });
}

fn hello(libpq: i32) -> Hello {
    let known = |values: &[(&'static str, i32)]| {
        values.iter().filter(|(_, since)| libpq >= *since).map(|(value, _)| *value).collect()
    };
    Hello {
        name: "diesel",
        version: locked(LOCK, "diesel"),
        tls: format!("libpq {}.{}", libpq / 10_000, libpq % 10_000),
        libpq: Some(libpq / 10_000),
        supports: Supports {
            sslmode: SSLMODES.to_vec(),
            sslnegotiation: known(&[("postgres", 0), ("direct", 170_000)]),
            sslrootcert: known(&[("file", 0), ("system", 160_000)]),
            channel_binding: known(&[("prefer", 0), ("disable", 130_000), ("require", 130_000)]),
            hostaddr: true,
            sslcert: true,
            sslcrl: true,
            // diesel has no cancel, and hides libpq's connection from applications.
            cancel: false,
        },
    }
}

fn connect(request: &Request) -> Result<Rows, Refusal> {
    let mut connection = PgConnection::establish(&conninfo(request)).map_err(|error| {
        let class = match &error {
            ConnectionError::CouldntSetupConfiguration(inner) => variant(inner),
            outer => variant(outer),
        };
        Refusal::failed(class, &error)
    })?;
    if !request.fetch.is_empty() {
        let rows = fetch::rows(&mut connection, request);
        return rows.map_err(|error| Refusal::failed(variant(&error), &error));
    }
    let numbers = sql::<Integer>(&request.query).load::<i32>(&mut connection);
    let numbers = numbers.map_err(|error| Refusal::failed(variant(&error), &error))?;
    Ok(numbers.iter().map(|number| vec![number.to_string()]).collect())
}

/// The settings that a request names, and no others, in libpq's notation.
fn conninfo(request: &Request) -> String {
    let text =
        |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
    let settings = [
        ("host", Some(request.host.clone())),
        ("hostaddr", request.hostaddr.clone()),
        ("port", Some(request.port.to_string())),
        ("user", Some(request.user.clone())),
        ("password", Some(request.password.clone())),
        ("dbname", Some(request.dbname.clone())),
        ("sslmode", request.sslmode.clone()),
        ("sslrootcert", request.sslrootcert.clone()),
        ("sslnegotiation", request.sslnegotiation.clone()),
        ("channel_binding", request.channel_binding.clone()),
        ("sslcert", text(&request.sslcert)),
        ("sslkey", text(&request.sslkey)),
        ("sslcrl", text(&request.sslcrl)),
        // libpq counts in whole seconds, and takes none for "for ever".
        ("connect_timeout", Some(request.timeout_ms.div_ceil(1000).max(1).to_string())),
    ];
    let quoted = |value: String| value.replace('\\', r"\\").replace('\'', r"\'");
    let settings =
        settings.into_iter().filter_map(|(key, value)| Some(format!("{key}='{}'", quoted(value?))));
    settings.collect::<Vec<_>>().join(" ")
}

/// Up to 14, libpq asks the user database where home is: the empty HOME does not shut these files out.
fn has_certificates_at_home() -> bool {
    let user = User::from_uid(Uid::current()).ok().flatten();
    user.is_some_and(|user| user.dir.join(".postgresql").exists())
}

/// The version of the libpq that runs, as 150018 for 15.18: diesel does not tell it.
fn libpq_version() -> i32 {
    #[expect(unsafe_code, reason = "a C function without arguments or conditions")]
    // SAFETY: PQlibVersion returns a constant.
    unsafe {
        pq_sys::PQlibVersion()
    }
}
