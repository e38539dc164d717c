//! Connection strings, held against libpq's own code.

mod libpq;

use super::values::RootSource;
use super::{Config, Settings, SslMode, keyvalue, url};

type Pairs = Vec<(String, String)>;

/// A URL is read as libpq reads it, or refused where it is stricter here; and its pairs survive being written anew.
pub fn conninfo_url(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let found = url::parse(&text);
    match (&found, libpq::url(text.as_bytes())) {
        (Ok(found), Some(libpq)) => assert_eq!(bytes(found), libpq),
        (Ok(found), None) => panic!("libpq refuses what is read as {found:?}"),
        (Err(_), None) => {}
        // Texts are UTF-8 here, and a port in a URL is a number.
        (Err(error), Some(libpq)) => assert!(
            libpq.iter().any(|(key, value)| std::str::from_utf8(key).is_err()
                || std::str::from_utf8(value).is_err()
                || (key == b"port"
                    && value.iter().any(|byte| !b"0123456789, \t\n\r\x0b\x0c".contains(byte)))),
            "libpq takes it, and here it is refused: {error}"
        ),
    }
    if let Ok(pairs) = found {
        let written: Vec<String> = pairs
            .iter()
            .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
            .collect();
        assert_eq!(url::parse(&format!("postgres://?{}", written.join("&"))), Ok(pairs.clone()));
        resolve(&text);
    }
}

/// A string of pairs is read as libpq reads it, and its pairs survive being written anew.
pub fn conninfo_pairs(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let found = keyvalue::parse(&text).ok();
    assert_eq!(found.as_ref().map(bytes), libpq::pairs(text.as_bytes()));
    if let Some(pairs) = found {
        let written: Vec<String> = pairs
            .iter()
            .map(|(key, value)| {
                format!("{key}='{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
            })
            .collect();
        assert_eq!(keyvalue::parse(&written.join(" ")), Ok(pairs));
        resolve(&text);
    }
}

/// What comes of a string's values: no combination that libpq calls weak, and no password where it is shown.
fn resolve(text: &str) {
    let Ok(config) = text.parse::<Config>() else { return };
    let shown = format!("{config:?}");
    if let Some(password) = config.value("password") {
        let other = format!("{password}, and more");
        let other = config.clone().set("password", other).expect("any password");
        assert_eq!(shown, format!("{other:?}"), "the password counts for what is shown");
    }
    let Ok(settings) = Settings::resolve(&config) else { return };
    assert!(!settings.targets.is_empty());
    assert!(!settings.direct || settings.mode >= SslMode::Require);
    assert!(
        !matches!(settings.root, RootSource::System(_)) || settings.mode == SslMode::VerifyFull
    );
    if let (Some(min), Some(max)) = (settings.min_version, settings.max_version) {
        assert!(min <= max);
    }
}

/// Text without a NUL, which no C string holds.
fn text(data: &[u8]) -> Option<String> {
    std::str::from_utf8(data).ok().filter(|text| !text.contains('\0')).map(str::to_owned)
}

fn bytes(pairs: &Pairs) -> Vec<libpq::Pair> {
    let pair = |(key, value): &(String, String)| (key.clone().into(), value.clone().into());
    pairs.iter().map(pair).collect()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
