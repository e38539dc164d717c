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
    /// A command line, split at white space; quotes and backslashes keep it together as in a
    /// shell.
    ///
    /// # Errors
    ///
    /// If a quote is left open or no program is named; the text says so.
    pub fn from_command_line(text: &str) -> Result<Self, ShimError> {
        let mut words =
            split_words(text).ok_or_else(|| ShimError::CommandLine(text.to_owned()))?.into_iter();
        let program = words.next().ok_or_else(|| ShimError::CommandLine(text.to_owned()))?;
        Ok(Self {
            program: program.into(),
            arguments: words.map(OsString::from).collect(),
            variables: Vec::new(),
        })
    }
}

fn split_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
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
        assert_eq!(
            split_words(r#"python3 'my shim.py' --x="a b" \ "#),
            Some(["python3", "my shim.py", "--x=a b", " "].map(str::to_owned).into())
        );
        assert_eq!(split_words("open 'quote"), None);
        assert_eq!(split_words("  "), Some(Vec::new()));
    }
}
