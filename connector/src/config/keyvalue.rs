//! `key = 'value'` connection strings, by libpq's rules of quoting (`conninfo_parse`).

use std::iter::Peekable;
use std::str::Chars;

/// The pairs, in order, a repeated key as often as it stands there.
///
/// Blanks around `=` are skipped, so `user= host=x` gives the user `host=x`, as in libpq.
///
/// # Errors
/// A missing `=`, or a quote that is not closed. They tell the place and not the word, which may be of a password.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        skip_blanks(&mut rest);
        if rest.peek().is_none() {
            return Ok(pairs);
        }
        let mut key = String::new();
        while let Some(c) = rest.next_if(|&c| c != '=' && !is_blank(c)) {
            key.push(c);
        }
        skip_blanks(&mut rest);
        if rest.next() != Some('=') {
            return Err(format!(
                "missing \"=\" in parameter {} of the connection string (a value with blanks stands in single quotes)",
                pairs.len() + 1
            ));
        }
        skip_blanks(&mut rest);
        let value = match rest.next_if_eq(&'\'') {
            Some(_) => quoted(&mut rest).ok_or_else(|| {
                format!("unterminated quoted value of parameter {}", pairs.len() + 1)
            })?,
            None => bare(&mut rest),
        };
        pairs.push((key, value));
    }
}

/// A value up to its closing quote; none if there is none.
fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    loop {
        match rest.next()? {
            '\'' => return Some(value),
            '\\' => value.push(rest.next()?),
            c => value.push(c),
        }
    }
}

/// A value up to the next blank; a backslash takes the next character as it is.
fn bare(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next_if(|&c| !is_blank(c)) {
        match c {
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    value
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|&c| is_blank(c)).is_some() {}
}

/// What C's `isspace` calls so in the C locale.
pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text).expect("parses")
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn quotes_blanks_and_backslashes_are_libpqs() {
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("  host = a  port=1\n"), [pair("host", "a"), pair("port", "1")]);
        assert_eq!(
            pairs(r"password='it\'s \\ ok' user=x"),
            [pair("password", r"it's \ ok"), pair("user", "x")]
        );
        assert_eq!(pairs(r"password=a\ b"), [pair("password", "a b")]);
        assert_eq!(pairs("user= host=x"), [pair("user", "host=x")]);
        assert_eq!(pairs("user=''"), [pair("user", "")]);
        assert_eq!(pairs("a=1 a=2"), [pair("a", "1"), pair("a", "2")]);
    }

    #[test]
    fn what_is_not_pairs_is_an_error() {
        assert!(parse("host").is_err());
        assert!(parse("host a=b").is_err());
        assert!(parse("password='open").is_err());
        assert!(parse(r"password='open\").is_err());
    }
}
