//! What a user may set: connection strings, setters, the environment and the home folder when asked to.

mod keyvalue;
mod parameter;
mod settings;
mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Error;
use parameter::{PARAMETERS, Support};

pub(crate) use settings::{
    Binding, Identity, ListFile, Revocation, RootSource, SessionAttrs, Settings, SystemStore,
    TcpOptions, TlsVersion,
};

/// How much protection to ask for: libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[non_exhaustive]
pub enum SslMode {
    /// Plaintext only.
    Disable,
    /// Plaintext first; TLS if the server rejects that.
    Allow,
    /// TLS first; plaintext if there is none or it fails. libpq's default, and no protection against anybody active.
    #[default]
    Prefer,
    /// TLS only; the certificate is verified if (and only if) there is a root file.
    Require,
    /// TLS only, with a certificate that chains to the root file.
    VerifyCa,
    /// The same, and the host must be named in the certificate.
    VerifyFull,
}

impl SslMode {
    /// The word for it in connection strings.
    pub fn as_str(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Allow => "allow",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }

    /// Whether the mode wants the certificate verified whatever else is set.
    pub(crate) fn verifies(self) -> bool {
        self >= SslMode::VerifyCa
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Connection settings as the user gave them.
///
/// Parse one from a connection string, change it with [`set`](Config::set), and hand it to
/// [`Connector::from_config`](crate::Connector::from_config), which checks the values.
///
/// ```
/// let config: pgtls_connector::Config = "host=db.example user=app sslmode=verify-full".parse()?;
/// let config = config.set("sslrootcert", "/etc/ssl/db-ca.pem")?.set("connect_timeout", "5")?;
/// # Ok::<(), pgtls_connector::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a configuration connects nothing by itself; give it to Connector::from_config"]
pub struct Config {
    values: BTreeMap<&'static str, String>,
    /// Lower in rank than `values`, whatever the order of the calls.
    environment: BTreeMap<&'static str, String>,
    home: Option<PathBuf>,
    root_pem: Option<Vec<u8>>,
    system_store: Option<Vec<PathBuf>>,
    identity_pem: Option<(Vec<u8>, Vec<u8>)>,
}

impl Config {
    /// No setting at all.
    pub fn new() -> Config {
        Config::default()
    }

    /// Sets one parameter by its name in connection strings; the last value counts.
    ///
    /// # Errors
    /// A name that libpq does not know, or a parameter (or a value of it) that this crate does not support; the
    /// list is in [`guide::parameters`](crate::guide::parameters). The other values are checked when the
    /// [`Connector`](crate::Connector) is made.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Result<Config, Error> {
        let value = value.into();
        // libpq's old spelling, which it still takes.
        if key == "requiressl" {
            return self.set("sslmode", if value.starts_with('1') { "require" } else { "prefer" });
        }
        let key = accept(key, &value)?;
        self.values.insert(key, value);
        Ok(self)
    }

    /// Sets the mode.
    pub fn ssl_mode(mut self, mode: SslMode) -> Config {
        self.values.insert("sslmode", mode.as_str().to_owned());
        self
    }

    /// The root certificates as PEM text, in place of a root file. They imply no mode: say `verify-full` with them.
    ///
    /// They go before the environment's `PGSSLROOTCERT` (of which `system` still makes `verify-full` the default);
    /// `sslrootcert` set beside them is an error.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Config {
        self.root_pem = Some(pem.into());
        self
    }

    /// What `sslrootcert=system` is to mean: the certificates in these files (PEM), whatever the platform's store holds
    /// and the environment's `SSL_CERT_FILE` and `SSL_CERT_DIR` name. It asks for nothing by itself.
    ///
    /// As for the platform's store, a file or a certificate that cannot be read is left out, with a warning, and without
    /// any certificate no server is trusted. The files are read anew at every connection.
    pub fn system_store(mut self, files: impl IntoIterator<Item = impl Into<PathBuf>>) -> Config {
        self.system_store = Some(files.into_iter().map(Into::into).collect());
        self
    }

    /// The client certificate (and the chain behind it) and its key as PEM text, in place of `sslcert` and `sslkey`,
    /// which beside it are an error.
    pub fn client_certificate_pem(
        mut self,
        chain: impl Into<Vec<u8>>,
        key: impl Into<Vec<u8>>,
    ) -> Config {
        self.identity_pem = Some((chain.into(), key.into()));
        self
    }

    /// Takes what is not set otherwise from libpq's environment variables (`PGHOST`, `PGSSLMODE`, …), as they are now.
    ///
    /// # Errors
    /// A variable that asks for something this crate does not do (`PGSERVICE`, say; `PGPASSFILE` and `PGSERVICEFILE`
    /// whatever they name), or that is not UTF-8. Not looked at: `PGTZ`, `PGDATESTYLE` and `PGGEQO`, which set up the
    /// session and not the connection.
    pub fn with_environment(self) -> Result<Config, Error> {
        self.with_variables(|name| match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Error::configuration(format!("{name} is not UTF-8")))
            }
        })
    }

    fn with_variables(
        mut self,
        variable: impl Fn(&'static str) -> Result<Option<String>, Error>,
    ) -> Result<Config, Error> {
        for known in PARAMETERS {
            if let Some(name) = known.variable
                && let Some(value) = variable(name)?
            {
                let key = accept(known.key, &value)?;
                self.environment.insert(key, value);
            }
        }
        if !self.environment.contains_key("sslmode")
            && variable("PGREQUIRESSL")?.is_some_and(|value| value.starts_with('1'))
        {
            self.environment.insert("sslmode", "require".to_owned());
        }
        Ok(self)
    }

    /// Takes `root.crt`, `root.crl`, `postgresql.crt` and `postgresql.key` from the folder `.postgresql` in `home`,
    /// where they exist and nothing else names such a file. Nothing is read there otherwise.
    ///
    /// On Windows the folder is `postgresql`, and libpq's `home` is what `APPDATA` names.
    pub fn with_home(mut self, home: impl AsRef<Path>) -> Config {
        self.home =
            Some(home.as_ref().join(if cfg!(windows) { "postgresql" } else { ".postgresql" }));
        self
    }

    /// What holds for this parameter: what was set, or else what the environment said.
    fn value(&self, key: &'static str) -> Option<&str> {
        self.values.get(key).or_else(|| self.environment.get(key)).map(String::as_str)
    }
}

/// The key as the table spells it, if it and the value can be taken.
fn accept(key: &str, value: &str) -> Result<&'static str, Error> {
    let known = parameter::known(key).ok_or_else(|| {
        Error::configuration(format!("there is no connection parameter {}", shown(key)))
    })?;
    match known.support {
        Support::Yes => Ok(known.key),
        // Where libpq's own default is meant, nothing is asked.
        Support::Only(_) | Support::No if value.is_empty() => Ok(known.key),
        Support::Only(values) if values.contains(&value) => Ok(known.key),
        Support::Only(values) => Err(Error::configuration(format!(
            "{key} may only be {} here, not {}",
            values.join(" or "),
            shown(value)
        ))),
        Support::No => Err(Error::configuration(format!("{key} is not supported"))),
    }
}

/// A word of the user's as an error may repeat it. What cannot be a name or a number may be a piece of a password that
/// was not quoted or not encoded, and an error ends in a log.
fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match word.len() <= 40 && word.chars().all(plain) {
        true => format!("\"{word}\""),
        false => "what is given (it is not shown, as a password may be in it)".to_owned(),
    }
}

/// Whether this is a URL of another kind (`jdbc:postgresql://`, `postgresql+psycopg://`), and no pair.
fn is_foreign_url(text: &str) -> bool {
    let word = text.trim_start().split(|c: char| c == '=' || c.is_ascii_whitespace()).next();
    !url::is_url(text) && word.is_some_and(|word| word.contains("://"))
}

impl FromStr for Config {
    type Err = Error;

    /// A `postgres://` or `postgresql://` URL, or a string of `key=value` pairs.
    fn from_str(text: &str) -> Result<Config, Error> {
        if is_foreign_url(text) {
            return Err(Error::configuration(
                "a connection URL begins with postgres:// or postgresql://",
            ));
        }
        let pairs = if url::is_url(text) { url::parse(text) } else { keyvalue::parse(text) };
        let pairs = pairs.map_err(Error::configuration)?;
        pairs.into_iter().try_fold(Config::new(), |config, (key, value)| config.set(&key, value))
    }
}

/// Secrets are left out.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |values: &BTreeMap<&'static str, String>| {
            values
                .iter()
                .map(|(key, value)| {
                    (*key, if *key == "password" { "_".to_owned() } else { value.clone() })
                })
                .collect::<BTreeMap<_, _>>()
        };
        f.debug_struct("Config")
            .field("values", &shown(&self.values))
            .field("environment", &shown(&self.environment))
            .field("home", &self.home)
            .field("root_pem", &self.root_pem.is_some())
            .field("system_store", &self.system_store)
            .field("identity_pem", &self.identity_pem.is_some())
            .finish()
    }
}
