//! The settings as types: every value parsed, libpq's checks made, nothing left to look up but files.

use std::time::Duration;

use super::conninfo::Config;
use super::mode::SslMode;
use super::reader::Reader;
use super::values::{
    Binding, Identity, Revocation, RootSource, SessionAttrs, TcpOptions, TlsVersion,
};
use super::{files, hosts, login};
use crate::endpoint::Endpoint;
use crate::error::Error;

/// Everything that one call of `connect` goes by.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) targets: Vec<Endpoint>,
    pub(crate) shuffle: bool,
    pub(crate) session: SessionAttrs,
    pub(crate) timeout: Option<Duration>,
    pub(crate) tcp: TcpOptions,
    pub(crate) mode: SslMode,
    /// TLS from the first byte, without an SSLRequest.
    pub(crate) direct: bool,
    pub(crate) root: RootSource,
    pub(crate) identity: Identity,
    pub(crate) revocation: Revocation,
    pub(crate) sni: bool,
    pub(crate) min_version: Option<TlsVersion>,
    pub(crate) max_version: Option<TlsVersion>,
    pub(crate) binding: Binding,
    /// User, password, database and the like; its own TLS settings say "already done".
    pub(crate) login: tokio_postgres::Config,
}

impl Settings {
    /// Reads the values, and makes the checks that libpq makes before it connects.
    pub(crate) fn resolve(config: &Config) -> Result<Settings, Error> {
        let read = Reader { config };
        files::given_once(&read)?;
        let root = files::root_source(&read);
        let mode = match read.choice("sslmode", MODES)? {
            Some(mode) => mode,
            // Also where PEM text goes before the environment's `system`: a mode is not weakened in passing.
            None if read.named("sslrootcert") == Some("system") => SslMode::VerifyFull,
            None => SslMode::default(),
        };
        let direct = read
            .choice("sslnegotiation", &[("postgres", false), ("direct", true)])?
            .unwrap_or(false);
        let weak = |setting: &str, than: &str| {
            Err(Error::configuration(format!(
                "weak sslmode \"{mode}\" may not be used with {setting} (use {than})"
            )))
        };
        if direct && mode < SslMode::Require {
            return weak("sslnegotiation=direct", "\"require\", \"verify-ca\" or \"verify-full\"");
        }
        if matches!(root, RootSource::System(_)) && mode != SslMode::VerifyFull {
            return weak("sslrootcert=system", "\"verify-full\"");
        }
        let min_version =
            read.tls_version("ssl_min_protocol_version")?.unwrap_or(Some(TlsVersion::V1_2));
        let max_version = read.tls_version("ssl_max_protocol_version")?.flatten();
        if let (Some(min), Some(max)) = (min_version, max_version)
            && min > max
        {
            return Err(Error::configuration(
                "ssl_min_protocol_version is above ssl_max_protocol_version",
            ));
        }
        let binding = read
            .choice(
                "channel_binding",
                &[
                    ("disable", Binding::Disable),
                    ("prefer", Binding::Prefer),
                    ("require", Binding::Require),
                ],
            )?
            .unwrap_or(Binding::Prefer);
        Ok(Settings {
            targets: hosts::endpoints(&read)?,
            shuffle: read
                .choice("load_balance_hosts", &[("disable", false), ("random", true)])?
                .unwrap_or(false),
            session: read.choice("target_session_attrs", SESSIONS)?.unwrap_or(SessionAttrs::Any),
            timeout: read
                .integer("connect_timeout")?
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|&seconds| seconds > 0)
                .map(Duration::from_secs),
            tcp: tcp_options(&read)?,
            mode,
            direct,
            root,
            identity: files::identity(&read),
            revocation: files::revocation(&read),
            // By its first byte, as libpq reads it (`initialize_SSL`).
            sni: config.value("sslsni").is_none_or(|value| value.starts_with('1')),
            min_version,
            max_version,
            binding,
            login: login::login(&read, binding),
        })
    }
}

const MODES: &[(&str, SslMode)] = &[
    ("disable", SslMode::Disable),
    ("allow", SslMode::Allow),
    ("prefer", SslMode::Prefer),
    ("require", SslMode::Require),
    ("verify-ca", SslMode::VerifyCa),
    ("verify-full", SslMode::VerifyFull),
];

const SESSIONS: &[(&str, SessionAttrs)] = &[
    ("any", SessionAttrs::Any),
    ("read-write", SessionAttrs::ReadWrite),
    ("read-only", SessionAttrs::ReadOnly),
    ("primary", SessionAttrs::Primary),
    ("standby", SessionAttrs::Standby),
    ("prefer-standby", SessionAttrs::PreferStandby),
];

fn tcp_options(read: &Reader<'_>) -> Result<TcpOptions, Error> {
    let count = match read.integer("keepalives_count")? {
        Some(count) => Some(count),
        None => read.integer("keepalives_retries")?,
    };
    Ok(TcpOptions {
        keepalives: read.integer("keepalives")? != Some(0),
        idle: read.seconds("keepalives_idle")?,
        interval: read.seconds("keepalives_interval")?,
        count: count.and_then(|count| u32::try_from(count).ok()).filter(|&count| count > 0),
        user_timeout: read
            .integer("tcp_user_timeout")?
            .and_then(|n| u64::try_from(n).ok())
            .filter(|&n| n > 0)
            .map(Duration::from_millis),
    })
}

#[cfg(test)]
mod tests;
