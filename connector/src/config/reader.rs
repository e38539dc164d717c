//! Reads values by their parameters' names, as types.

use std::time::Duration;

use super::conninfo::Config;
use super::redact::shown;
use super::values::TlsVersion;
use crate::error::Error;

/// Reads values as types.
pub(super) struct Reader<'a> {
    pub(super) config: &'a Config,
}

impl<'a> Reader<'a> {
    /// The value as it is; none where it is empty, which libpq takes for "not set".
    pub(super) fn named(&self, key: &'static str) -> Option<&'a str> {
        self.config.value(key).filter(|value| !value.is_empty())
    }

    pub(super) fn choice<T: Copy>(
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

    pub(super) fn integer(&self, key: &'static str) -> Result<Option<i64>, Error> {
        match self.config.value(key).map(str::trim) {
            None | Some("") => Ok(None),
            Some(value) => value.parse::<i32>().map(|number| Some(number.into())).map_err(|_| {
                Error::configuration(format!("{key} must be an integer, not {}", shown(value)))
            }),
        }
    }

    /// A time in seconds; nothing, zero and less leave the system's default.
    pub(super) fn seconds(&self, key: &'static str) -> Result<Option<Duration>, Error> {
        Ok(self
            .integer(key)?
            .and_then(|n| u64::try_from(n).ok())
            .filter(|&n| n > 0)
            .map(Duration::from_secs))
    }

    /// Absent, or present and perhaps empty ("no bound"). Case does not count, as in libpq.
    pub(super) fn tls_version(
        &self,
        key: &'static str,
    ) -> Result<Option<Option<TlsVersion>>, Error> {
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
    pub(super) fn list(&self, key: &'static str) -> Vec<String> {
        match self.config.value(key) {
            None | Some("") => Vec::new(),
            Some(value) => value.split(',').map(str::to_owned).collect(),
        }
    }
}
