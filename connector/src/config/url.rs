//! `postgres://` and `postgresql://` URLs, by libpq's rules (`conninfo_uri_parse_options`).

use percent_encoding::percent_decode_str;

use super::keyvalue::is_blank;

/// Whether the text is meant as a URL.
pub(super) fn is_url(text: &str) -> bool {
    strip_scheme(text).is_some()
}

fn strip_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// The parameters that the URL holds: hosts and ports as comma-separated lists, the rest one by one.
///
/// # Errors
/// A bracket that is not closed, a percent sign that encodes nothing (or a NUL), bytes that are not UTF-8, a port that is
/// no number, a query parameter without its one `=`. None repeats a part of the URL: a password with a `/` or a `&` in
/// it ends up in the oddest of them.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut rest = strip_scheme(text).ok_or("a URL begins with postgres:// or postgresql://")?;
    let mut pairs = Vec::new();

    // An @ behind the first slash belongs to the path or the query.
    if let Some(at) = rest.find(['@', '/']).filter(|&at| rest[at..].starts_with('@')) {
        let (user, password) = match rest[..at].split_once(':') {
            Some((user, password)) => (user, password),
            None => (&rest[..at], ""),
        };
        rest = &rest[at + 1..];
        push_unless_empty(&mut pairs, "user", user)?;
        push_unless_empty(&mut pairs, "password", password)?;
    }

    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    loop {
        let (host, behind) = host(rest)?;
        rest = behind;
        let port = match rest.strip_prefix(':') {
            Some(behind) => {
                let (port, behind) = split_before(behind, &['/', '?', ',']);
                rest = behind;
                port
            }
            None => "",
        };
        hosts.push(host);
        ports.push(port);
        match rest.strip_prefix(',') {
            Some(behind) => rest = behind,
            None => break,
        }
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        pairs.push(("host".into(), decode(&hosts.join(","))?));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        let ports = decode(&ports.join(","))?;
        if ports.contains(|c: char| !c.is_ascii_digit() && !is_blank(c) && c != ',') {
            return Err(
                "a port in the URL is not a number (a / in a password has to be written %2F)"
                    .into(),
            );
        }
        pairs.push(("port".into(), ports));
    }

    if let Some(behind) = rest.strip_prefix('/') {
        let (dbname, behind) = split_before(behind, &['?']);
        rest = behind;
        push_unless_empty(&mut pairs, "dbname", dbname)?;
    }

    match rest.strip_prefix('?') {
        Some(query) => pairs.extend(parameters(query)?),
        None if rest.is_empty() => {}
        None => return Err("unexpected text behind the host in the URL".into()),
    }
    Ok(pairs)
}

/// A host name, or what stands between the brackets of an IPv6 literal, and what follows.
fn host(rest: &str) -> Result<(&str, &str), String> {
    let Some(literal) = rest.strip_prefix('[') else {
        return Ok(split_before(rest, &[':', '/', '?', ',']));
    };
    let (host, behind) =
        literal.split_once(']').ok_or("missing \"]\" behind an IPv6 address in the URL")?;
    match behind.chars().next() {
        _ if host.is_empty() => Err("an IPv6 address in a URL may not be empty".into()),
        None | Some(':' | '/' | '?' | ',') => Ok((host, behind)),
        Some(_) => Err("unexpected text behind an IPv6 address in the URL".into()),
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs = Vec::new();
    if query.is_empty() {
        return Ok(pairs);
    }
    // Behind the last parameter an & is taken, and nowhere else.
    let query = query.strip_suffix('&').unwrap_or(query);
    for (parameter, number) in query.split('&').zip(1..) {
        let (key, value) = parameter.split_once('=').ok_or_else(|| {
            format!("missing \"=\" in query parameter {number} of the URL (a & in a value has to be written %26)")
        })?;
        if value.contains('=') {
            return Err(format!("extra \"=\" in query parameter {number} of the URL"));
        }
        let (key, value) = (decode(key)?, decode(value)?);
        // JDBC's spelling, which libpq takes too.
        match (key.as_str(), value.as_str()) {
            ("ssl", "true") => pairs.push(("sslmode".into(), "require".into())),
            _ => pairs.push((key, value)),
        }
    }
    Ok(pairs)
}

fn push_unless_empty(
    pairs: &mut Vec<(String, String)>,
    key: &str,
    value: &str,
) -> Result<(), String> {
    if !value.is_empty() {
        pairs.push((key.to_owned(), decode(value)?));
    }
    Ok(())
}

fn split_before<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// Percent-decoding as strict as libpq's (since 18): two hexadecimal digits behind every percent sign, no NUL, and no
/// blank but around the whole, where it counts for nothing.
fn decode(text: &str) -> Result<String, String> {
    let text = text.trim_matches(is_blank);
    if text.contains(is_blank) {
        return Err("a blank in the URL has to be written %20".into());
    }
    for (at, _) in text.match_indices('%') {
        match text.as_bytes().get(at + 1..at + 3) {
            Some(b"00") => return Err("forbidden value %00 in the URL".into()),
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => {}
            _ => return Err("a percent sign in the URL encodes nothing".into()),
        }
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| "a part of the URL is not UTF-8 when decoded".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse(text).expect("parses")
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_part_is_found() {
        assert_eq!(
            parsed("postgres://us%40er:p%3Ass@h:1/d%2Fb?sslmode=verify-ca&sslrootcert=%2Fca.pem"),
            pairs(&[
                ("user", "us@er"),
                ("password", "p:ss"),
                ("host", "h"),
                ("port", "1"),
                ("dbname", "d/b"),
                ("sslmode", "verify-ca"),
                ("sslrootcert", "/ca.pem"),
            ])
        );
        assert_eq!(parsed("postgresql://"), []);
        assert_eq!(parsed("postgresql:///db"), pairs(&[("dbname", "db")]));
        assert_eq!(parsed("postgresql://h/?user=u@x"), pairs(&[("host", "h"), ("user", "u@x")]));
        // Without a slash an @ ends the credentials, wherever it stands: so does libpq.
        assert_eq!(parsed("postgresql://u?@h"), pairs(&[("user", "u?"), ("host", "h")]));
    }

    #[test]
    fn lists_literals_and_socket_folders() {
        assert_eq!(parsed("postgres://a:1,b,c:3/"), pairs(&[("host", "a,b,c"), ("port", "1,,3")]));
        assert_eq!(parsed("postgres://[::1]:5/"), pairs(&[("host", "::1"), ("port", "5")]));
        assert_eq!(parsed("postgres://[fe80::1],b"), pairs(&[("host", "fe80::1,b")]));
        assert_eq!(
            parsed("postgres://%2Frun%2Fpg/db"),
            pairs(&[("host", "/run/pg"), ("dbname", "db")])
        );
        assert_eq!(
            parsed("postgres://u: p @h: 5 /d?sslmode = require & options=-c%20a "),
            pairs(&[
                ("user", "u"),
                ("password", "p"),
                ("host", "h"),
                ("port", "5"),
                ("dbname", "d"),
                ("sslmode", "require"),
                ("options", "-c a"),
            ])
        );
        assert_eq!(parsed("postgres://h?"), pairs(&[("host", "h")]));
        assert_eq!(parsed("postgres://h?user=a&"), pairs(&[("host", "h"), ("user", "a")]));
        assert_eq!(
            parsed("postgres://h/?ssl=true"),
            pairs(&[("host", "h"), ("sslmode", "require")])
        );
    }

    #[test]
    fn what_libpq_refuses_is_refused() {
        for bad in [
            "postgres://[::1",
            "postgres://[]",
            "postgres://[::1]x",
            "postgres://h/%0",
            "postgres://h/%zz",
            "postgres://h/%00",
            "postgres://h/%ff",
            "postgres://h/?sslmode",
            "postgres://h/?a=b=c",
            "postgres://h/?a=b&&c=d",
            "postgres://h/?&a=b",
            "postgres://h/?a=b&&",
            "postgres://h/?&",
            "postgres://h/?sslmode=re quire",
            "postgres://u:p w@h",
            "mysql://h",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
