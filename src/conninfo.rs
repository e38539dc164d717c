//! key=value connection strings, quoted as libpq wants them ("Connection Strings", section
//! "Keyword/Value").

/// The settings as one string.
pub(crate) fn conninfo<'a>(settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let terms = settings.into_iter().map(|(key, value)| format!("{key}={}", quoted(value)));
    terms.collect::<Vec<_>>().join(" ")
}

fn quoted(value: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && c != '\'' && c != '\\';
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::conninfo;

    #[test]
    fn values_are_quoted_where_they_must_be() {
        for (value, quoted) in [
            ("verify-full", "verify-full"),
            ("", "''"),
            ("a folder/root.crt", "'a folder/root.crt'"),
            (r"it's\", r"'it\'s\\'"),
        ] {
            assert_eq!(conninfo([("a", "b"), ("key", value)]), format!("a=b key={quoted}"));
        }
    }
}
