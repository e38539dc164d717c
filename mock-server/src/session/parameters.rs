//! The session's parameters: what ParameterStatus reports, SET sets and SHOW shows.

use std::borrow::Cow;

use super::{limits::MAX_REMEMBERED, refusal::too_much};
use crate::protocol::{backend, report::Report, startup::StartupMessage};

/// The longest value of a parameter, in bytes.
const MAX_VALUE: usize = 10_000;
/// How much all parameters together may hold, in bytes: SHOW ALL tells them in one piece.
const MAX_ALL: usize = 256 * 1024;

/// The version that the server says it is.
pub(crate) const SERVER_VERSION: &str = "18.4";
/// The same as a number.
const SERVER_VERSION_NUM: &str = "180004";

/// Those that PostgreSQL 18 reports by ParameterStatus, with their values after a login.
const REPORTED: [(&str, &str); 15] = [
    ("application_name", ""),
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_read_only", "off"),
    ("in_hot_standby", "off"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("scram_iterations", "4096"),
    ("search_path", "\"$user\", public"),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("session_authorization", ""),
    ("standard_conforming_strings", "on"),
    ("TimeZone", "Etc/UTC"),
];

/// Others that drivers ask for.
const SHOWN: [(&str, &str); 16] = [
    ("bytea_output", "hex"),
    ("client_min_messages", "notice"),
    ("default_transaction_deferrable", "off"),
    ("default_transaction_isolation", "read committed"),
    ("extra_float_digits", "1"),
    ("jit", "on"),
    ("lc_messages", "C"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("row_security", "on"),
    ("server_version_num", SERVER_VERSION_NUM),
    ("ssl", "on"),
    ("statement_timeout", "0"),
    ("transaction_deferrable", "off"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "off"),
];

/// The session's parameters as ParameterStatus reports them, and who asked for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameters {
    user: String,
    database: String,
    settings: Vec<Setting>,
    /// What they hold, in bytes.
    size: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
    default: Cow<'static, str>,
    reported: bool,
    /// Set to another value since it was last reported.
    changed: bool,
}

impl Parameters {
    /// PostgreSQL's own, with what the StartupMessage asked for (its `options` included), of a
    /// server that has TLS or not.
    #[must_use]
    pub(crate) fn new(startup: &StartupMessage, tls: bool) -> Self {
        let setting = |reported| {
            move |&(name, value): &(&'static str, &'static str)| Setting {
                name: name.into(),
                value: value.into(),
                default: value.into(),
                reported,
                changed: false,
            }
        };
        let user = startup.parameter("user").unwrap_or_default().to_owned();
        let database = startup.parameter("database").filter(|name| !name.is_empty());
        let database = database.unwrap_or(&user).to_owned();
        let settings =
            REPORTED.iter().map(setting(true)).chain(SHOWN.iter().map(setting(false))).collect();
        let mut own = Self { user, database, settings, size: 0 };
        own.weigh();
        own.set_at_login("session_authorization", &own.user.clone());
        if !tls {
            own.set_at_login("ssl", "off");
        }
        for (name, value) in startup.parameters() {
            match name {
                "user" | "database" | "replication" => {}
                "options" => own.set_options(value),
                name if name.starts_with("_pq_.") => {}
                name => own.set_at_login(name, value),
            }
        }
        for setting in &mut own.settings {
            setting.default.clone_from(&setting.value);
            setting.changed = false;
        }
        own.weigh();
        own
    }

    fn weigh(&mut self) {
        let settings: usize = self.settings.iter().map(Setting::size).sum();
        self.size = self.user.len() + self.database.len() + settings;
    }

    /// Appends a ParameterStatus for each one that PostgreSQL reports.
    pub(crate) fn report(&self, out: &mut Vec<u8>) {
        for setting in self.settings.iter().filter(|setting| setting.reported) {
            backend::parameter_status(out, &*setting.name, &*setting.value);
        }
    }

    /// Appends a ParameterStatus for each reported one that was set to another value since.
    pub(super) fn report_changes(&mut self, out: &mut Vec<u8>) {
        for setting in self.settings.iter_mut().filter(|setting| setting.reported) {
            if std::mem::take(&mut setting.changed) {
                backend::parameter_status(out, &*setting.name, &*setting.value);
            }
        }
    }

    /// What they hold, in bytes.
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// What they will hold at most once this is set.
    pub(super) fn size_with(&self, name: &str, value: &str) -> usize {
        self.size + size_of::<Setting>() + name.len() + 2 * value.len()
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// A parameter's name as PostgreSQL spells it, and its value.
    pub(super) fn show(&self, name: &str) -> Option<(&str, &str)> {
        self.settings
            .iter()
            .find(|setting| setting.name.eq_ignore_ascii_case(name))
            .map(|setting| (&*setting.name, &*setting.value))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|setting| (&*setting.name, &*setting.value))
    }

    /// Sets a parameter. One that is not known here is remembered: PostgreSQL has hundreds.
    ///
    /// # Errors
    /// When there are too many, or the value is too long, to be remembered.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Report> {
        if value.len() > MAX_VALUE {
            return Err(too_much("a parameter of more than 10000 bytes"));
        }
        let known = self.settings.iter().position(|own| own.name.eq_ignore_ascii_case(name));
        let full = known.is_none() && self.settings.len() >= MAX_REMEMBERED;
        if full || self.size_with(name, value) > MAX_ALL {
            return Err(too_much("parameters"));
        }
        let index = known.unwrap_or_else(|| {
            self.settings.push(Setting {
                name: name.to_lowercase().into(),
                value: Cow::default(),
                default: Cow::default(),
                reported: false,
                changed: false,
            });
            self.settings.len() - 1
        });
        let setting = &mut self.settings[index];
        self.size -= if known.is_some() { setting.size() } else { 0 };
        let value = canonical(&setting.name, value);
        setting.changed |= setting.value != value;
        setting.value = value.into();
        self.size += setting.size();
        Ok(())
    }

    /// Sets a parameter that a first packet brought: too small for one that cannot be remembered
    /// to matter.
    fn set_at_login(&mut self, name: &str, value: &str) {
        if let Err(report) = self.set(name, value) {
            tracing::debug!(name, reason = report.message, "not remembered");
        }
    }

    /// Gives a parameter back the value that it had after the login.
    pub(super) fn reset(&mut self, name: &str) {
        let known = self.settings.iter_mut().find(|own| own.name.eq_ignore_ascii_case(name));
        if let Some(setting) = known {
            self.size -= setting.size();
            setting.reset();
            self.size += setting.size();
        }
    }

    pub(super) fn reset_all(&mut self) {
        for setting in &mut self.settings {
            self.size -= setting.size();
            setting.reset();
            self.size += setting.size();
        }
    }

    /// `-c name=value` and `--name=value`, as on the server's command line.
    fn set_options(&mut self, options: &str) {
        let mut words = options.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let assignment = match word.strip_prefix("--") {
                Some(assignment) => Some(assignment),
                None if word == "-c" => words.next(),
                None => word.strip_prefix("-c"),
            };
            if let Some((name, value)) = assignment.and_then(|text| text.split_once('=')) {
                self.set_at_login(&name.replace('-', "_"), value);
            }
        }
    }
}

impl Setting {
    /// What it holds, in bytes; a text of the program's own is counted too.
    fn size(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.value.len() + self.default.len()
    }

    fn reset(&mut self) {
        self.changed |= self.value != self.default;
        self.value.clone_from(&self.default);
    }
}

/// A value as PostgreSQL would report it: drivers insist on some spellings.
fn canonical(name: &str, value: &str) -> String {
    match name {
        "client_encoding" => {
            let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
            match plain.to_ascii_uppercase().as_str() {
                "UNICODE" => "UTF8".to_owned(),
                "SQLASCII" => "SQL_ASCII".to_owned(),
                plain => plain.to_owned(),
            }
        }
        "DateStyle" if !value.contains(',') => {
            let style = if value.eq_ignore_ascii_case("iso") { "ISO" } else { value };
            format!("{style}, MDY")
        }
        "TimeZone" if value.eq_ignore_ascii_case("utc") => "UTC".to_owned(),
        _ => value.to_owned(),
    }
}
