//! Text that others wrote, shown so that it does nothing: one rule for every format that people
//! read, and one for JSON.
//!
//! A driver's error, a shim's name, a user name, a results file may hold escape sequences that
//! repaint a terminal, line breaks that forge a line, marks that turn the direction of reading, or
//! letters that nobody sees. Shown they are what an escape in a program's source would be: `\n`,
//! `\x1b`, `\u{202e}`.

use std::{
    fmt::{self, Display, Write as _},
    ops::Deref,
};

use pgtls_conformance::Texts;
use serde::Serialize;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// A text that others wrote; displayed on one line, with everything in sight.
///
/// ```
/// use pgtls::foreign::Foreign;
///
/// let forged = "no\n  1.230  client →  clear  \u{1b}[2J\u{202e}";
/// assert_eq!(Foreign(forged).to_string(), r"no\n  1.230  client →  clear  \x1b[2J\u{202e}");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign<'a>(pub &'a str);

impl Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A mark joins the letter before it, which is not this text's where it comes first.
        let mut first = true;
        for c in self.0.chars() {
            if is_plain(c) && !(first && is_mark(c)) {
                f.write_char(c)?;
            } else {
                escape(c, f)?;
            }
            first = false;
        }
        Ok(())
    }
}

/// Lines of our own, with what others wrote somewhere in them: the last gate before a person.
///
/// Line breaks and colours pass, for most are ours; everything else is shown as [`Foreign`] does.
/// Who forgets [`Foreign`] can have a line forged, but no terminal harmed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines<'a>(pub(crate) &'a str);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(c) = rest.chars().next() {
            let length = if c == '\n' || is_plain(c) { c.len_utf8() } else { colour(rest) };
            if length == 0 {
                escape(c, f)?;
                rest = &rest[c.len_utf8()..];
            } else {
                f.write_str(&rest[..length])?;
                rest = &rest[length..];
            }
        }
        Ok(())
    }
}

/// The length of the sequence `ESC [ … m` that a text begins with, in bytes, or 0.
fn colour(text: &str) -> usize {
    let Some(arguments) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = arguments.find(|c: char| !c.is_ascii_digit() && c != ';');
    match end {
        Some(end) if arguments[end..].starts_with('m') => 2 + end + 1,
        _ => 0,
    }
}

/// Whether a character shows, stays on its line and moves nothing else.
fn is_plain(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    // U+FFFF and its like are among the unassigned: XML has no place for them either.
    let out_of_sight = matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
    );
    !out_of_sight && !is_blank(c)
}

/// Letters, marks and signs that show nothing: Unicode's Default_Ignorable_Code_Point without what
/// its general category says already, and the empty Braille pattern.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::EnclosingMark
    )
}

fn escape(c: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c if c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c)),
        c => write!(f, "\\u{{{:x}}}", u32::from(c)),
    }
}

/// JSON, indented, in which the texts are as they were and nothing is out of sight: what would be
/// stands there as `\uXXXX`, so that a terminal may show it too.
///
/// # Errors
///
/// If the value is none that JSON has.
pub fn json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Line breaks are the indentation's: in a text they are escaped already.
        if c == '\n' || is_plain(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    Ok(out)
}

/// A value all of whose texts are shown as [`Foreign`] shows them. The reports take nothing else,
/// so that no text is forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct Visible<T>(T);

impl<T: Texts + Clone> Visible<T> {
    /// The value as people may see it.
    #[must_use]
    pub fn of(value: &T) -> Self {
        let mut value = value.clone();
        value.texts(&mut |text| *text = Foreign(text.trim_end()).to_string());
        Self(value)
    }
}

impl<T> Deref for Visible<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each kind one, with what it is shown as.
    const OUT_OF_SIGHT: [(char, &str); 16] = [
        ('\0', r"\x00"),
        ('\u{7}', r"\x07"),
        ('\t', r"\t"),
        ('\n', r"\n"),
        ('\r', r"\r"),
        ('\u{1b}', r"\x1b"),
        ('\u{7f}', r"\x7f"),
        ('\u{85}', r"\u{85}"),
        ('\u{9b}', r"\u{9b}"),
        ('\u{ad}', r"\u{ad}"),
        ('\u{200b}', r"\u{200b}"),
        ('\u{2028}', r"\u{2028}"),
        ('\u{202e}', r"\u{202e}"),
        ('\u{2066}', r"\u{2066}"),
        ('\u{ffff}', r"\u{ffff}"),
        ('\u{e0041}', r"\u{e0041}"),
    ];

    #[test]
    fn what_is_out_of_sight_is_shown_and_the_rest_is_left_alone() {
        for (c, shown) in OUT_OF_SIGHT {
            assert_eq!(Foreign(&format!("a{c}b")).to_string(), format!("a{shown}b"));
        }
        for plain in ["", "Größe 1 → 2 …", "日本語 русский e\u{301}", "a|b `c` <d> & \\n"]
        {
            assert_eq!(Foreign(plain).to_string(), plain);
        }
        assert_eq!(Foreign("\u{301}e").to_string(), r"\u{301}e", "no mark on our own letter");
    }

    #[test]
    fn colours_and_lines_pass_the_gate_and_nothing_else() {
        let painted = "\u{1b}[1;31mred\u{1b}[0m\nnext";
        assert_eq!(Lines(painted).to_string(), painted);
        for (c, shown) in OUT_OF_SIGHT.into_iter().filter(|(c, _)| *c != '\n') {
            assert_eq!(Lines(&format!("a{c}b")).to_string(), format!("a{shown}b"));
        }
        assert_eq!(Lines("\u{1b}[2J\u{1b}[1\u{1b}]0;x").to_string(), r"\x1b[2J\x1b[1\x1b]0;x");
    }

    #[test]
    fn json_is_what_it_was_with_all_in_sight() {
        for (c, _) in OUT_OF_SIGHT {
            let text = format!("a{c}b");
            let written = json(&[&text]).expect("JSON");
            assert!(written.chars().all(|c| c == '\n' || is_plain(c)), "{written:?}");
            assert_eq!(serde_json::from_str::<[String; 1]>(&written).expect("JSON"), [text]);
        }
    }
}
