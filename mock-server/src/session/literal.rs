//! How types write their values as text, and how they read those with a syntax of their own.

use data_encoding::HEXLOWER_PERMISSIVE;

/// As many elements of an array or pairs of hstore are read: more would take much more memory than their
/// text.
const MAX_ELEMENTS: usize = 1000;

/// The text formats of float4 and float8: the shortest digits that give the number again, with an exponent
/// where the number is very small or has more digits than its type.
pub(super) fn float_text(number: f64, is_single: bool) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let (fixed, scientific, digits) = if is_single {
        (format!("{}", number as f32), format!("{:e}", number as f32), 6)
    } else {
        (format!("{number}"), format!("{number:e}"), 15)
    };
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return fixed };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..digits).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => fixed,
    }
}

/// The text format of bytea under `bytea_output=hex`.
pub(super) fn bytea_text(bytes: &[u8]) -> String {
    format!("\\x{}", HEXLOWER_PERMISSIVE.encode(bytes))
}

/// Bytes of `\x` and hex digits.
pub(super) fn read_bytea(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.strip_prefix("\\x")?.as_bytes()).ok()
}

/// Groups of 8, 4, 4, 4 and 12 hex digits.
pub(super) fn uuid_text(bytes: &[u8; 16]) -> String {
    let hex = HEXLOWER_PERMISSIVE.encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// 32 hex digits, whatever hyphens are between them.
pub(super) fn read_uuid(text: &str) -> Option<[u8; 16]> {
    let digits = text.replace('-', "");
    HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?.try_into().ok()
}

/// `{1,NULL,"two words"}`.
pub(super) fn array_text(elements: impl Iterator<Item = Option<String>>) -> String {
    let texts: Vec<String> = elements
        .map(|element| match element {
            None => "NULL".to_owned(),
            Some(text) if needs_quotes(&text) => quoted(&text),
            Some(text) => text,
        })
        .collect();
    format!("{{{}}}", texts.join(","))
}

fn needs_quotes(element: &str) -> bool {
    element.is_empty()
        || element.eq_ignore_ascii_case("null")
        || element
            .contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `"a"=>"1", "b"=>NULL`.
pub(super) fn pairs_text(pairs: &[(String, Option<String>)]) -> String {
    let texts: Vec<String> = pairs
        .iter()
        .map(|(key, value)| {
            let value = value.as_ref().map_or_else(|| "NULL".to_owned(), |value| quoted(value));
            format!("{}=>{value}", quoted(key))
        })
        .collect();
    texts.join(", ")
}

/// The texts of an array of one dimension; NULLs are `None`.
pub(super) fn read_array(text: &str) -> Option<Vec<Option<String>>> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut elements = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() || !elements.is_empty() {
        let (element, behind) = word(rest, &[',', '{', '}'])?;
        elements.push(element);
        match behind.trim_start().strip_prefix(',') {
            _ if elements.len() > MAX_ELEMENTS => return None,
            Some(more) => rest = more.trim_start(),
            None if behind.trim_start().is_empty() => break,
            None => return None,
        }
    }
    Some(elements)
}

/// The pairs of hstore's text.
pub(super) fn read_pairs(text: &str) -> Option<Vec<(String, Option<String>)>> {
    let mut pairs = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, behind) = word(rest, &['=', ','])?;
        let value = behind.trim_start().strip_prefix("=>")?.trim_start();
        let (value, behind) = word(value, &['=', ','])?;
        pairs.push((key?, value));
        rest = match behind.trim_start().strip_prefix(',') {
            _ if pairs.len() > MAX_ELEMENTS => return None,
            Some(more) => more.trim_start(),
            None if behind.trim_start().is_empty() => "",
            None => return None,
        };
    }
    Some(pairs)
}

/// A word in quotes, or up to one of the signs that end it, and what follows; `NULL` without quotes is
/// none.
fn word<'a>(text: &'a str, ends: &[char]) -> Option<(Option<String>, &'a str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(ends).unwrap_or(text.len());
        let word = text[..end].trim_end();
        if word.is_empty() {
            return None;
        }
        let is_null = word.eq_ignore_ascii_case("null");
        return Some(((!is_null).then(|| word.to_owned()), &text[end..]));
    };
    let mut word = String::new();
    let mut chars = inner.chars();
    loop {
        match chars.next()? {
            '"' => return Some((Some(word), chars.as_str())),
            '\\' => word.push(chars.next()?),
            other => word.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_postgresql_writes_them() {
        for (number, is_single, text) in [
            (1.5, true, "1.5"),
            (0.1, false, "0.1"),
            (1e15, false, "1e+15"),
            (123_456_789_012_345.0, false, "123456789012345"),
            (1e6, true, "1e+06"),
            (0.000_01, false, "1e-05"),
            (-0.0, false, "-0"),
            (f64::NEG_INFINITY, false, "-Infinity"),
        ] {
            assert_eq!(float_text(number, is_single), text);
        }
    }

    #[test]
    fn arrays_and_pairs_come_back_as_they_were_written() {
        let texts = |texts: &[Option<&str>]| -> Vec<Option<String>> {
            texts.iter().map(|text| text.map(str::to_owned)).collect()
        };
        for (text, elements) in [
            ("{}", &[][..]),
            ("{1,NULL,3}", &[Some("1"), None, Some("3")]),
            (
                r#"{one,"two words","","NULL","a\"b\\"}"#,
                &[Some("one"), Some("two words"), Some(""), Some("NULL"), Some(r#"a"b\"#)],
            ),
        ] {
            let elements = texts(elements);
            assert_eq!(read_array(text).as_ref(), Some(&elements));
            assert_eq!(array_text(elements.into_iter()), text);
        }
        assert_eq!(read_array(" { 1 , 2 } "), Some(texts(&[Some("1"), Some("2")])));
        for wrong in ["", "{", "{1,}", "{,1}", "{{1}}", "{\"a}", "{1}x", "{\"a\"b}"] {
            assert_eq!(read_array(wrong), None, "{wrong}");
        }
        let pairs = r#""a"=>"1", "b"=>NULL, "c d"=>"\"""#;
        assert_eq!(read_pairs(pairs).map(|pairs| pairs_text(&pairs)).as_deref(), Some(pairs));
        assert_eq!(read_pairs("a=>1,b=>NULL").map(|pairs| pairs.len()), Some(2));
        for wrong in ["a", "a=>", "a=>1,,", "=>1", "NULL=>1", "a=>1 x=>2"] {
            assert_eq!(read_pairs(wrong), None, "{wrong}");
        }
    }
}
