//! The settings as types: every value parsed, libpq's checks made, nothing left to look up but files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, SslMode, shown};
use crate::Error;
use crate::endpoint::Endpoint;
use crate::names;

/// Where the trust anchors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootSource {
    None,
    /// It need not exist: what then happens depends on the mode.
    File(PathBuf),
    Pem(Vec<u8>),
    System(SystemStore),
}

/// What `sslrootcert=system` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SystemStore {
    /// What the platform has, and `SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set.
    Platform,
    /// The certificates in these files, whatever the platform and the environment have.
    Files(Vec<PathBuf>),
}

/// Where the client certificate and its key come from.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    None,
    /// No certificate is shown if that file does not exist.
    Files {
        certificate: PathBuf,
        key: Option<PathBuf>,
    },
    Pem {
        chain: Vec<u8>,
        key: Vec<u8>,
    },
}

/// The revocation lists to check against.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Revocation {
    /// Missing or empty: as if there were none.
    pub(crate) file: Option<ListFile>,
    pub(crate) folder: Option<PathBuf>,
}

/// A file of revocation lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListFile {
    /// By `sslcrl`: somebody means it.
    Named(PathBuf),
    /// `root.crl` in the home folder, which hardly anybody has.
    AtHome(PathBuf),
}

impl ListFile {
    pub(crate) fn path(&self) -> &Path {
        match self {
            ListFile::Named(path) | ListFile::AtHome(path) => path,
        }
    }
}

/// A TLS version by which to bound the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsVersion {
    V1_0,
    V1_1,
    V1_2,
    V1_3,
}

/// What to make of channel binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// Which session is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// What is set on a TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TcpOptions {
    pub(crate) keepalives: bool,
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
    pub(crate) user_timeout: Option<Duration>,
}

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
        given_once(config)?;
        let root = root_source(config);
        let mode = match read.choice("sslmode", MODES)? {
            Some(mode) => mode,
            // Also where PEM text goes before the environment's `system`: a mode is not weakened in passing.
            None if named(config, "sslrootcert") == Some("system") => SslMode::VerifyFull,
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
            targets: targets(&read)?,
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
            identity: identity(config),
            revocation: revocation(config),
            // By its first byte, as libpq reads it (`initialize_SSL`).
            sni: config.value("sslsni").is_none_or(|value| value.starts_with('1')),
            min_version,
            max_version,
            binding,
            login: login(config, binding),
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

/// Reads values as types.
struct Reader<'a> {
    config: &'a Config,
}

impl Reader<'_> {
    fn choice<T: Copy>(
        &self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Error> {
        let Some(value) = self.config.value(key) else { return Ok(None) };
        match choices.iter().find(|(word, _)| *word == value) {
            Some((_, choice)) => Ok(Some(*choice)),
            None => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                Err(Error::configuration(format!(
                    "{key} may be {}, not {}",
                    words.join(", "),
                    shown(value)
                )))
            }
        }
    }

    fn integer(&self, key: &'static str) -> Result<Option<i64>, Error> {
        match self.config.value(key).map(str::trim) {
            None | Some("") => Ok(None),
            Some(value) => value.parse::<i32>().map(|number| Some(number.into())).map_err(|_| {
                Error::configuration(format!("{key} must be an integer, not {}", shown(value)))
            }),
        }
    }

    /// A time in seconds; nothing, zero and less leave the system's default.
    fn seconds(&self, key: &'static str) -> Result<Option<Duration>, Error> {
        Ok(self
            .integer(key)?
            .and_then(|n| u64::try_from(n).ok())
            .filter(|&n| n > 0)
            .map(Duration::from_secs))
    }

    /// Absent, or present and perhaps empty ("no bound"). Case does not count, as in libpq.
    fn tls_version(&self, key: &'static str) -> Result<Option<Option<TlsVersion>>, Error> {
        let Some(value) = self.config.value(key) else { return Ok(None) };
        Ok(Some(match value.to_ascii_lowercase().as_str() {
            "" => None,
            "tlsv1" => Some(TlsVersion::V1_0),
            "tlsv1.1" => Some(TlsVersion::V1_1),
            "tlsv1.2" => Some(TlsVersion::V1_2),
            "tlsv1.3" => Some(TlsVersion::V1_3),
            _ => {
                return Err(Error::configuration(format!(
                    "{key} may be TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3, not {}",
                    shown(value)
                )));
            }
        }))
    }

    /// A comma-separated list; none where nothing is set.
    fn list(&self, key: &'static str) -> Vec<String> {
        match self.config.value(key) {
            None | Some("") => Vec::new(),
            Some(value) => value.split(',').map(str::to_owned).collect(),
        }
    }
}

/// The host list: `host`, `hostaddr` and `port` side by side, one port enough for all.
fn targets(read: &Reader<'_>) -> Result<Vec<Endpoint>, Error> {
    let (hosts, addresses, ports) = (read.list("host"), read.list("hostaddr"), read.list("port"));
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(Error::configuration(format!(
            "could not match {} host names to {} hostaddr values",
            hosts.len(),
            addresses.len()
        )));
    }
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(Error::configuration("no host is given: set host or hostaddr"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::configuration(format!(
            "could not match {} port numbers to {count} hosts",
            ports.len()
        )));
    }
    (0..count)
        .map(|index| {
            let name = hosts.get(index).cloned().unwrap_or_default();
            let port =
                parse_port(ports.get(index).or_else(|| ports.first()).map_or("", String::as_str))?;
            match addresses.get(index).filter(|address| !address.is_empty()) {
                Some(address) => {
                    let address = names::parse_ip(address).ok_or_else(|| {
                        Error::configuration(format!(
                            "hostaddr must be a numeric IP address, not {}",
                            shown(address)
                        ))
                    })?;
                    Ok(Endpoint::by_name(name, port).at(SocketAddr::new(address, port)))
                }
                None if name.starts_with('/') => Ok(Endpoint::in_folder(name, port)),
                None if name.starts_with('@') => Err(Error::configuration(
                    "Unix sockets in the abstract namespace are not supported",
                )),
                None if name.is_empty() => Err(Error::configuration("a host in the list is empty")),
                None => Ok(Endpoint::by_name(name, port)),
            }
        })
        .collect()
}

fn parse_port(text: &str) -> Result<u16, Error> {
    match text.trim() {
        "" => Ok(5432),
        text => text
            .parse()
            .ok()
            .filter(|&port| port > 0)
            .ok_or_else(|| Error::configuration("port must be a number from 1 to 65535")),
    }
}

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

fn named<'a>(config: &'a Config, key: &'static str) -> Option<&'a str> {
    config.value(key).filter(|value| !value.is_empty())
}

fn at_home(config: &Config, file: &str) -> Option<PathBuf> {
    config.home.as_ref().map(|home| home.join(file))
}

/// PEM text goes before the environment; beside a setting of the same rank nobody can tell which one is meant.
fn given_once(config: &Config) -> Result<(), Error> {
    let set = |key| config.values.get(key).is_some_and(|value| !value.is_empty());
    if config.root_pem.is_some() && set("sslrootcert") {
        return Err(Error::configuration(
            "the root certificates are given twice: as PEM text and by sslrootcert",
        ));
    }
    if config.identity_pem.is_some() && (set("sslcert") || set("sslkey")) {
        return Err(Error::configuration(
            "the client certificate is given twice: as PEM text and by sslcert or sslkey",
        ));
    }
    Ok(())
}

fn root_source(config: &Config) -> RootSource {
    match (&config.root_pem, named(config, "sslrootcert")) {
        (Some(pem), _) => RootSource::Pem(pem.clone()),
        (None, Some("system")) => RootSource::System(match &config.system_store {
            Some(files) => SystemStore::Files(files.clone()),
            None => SystemStore::Platform,
        }),
        (None, Some(path)) => RootSource::File(path.into()),
        (None, None) => at_home(config, "root.crt").map_or(RootSource::None, RootSource::File),
    }
}

fn identity(config: &Config) -> Identity {
    if config.value("sslcertmode") == Some("disable") {
        return Identity::None;
    }
    if let Some((chain, key)) = &config.identity_pem {
        return Identity::Pem { chain: chain.clone(), key: key.clone() };
    }
    let certificate =
        named(config, "sslcert").map(PathBuf::from).or_else(|| at_home(config, "postgresql.crt"));
    match certificate {
        Some(certificate) => {
            let key = named(config, "sslkey")
                .map(PathBuf::from)
                .or_else(|| at_home(config, "postgresql.key"));
            Identity::Files { certificate, key }
        }
        None => Identity::None,
    }
}

fn revocation(config: &Config) -> Revocation {
    let file = named(config, "sslcrl").map(|path| ListFile::Named(path.into()));
    let folder = named(config, "sslcrldir").map(PathBuf::from);
    match (&file, &folder) {
        (None, None) => {
            Revocation { file: at_home(config, "root.crl").map(ListFile::AtHome), folder: None }
        }
        _ => Revocation { file, folder },
    }
}

/// The part that tokio-postgres does. Its stream is negotiated before it gets it, which it knows as direct TLS.
fn login(config: &Config, binding: Binding) -> tokio_postgres::Config {
    use tokio_postgres::config;
    let mut login = tokio_postgres::Config::new();
    login
        .ssl_mode(config::SslMode::Require)
        .ssl_negotiation(config::SslNegotiation::Direct)
        .channel_binding(match binding {
            Binding::Disable => config::ChannelBinding::Disable,
            Binding::Prefer => config::ChannelBinding::Prefer,
            Binding::Require => config::ChannelBinding::Require,
        });
    if let Some(user) = named(config, "user") {
        login.user(user);
    }
    // To libpq an empty password is none.
    if let Some(password) = named(config, "password") {
        login.password(password);
    }
    if let Some(dbname) = named(config, "dbname") {
        login.dbname(dbname);
    }
    if let Some(options) = named(config, "options") {
        login.options(options);
    }
    if let Some(name) =
        named(config, "application_name").or_else(|| named(config, "fallback_application_name"))
    {
        login.application_name(name);
    }
    login
}

#[cfg(test)]
mod tests;
