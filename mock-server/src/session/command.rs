//! What a statement does, as far as a session here can tell.

use super::{
    refusal::{syntax_error, syntax_error_at_end, unsupported},
    select::{self, Select},
    token::{Token, value_text},
    words::{Words, near},
};
use crate::protocol::report::Report;

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    Begin {
        tag: &'static str,
    },
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    Set {
        name: String,
        value: Option<String>,
    },
    /// `None` for all.
    Reset(Option<String>),
    /// `None` for all.
    Show(Option<String>),
    /// A prepared statement's name; `None` for all.
    Deallocate(Option<String>),
    DiscardAll,
    /// Done by saying so.
    Nothing {
        tag: &'static str,
    },
    Select(Select),
}

impl Command {
    /// Whether it may run in a transaction that failed.
    pub(super) const fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback | Self::RollbackTo(_))
    }
}

/// Reads a statement whose parentheses match.
///
/// # Errors
/// 42601 where the tokens are no SQL, 0A000 where they are some that is not done here.
pub(super) fn command(tokens: &[Token]) -> Result<Command, Report> {
    let mut words = Words(tokens);
    let verb = match tokens.first() {
        Some(Token::Word(verb)) => verb.as_str(),
        Some(Token::Symbol('(')) => return Err(unsupported("a query in parentheses")),
        Some(other) => return Err(near(other)),
        None => return Err(syntax_error_at_end()),
    };
    words.skip(verb);
    Ok(match verb {
        "select" => Command::Select(select::select(words.0)?),
        "with" => Command::Select(select::with(words.0)?),
        "begin" => Command::Begin { tag: "BEGIN" },
        "start" if words.skip("transaction") => Command::Begin { tag: "START TRANSACTION" },
        "commit" | "end" | "rollback" | "abort" if words.skip("prepared") => {
            return Err(unsupported("two-phase commit"));
        }
        "commit" | "end" => Command::Commit,
        "rollback" | "abort" => {
            let _ = words.skip("work") || words.skip("transaction");
            if words.skip("to") {
                words.skip("savepoint");
                Command::RollbackTo(words.name()?)
            } else {
                Command::Rollback
            }
        }
        "savepoint" => Command::Savepoint(words.name()?),
        "release" => {
            words.skip("savepoint");
            Command::Release(words.name()?)
        }
        "set" => set(words)?,
        "reset" if words.skip("all") => Command::Reset(None),
        "reset" => Command::Reset(Some(words.setting()?)),
        "show" if words.skip("all") => Command::Show(None),
        "show" => Command::Show(Some(words.setting()?)),
        "deallocate" => {
            words.skip("prepare");
            if words.skip("all") {
                Command::Deallocate(None)
            } else {
                Command::Deallocate(Some(words.name()?))
            }
        }
        "discard" => match words.name()?.as_str() {
            "all" => Command::DiscardAll,
            "plans" => Command::Nothing { tag: "DISCARD PLANS" },
            "sequences" => Command::Nothing { tag: "DISCARD SEQUENCES" },
            "temp" | "temporary" => Command::Nothing { tag: "DISCARD TEMP" },
            _ => return Err(syntax_error("syntax error in DISCARD")),
        },
        "listen" => {
            words.name()?;
            Command::Nothing { tag: "LISTEN" }
        }
        "unlisten" => Command::Nothing { tag: "UNLISTEN" },
        "close" if words.skip("all") => Command::Nothing { tag: "CLOSE CURSOR ALL" },
        "copy" => return Err(unsupported("COPY")),
        verb if KNOWN_VERBS.contains(&verb) => return Err(unsupported(&verb.to_uppercase())),
        _ => return Err(near(&tokens[0])),
    })
}

/// Verbs of PostgreSQL's SQL that are not done here.
const KNOWN_VERBS: [&str; 42] = [
    "alter",
    "analyze",
    "call",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "create",
    "declare",
    "delete",
    "do",
    "drop",
    "execute",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "repack",
    "revoke",
    "security",
    "start",
    "table",
    "truncate",
    "update",
    "vacuum",
    "values",
    "wait",
    "deallocate",
    "discard",
    "listen",
    "reset",
    "show",
];

fn set(mut words: Words<'_>) -> Result<Command, Report> {
    let nothing = Command::Nothing { tag: "SET" };
    let session = words.skip("session");
    if session && (words.skip("characteristics") || words.skip("authorization")) {
        return Ok(nothing);
    }
    let _ = session || words.skip("local");
    if words.skip("transaction") || words.skip("constraints") || words.skip("role") {
        return Ok(nothing);
    }
    let (name, value) = if words.skip("names") {
        ("client_encoding".to_owned(), words.0)
    } else if words.0.first().is_some_and(|word| word.is_word("time")) {
        (words.setting()?, words.0)
    } else {
        let name = words.dotted()?;
        match words.0.split_first() {
            Some((token, value)) if token.is_word("to") || token.is_symbol('=') => (name, value),
            Some((token, _)) => return Err(near(token)),
            None => return Err(syntax_error_at_end()),
        }
    };
    let value = match value {
        [] => return Err(syntax_error_at_end()),
        [word] if word.is_word("default") => None,
        tokens => Some(tokens.iter().map(value_text).collect::<String>()),
    };
    Ok(Command::Set { name, value })
}
