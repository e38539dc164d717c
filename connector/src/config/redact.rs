//! What of a user's own words an error may repeat.

/// A word of the user's as an error may repeat it. What cannot be a name or a number may be a piece of a password that
/// was not quoted or not encoded, and an error ends in a log.
pub(super) fn shown(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match word.len() <= 40 && word.chars().all(plain) {
        true => format!("\"{word}\""),
        false => "what is given (it is not shown, as a password may be in it)".to_owned(),
    }
}
