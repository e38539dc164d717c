//! The command that shows a cell again: the same client, by the same reference.

use std::collections::HashMap;

use crate::foreign::Foreign;

/// What a cell's id does not say of the run that it is from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    shims: HashMap<String, String>,
    flags: String,
}

impl Again {
    /// These flags behind each command, such as `--libpq 15`.
    #[must_use]
    pub fn with_flag(mut self, name: &str, value: &str) -> Self {
        self.flags = format!("{} {name} {}", self.flags, quoted(value));
        self
    }

    /// The stack of that name is the shim that this command line starts.
    #[must_use]
    pub fn with_shim(mut self, stack: &str, command: &str) -> Self {
        self.shims.insert(stack.to_owned(), command.to_owned());
        self
    }

    /// The command for the counterexample of that stack in that file, ready for a shell.
    #[must_use]
    pub fn replay(&self, stack: &str, file: &str) -> String {
        let shim = self.shims.get(stack);
        let shim = shim.map(|command| format!(" --shim {}", quoted(command))).unwrap_or_default();
        format!("pgtls replay {}{shim}{}", quoted(file), self.flags)
    }

    /// The command for the cell of that stack with that id, ready for a shell.
    #[must_use]
    pub fn command(&self, stack: &str, id: &str) -> String {
        let shim = self.shims.get(stack);
        let shim = shim.map(|command| format!("--shim {} ", quoted(command))).unwrap_or_default();
        format!("pgtls run {shim}{}{}", in_quotes(id), self.flags)
    }
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    in_quotes(word)
}

/// In quotes; where something in the word is out of sight, as the bytes that it stands for, which
/// bash, zsh, ksh and every shell by POSIX.1-2024 read.
fn in_quotes(word: &str) -> String {
    if Foreign(word).to_string() == word {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let bytes = word.bytes().map(|byte| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        // Of three digits, so that no digit behind it is taken for its own.
        _ => format!("\\{byte:03o}"),
    });
    format!("$'{}'", bytes.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_client_and_reference() {
        let id = "shim:sslmode=require";
        assert_eq!(Again::default().command("shim", id), "pgtls run 'shim:sslmode=require'");
        let again = Again::default()
            .with_shim("shim", "python3 'my shim.py'")
            .with_flag("--libpq", "15")
            .with_flag("--shims", "/other place");
        assert_eq!(
            again.command("shim", id),
            r"pgtls run --shim 'python3 '\''my shim.py'\''' 'shim:sslmode=require' --libpq 15 --shims '/other place'"
        );
        assert_eq!(
            again.command("libpq/psql", "libpq/psql:default"),
            "pgtls run 'libpq/psql:default' --libpq 15 --shims '/other place'"
        );
        let hidden = Again::default().with_shim("shim", "it's \u{9b}1\n\\");
        assert_eq!(
            hidden.command("shim", id),
            r"pgtls run --shim $'it\'s \302\2331\012\\' 'shim:sslmode=require'"
        );
    }
}
