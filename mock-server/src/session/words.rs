//! What is left of a statement, read word by word.

use super::{
    refusal::{syntax_error, syntax_error_at_end},
    token::{Token, value_text},
};
use crate::protocol::report::Report;

/// 42601, at this token.
pub(super) fn near(token: &Token) -> Report {
    syntax_error(format!("syntax error at or near \"{}\"", value_text(token)))
}

/// What is left of a statement.
pub(super) struct Words<'a>(pub(super) &'a [Token]);

impl Words<'_> {
    /// Skips a keyword, if it comes next.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if first.is_word(word) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// An identifier.
    pub(super) fn name(&mut self) -> Result<String, Report> {
        let (first, rest) = self.0.split_first().ok_or_else(syntax_error_at_end)?;
        let name = first.identifier().ok_or_else(|| near(first))?;
        self.0 = rest;
        Ok(name.to_owned())
    }

    /// A name with dots in it.
    pub(super) fn dotted(&mut self) -> Result<String, Report> {
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
    pub(super) fn setting(&mut self) -> Result<String, Report> {
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
