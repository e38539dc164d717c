//! Templates: texts whose names in braces stand for what only the connection knows.

use crate::protocol::message::BackendMessage;

/// The value of a name in braces, if there is one of that name.
pub(super) type Values<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// As long as a name gets, in bytes; so that a text of braces is not searched over and over.
const LONGEST_NAME: usize = 32;

/// The text with its names in braces replaced; other braces stay.
pub(super) fn expand(text: &[u8], values: Values<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = memchr::memchr(b'{', rest) {
        out.extend(&rest[..open]);
        rest = &rest[open..];
        let near = &rest[..rest.len().min(LONGEST_NAME + 2)];
        let name =
            memchr::memchr(b'}', near).and_then(|end| std::str::from_utf8(&rest[1..end]).ok());
        match name.and_then(|name| Some((&rest[name.len() + 2..], values(name)?))) {
            // Where there is no canary, its colon goes with it.
            Some((behind, value)) if value.is_empty() && behind.starts_with(b": ") => {
                rest = &behind[2..];
            }
            Some((behind, value)) => {
                out.extend(value);
                rest = behind;
            }
            None => {
                out.push(b'{');
                rest = &rest[1..];
            }
        }
    }
    out.extend(rest);
    out
}

/// The message with its names in braces replaced, as bytes.
pub(super) fn write(message: &BackendMessage, values: Values<'_>, out: &mut Vec<u8>) {
    let mut message = message.clone();
    message.for_each_text(&mut |text| {
        if memchr::memchr(b'{', text).is_some() {
            *text = expand(text, values);
        }
    });
    message.write(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_other_braces_stay() {
        let values = |name: &str| match name {
            "user" => Some(b"bob".to_vec()),
            "canary" => Some(Vec::new()),
            _ => None,
        };
        for (text, wanted) in [
            ("no names", "no names"),
            ("{user}{user}!", "bobbob!"),
            ("{canary}: sorry", "sorry"),
            ("{canary}; {users} {user", "; {users} {user"),
            ("{{user}}", "{bob}"),
        ] {
            let expanded = String::from_utf8(expand(text.as_bytes(), &values)).expect("UTF-8");
            assert_eq!(expanded, wanted, "{text}");
        }
    }
}
