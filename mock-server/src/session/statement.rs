//! Statements with their parameters, one or one after the other.

use super::{
    command::{Command, command},
    lexer::Statements,
    refusal::{syntax_error, syntax_error_at_end},
    token::Token,
    types::{self, Type},
};
use crate::protocol::{pg_type::PgType, report::Report};

/// A statement that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) command: Command,
    /// The types of its parameters, by their oids.
    pub(super) parameters: Vec<u32>,
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
    if depth == 0 { Ok(()) } else { Err(syntax_error_at_end()) }
}

/// The types of the parameters up to the highest: text, but for those that are cast or compared with an
/// oid.
fn parameters(tokens: &[Token]) -> Vec<u32> {
    let mut oids = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if let Token::Parameter(number) = token {
            let number = usize::from(*number);
            if oids.len() < number {
                oids.resize(number, Type::TEXT.oid());
            }
            if let Some(oid) = types::cast_oid(&tokens[index + 1..]) {
                oids[number - 1] = oid;
            } else if let [.., column, equals] = &tokens[..index]
                && column.is_word("oid")
                && equals.is_symbol('=')
            {
                oids[number - 1] = PgType::Oid.oid();
            }
        }
    }
    oids
}
