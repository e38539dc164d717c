//! Texts of others, made fit to be kept or shown.

/// Cuts a text to at most so many bytes, between two characters; whether it was longer.
pub(crate) fn cut(text: &mut String, most: usize) -> bool {
    if text.len() <= most {
        return false;
    }
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text.truncate(end);
    text.shrink_to_fit();
    true
}

/// A text's beginning, on one line.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 200;
    let mut line: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
