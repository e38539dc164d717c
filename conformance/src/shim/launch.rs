//! How a shim is started, and what it finds around it.

use std::{ffi::OsString, path::PathBuf};

use super::error::ShimError;

/// How a shim is started: a command, and what its manifest adds to the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Further variables.
    pub variables: Vec<(OsString, OsString)>,
}

impl Launch {
    /// A command line, split into words as a POSIX shell does it: quotes and backslashes keep a word
    /// together, and nothing is expanded.
    ///
    /// # Errors
    ///
    /// If a quote is left open or no program is named; the text says so.
    pub fn from_command_line(text: &str) -> Result<Self, ShimError> {
        let mut words =
            shlex::split(text).ok_or_else(|| ShimError::CommandLine(text.to_owned()))?.into_iter();
        let program = words.next().ok_or_else(|| ShimError::CommandLine(text.to_owned()))?;
        Ok(Self {
            program: program.into(),
            arguments: words.map(OsString::from).collect(),
            variables: Vec::new(),
        })
    }
}

/// What a shim's process finds around it, beside PATH, LANG and its manifest's variables.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientEnvironment {
    /// SSL_CERT_FILE: the right authority in `system` cells, an empty file elsewhere.
    pub ssl_cert_file: PathBuf,
    /// SSL_CERT_DIR: an empty folder.
    pub ssl_cert_dir: PathBuf,
    /// The folder in which each process gets a HOME of its own, an empty folder.
    pub homes: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_split_as_by_a_shell() {
        let launch =
            Launch::from_command_line(r#"python3 'my shim.py' --x="a b" \ "#).expect("words");
        assert_eq!(launch.program, "python3");
        assert_eq!(launch.arguments, ["my shim.py", "--x=a b", " "]);
        for text in ["open 'quote", "  ", ""] {
            let error = Launch::from_command_line(text).expect_err("no command").to_string();
            assert_eq!(error, format!("wanted a command line, got `{text}`"));
        }
    }
}
