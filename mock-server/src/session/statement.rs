//! What a statement asks for, as far as a session here can tell.

use super::{
    lexer::{Statements, Token, syntax_error},
    select::{self, Select},
    types::{self, Type},
};
use crate::protocol::backend::Report;

/// A statement that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) command: Command,
    /// The types of its parameters, by their oids.
    pub(super) parameters: Vec<u32>,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The statement that a text to be prepared holds, or `None` if it holds none.
///
/// # Errors
/// 42601 where the text is no SQL or more than one statement, 0A000 where it is SQL that is not
/// done here.
pub(super) fn single(sql: &str) -> Result<Option<Statement>, Report> {
    let mut statements = Statements::from(sql, 0);
    let mut single = None;
    while let Some(tokens) = statements.next()? {
        if tokens.is_empty() {
            continue;
        }
        if single.is_some() {
            return Err(syntax_error("cannot insert multiple commands into a prepared statement"));
        }
        single = Some(Statement { command: checked(&tokens)?, parameters: parameters(&tokens) });
    }
    Ok(single)
}

/// What a statement without parameters does.
///
/// # Errors
/// 42601 where the tokens are no SQL, 0A000 where they are some that is not done here.
pub(super) fn checked(tokens: &[Token]) -> Result<Command, Report> {
    check_parentheses(tokens)?;
    command(tokens)
}

/// The first parameter that a statement names: simple query has none to give.
pub(super) fn first_parameter(tokens: &[Token]) -> Option<u16> {
    tokens.iter().find_map(|token| match token {
        Token::Parameter(number) => Some(*number),
        _ => None,
    })
}

fn check_parentheses(tokens: &[Token]) -> Result<(), Report> {
    let mut depth = 0_usize;
    for token in tokens {
        match token {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| syntax_error("syntax error at or near \")\""))?;
            }
            _ => {}
        }
    }
    if depth == 0 { Ok(()) } else { Err(syntax_error("syntax error at end of input")) }
}

fn command(tokens: &[Token]) -> Result<Command, Report> {
    let mut words = Words(tokens);
    let verb = match tokens.first() {
        Some(Token::Word(verb)) => verb.as_str(),
        Some(Token::Symbol('(')) => return Err(unsupported("a query in parentheses")),
        Some(other) => return Err(near(other)),
        None => return Err(syntax_error("syntax error at end of input")),
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
            None => return Err(syntax_error("syntax error at end of input")),
        }
    };
    let value = match value {
        [] => return Err(syntax_error("syntax error at end of input")),
        [word] if word.is_word("default") => None,
        tokens => Some(tokens.iter().map(value_text).collect::<String>()),
    };
    Ok(Command::Set { name, value })
}

fn value_text(token: &Token) -> String {
    match token {
        Token::Word(text) | Token::Quoted(text) | Token::Text(text) | Token::Number(text) => {
            text.clone()
        }
        Token::Symbol(',') => ", ".to_owned(),
        Token::Symbol(symbol) => symbol.to_string(),
        Token::Parameter(number) => format!("${number}"),
        Token::Cast => "::".to_owned(),
    }
}

/// The types of the parameters up to the highest: text, but for those that are cast.
fn parameters(tokens: &[Token]) -> Vec<u32> {
    let mut oids = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if let Token::Parameter(number) = token {
            let number = usize::from(*number);
            if oids.len() < number {
                oids.resize(number, Type::Text.oid());
            }
            if let Some(oid) = types::cast_oid(&tokens[index + 1..]) {
                oids[number - 1] = oid;
            }
        }
    }
    oids
}

/// 0A000.
pub(super) fn unsupported(what: &str) -> Report {
    Report::error("0A000", format!("{what} is not supported by this mock server"))
}

fn near(token: &Token) -> Report {
    syntax_error(format!("syntax error at or near \"{}\"", value_text(token)))
}

/// What is left of a statement.
struct Words<'a>(&'a [Token]);

impl Words<'_> {
    /// Skips a keyword, if it comes next.
    fn skip(&mut self, word: &str) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if first.is_word(word) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn name(&mut self) -> Result<String, Report> {
        let (first, rest) =
            self.0.split_first().ok_or_else(|| syntax_error("syntax error at end of input"))?;
        let name = first.identifier().ok_or_else(|| near(first))?;
        self.0 = rest;
        Ok(name.to_owned())
    }

    /// A name with dots in it.
    fn dotted(&mut self) -> Result<String, Report> {
        let mut name = self.name()?;
        while let Some((dot, rest)) = self.0.split_first()
            && dot.is_symbol('.')
        {
            self.0 = rest;
            name = format!("{name}.{}", self.name()?);
        }
        Ok(name)
    }

    /// A parameter's name; some have a spelling of their own.
    fn setting(&mut self) -> Result<String, Report> {
        Ok(match self.dotted()?.as_str() {
            "time" if self.skip("zone") => "TimeZone".to_owned(),
            "transaction" if self.skip("isolation") => {
                self.skip("level");
                "transaction_isolation".to_owned()
            }
            "session" if self.skip("authorization") => "session_authorization".to_owned(),
            name => name.to_owned(),
        })
    }
}
