//! SQL text to statements of tokens: comments, quotes and semicolons as PostgreSQL reads them.

use super::{
    refusal::{syntax_error, too_much},
    token::Token,
};
use crate::protocol::{report::Report, text::cut};

/// The most tokens of one statement: a statement is read in one go, and must not take long.
const MAX_TOKENS: usize = 32 * 1024;
/// The longest identifier, as in PostgreSQL (`NAMEDATALEN` - 1), in bytes; what is longer is cut.
const MAX_IDENTIFIER: usize = 63;

/// Reads a text statement by statement, from any place where one begins.
pub(super) struct Statements<'a> {
    lexer: Lexer<'a>,
    size: usize,
}

impl<'a> Statements<'a> {
    /// The statements of `sql` from the byte `at` on, which [`Statements::position`] gave.
    pub(super) fn from(sql: &'a str, at: usize) -> Self {
        Self { lexer: Lexer { rest: sql.get(at..).unwrap_or_default() }, size: sql.len() }
    }

    /// How much of the text is read, in bytes.
    pub(super) const fn position(&self) -> usize {
        self.size - self.lexer.rest.len()
    }

    /// The tokens up to the next semicolon, which may be none; `None` at the end of the text.
    ///
    /// # Errors
    /// 42601 where the text is no SQL, 54000 where a statement has too many tokens.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Token>>, Report> {
        let mut statement = Vec::new();
        while let Some(token) = self.lexer.next()? {
            if token.is_symbol(';') {
                return Ok(Some(statement));
            }
            if statement.len() >= MAX_TOKENS {
                return Err(too_much("a statement of more than 32768 words and signs"));
            }
            statement.push(token);
        }
        Ok((!statement.is_empty()).then_some(statement))
    }
}

/// An identifier as PostgreSQL takes it.
fn identifier(mut name: String) -> String {
    cut(&mut name, MAX_IDENTIFIER);
    name
}

struct Lexer<'a> {
    rest: &'a str,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Option<Token>, Report> {
        self.skip_blanks()?;
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let token = match first {
            '\'' => Token::Text(self.quoted('\'', false)?),
            '"' => Token::Quoted(identifier(self.quoted('"', false)?)),
            '$' => self.dollar()?,
            ':' if self.rest.starts_with("::") => {
                self.rest = &self.rest[2..];
                Token::Cast
            }
            digit if digit.is_ascii_digit() => {
                let more = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
                Token::Number(self.take_while(more).to_owned())
            }
            letter if letter.is_alphabetic() || letter == '_' => {
                let more = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
                let word = self.take_while(more).to_lowercase();
                match (word.as_str(), self.rest.starts_with('\'')) {
                    ("e", true) => Token::Text(self.quoted('\'', true)?),
                    ("b" | "x" | "n", true) => Token::Text(self.quoted('\'', false)?),
                    _ => Token::Word(identifier(word)),
                }
            }
            symbol => {
                self.rest = &self.rest[symbol.len_utf8()..];
                Token::Symbol(symbol)
            }
        };
        Ok(Some(token))
    }

    fn skip_blanks(&mut self) -> Result<(), Report> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("--") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Result<(), Report> {
        let mut depth = 0_usize;
        loop {
            if let Some(rest) = self.rest.strip_prefix("/*") {
                (self.rest, depth) = (rest, depth + 1);
            } else if let Some(rest) = self.rest.strip_prefix("*/") {
                (self.rest, depth) = (rest, depth - 1);
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let mut rest = self.rest.chars();
                rest.next().ok_or_else(|| syntax_error("unterminated /* comment"))?;
                self.rest = rest.as_str();
            }
        }
    }

    /// A text in quotes that are doubled inside, or escaped by a backslash where that counts.
    fn quoted(&mut self, quote: char, backslash: bool) -> Result<String, Report> {
        let mut text = String::new();
        let mut chars = self.rest[quote.len_utf8()..].chars();
        loop {
            match chars.next() {
                None => {
                    let what = if quote == '"' { "identifier" } else { "string" };
                    return Err(syntax_error(format!("unterminated quoted {what}")));
                }
                Some('\\') if backslash => text.extend(chars.next()),
                Some(c) if c == quote => match chars.as_str().strip_prefix(quote) {
                    Some(rest) => {
                        text.push(quote);
                        chars = rest.chars();
                    }
                    None => {
                        self.rest = chars.as_str();
                        return Ok(text);
                    }
                },
                Some(c) => text.push(c),
            }
        }
    }

    /// `$1`, or a string between `$tag$` and `$tag$`.
    fn dollar(&mut self) -> Result<Token, Report> {
        let after = &self.rest[1..];
        if after.starts_with(|c: char| c.is_ascii_digit()) {
            self.rest = after;
            let digits = self.take_while(|c| c.is_ascii_digit());
            return match digits.parse() {
                Ok(number) if number > 0 => Ok(Token::Parameter(number)),
                _ => Err(Report::error("42P02", format!("there is no parameter ${digits}"))),
            };
        }
        let tag = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        if !after[tag..].starts_with('$') {
            self.rest = after;
            return Ok(Token::Symbol('$'));
        }
        let delimiter = &self.rest[..tag + 2];
        let content = &self.rest[tag + 2..];
        let end = content
            .find(delimiter)
            .ok_or_else(|| syntax_error("unterminated dollar-quoted string"))?;
        self.rest = &content[end + delimiter.len()..];
        Ok(Token::Text(content[..end].to_owned()))
    }

    fn take_while(&mut self, take: impl Fn(char) -> bool) -> &str {
        let end = self.rest.find(|c| !take(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statements that have a token.
    fn statements(sql: &str) -> Result<Vec<Vec<Token>>, Report> {
        let mut reader = Statements::from(sql, 0);
        let mut statements = Vec::new();
        while let Some(tokens) = reader.next()? {
            // A text can be gone on with wherever a statement begins.
            reader = Statements::from(sql, reader.position());
            statements.extend((!tokens.is_empty()).then_some(tokens));
        }
        assert_eq!(reader.position(), sql.len());
        Ok(statements)
    }

    fn word(word: &str) -> Token {
        Token::Word(word.to_owned())
    }

    fn number(number: &str) -> Token {
        Token::Number(number.to_owned())
    }

    fn text(text: &str) -> Token {
        Token::Text(text.to_owned())
    }

    #[test]
    fn statements_are_split_at_semicolons_that_stand_alone() {
        let sql = "SELECT 1; ; select ';', \";\", $$;$$ -- ;\n/* ; /* ; */ ; */;";
        let comma = || Token::Symbol(',');
        let wanted = vec![
            vec![word("select"), number("1")],
            vec![
                word("select"),
                text(";"),
                comma(),
                Token::Quoted(";".to_owned()),
                comma(),
                text(";"),
            ],
        ];
        assert_eq!(statements(sql), Ok(wanted));
        for empty in ["", ";", " ;; ", "-- ping", "/* SQLx ping */"] {
            assert_eq!(statements(empty), Ok(vec![]), "{empty}");
        }
    }

    #[test]
    fn quotes_are_read_as_postgresql_reads_them() {
        for (sql, wanted) in [
            ("'it''s'", text("it's")),
            (r"'a\'", text(r"a\")),
            (r"E'a\'b'", text("a'b")),
            ("\"A\"\"b\"", Token::Quoted("A\"b".to_owned())),
            ("$x$a$$b$x$", text("a$$b")),
            ("$12", Token::Parameter(12)),
            ("Äh$1", word("äh$1")),
            ("::", Token::Cast),
            ("1.5e3", number("1.5e3")),
        ] {
            assert_eq!(statements(sql), Ok(vec![vec![wanted]]), "{sql}");
        }
    }

    #[test]
    fn a_statement_has_so_many_tokens_and_an_identifier_so_many_bytes() {
        let fits = "- ".repeat(MAX_TOKENS);
        assert_eq!(statements(&fits).map(|all| all.len()), Ok(1));
        assert_eq!(statements(&format!("{fits};{fits}")).map(|all| all.len()), Ok(2));
        assert_eq!(statements(&format!("{fits}-")).expect_err("one more").code, "54000");
        let long = format!("{}ä", "x".repeat(62));
        let cut = Token::Quoted("x".repeat(62));
        assert_eq!(statements(&format!("\"{long}\"")), Ok(vec![vec![cut]]));
        assert_eq!(statements(&"x".repeat(1000)), Ok(vec![vec![word(&"x".repeat(63))]]));
    }

    #[test]
    fn what_does_not_end_is_a_syntax_error() {
        for sql in ["'a", "\"a", "$x$a", "/* a", "/* /* */", "E'\\'"] {
            assert_eq!(statements(sql).expect_err(sql).code, "42601", "{sql}");
        }
        for sql in ["$0", "$65536"] {
            assert_eq!(statements(sql).expect_err(sql).code, "42P02", "{sql}");
        }
    }
}
