//! Finding the canary password, or what is computed from it, in bytes that crossed in clear.

use base64::{Engine as _, engine::general_purpose};
use md5::{Digest as _, Md5};
use pgtls_mock_server::transcript::Challenge;
use sha2::Sha256;

/// What only this cell's client and server know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// The user that logs in.
    pub user: String,
    /// The canary password.
    pub password: String,
    /// A text that stands in every ErrorResponse sent unencrypted.
    pub clear_text: String,
    /// The number that the query asks for.
    pub number: i32,
}

impl Secrets {
    /// Whether the bytes hold the password, a plain encoding of it, or a hash of it.
    #[must_use]
    pub fn leak_into(&self, bytes: &[u8], challenges: &[Challenge]) -> bool {
        if bytes.is_empty() {
            return false;
        }
        let lower = bytes.to_ascii_lowercase();
        // base64 is the one encoding in which case tells.
        self.encodings().iter().any(|needle| contains(bytes, needle))
            || self.hashes(challenges).iter().any(|needle| contains(&lower, needle))
    }

    /// Whether a text holds the one that the server sent in clear.
    #[must_use]
    pub fn quotes_clear_text(&self, text: &str) -> bool {
        contains(&text.as_bytes().to_ascii_lowercase(), &self.clear_text.as_bytes().to_ascii_lowercase())
    }

    fn encodings(&self) -> Vec<Vec<u8>> {
        let password = self.password.as_bytes();
        let mut needles: Vec<Vec<u8>> = vec![
            password.to_vec(),
            password.iter().rev().copied().collect(),
            password.iter().flat_map(|byte| u16::from(*byte).to_le_bytes()).collect(),
            password.iter().flat_map(|byte| u16::from(*byte).to_be_bytes()).collect(),
        ];
        // base64 of a longer text shows the password at one of three phases; the characters that
        // its neighbours reach into are cut off.
        for phase in 0..3 {
            let padded = [vec![0; phase], password.to_vec()].concat();
            let whole = padded.len() / 3 * 3;
            let from = if phase == 0 { 0 } else { 4 };
            for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE] {
                let text = engine.encode(&padded[..whole]);
                if text.len() > from + 8 {
                    needles.push(text.as_bytes()[from..].to_vec());
                }
            }
        }
        needles
    }

    /// In lower case, where they are hexadecimal.
    fn hashes(&self, challenges: &[Challenge]) -> Vec<Vec<u8>> {
        let (user, password) = (self.user.as_bytes(), self.password.as_bytes());
        let stored = hex(&Md5::new().chain_update(password).chain_update(user).finalize());
        let mut needles = vec![
            hex(password),
            hex(&Md5::digest(password)),
            stored.clone(),
            hex(&Sha256::digest(password)),
        ];
        for challenge in challenges {
            if let Challenge::Md5Salt(salt) = challenge {
                needles.push(hex(&Md5::new().chain_update(&stored).chain_update(salt).finalize()));
            }
        }
        needles
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            user: "any".to_owned(),
            password: "canary-1f2e3d4c5b6a".to_owned(),
            clear_text: "clear-text-0123456789".to_owned(),
            number: 1,
        }
    }

    #[test]
    fn the_password_is_found_however_it_is_dressed() {
        let secrets = secrets();
        let dressed = [
            b"user\0any\0password\0canary-1f2e3d4c5b6a\0".to_vec(),
            general_purpose::STANDARD.encode("any:canary-1f2e3d4c5b6a").into_bytes(),
            general_purpose::STANDARD.encode("a:canary-1f2e3d4c5b6a").into_bytes(),
            general_purpose::STANDARD.encode("ab:canary-1f2e3d4c5b6a!").into_bytes(),
            hex(b"canary-1f2e3d4c5b6a").to_ascii_uppercase(),
            hex(&Md5::digest(b"canary-1f2e3d4c5b6aany")),
        ];
        for bytes in dressed {
            assert!(secrets.leak_into(&bytes, &[]), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn an_md5_response_is_found_by_its_salt() {
        let secrets = secrets();
        let stored = hex(&Md5::digest(b"canary-1f2e3d4c5b6aany"));
        let response = hex(&Md5::new().chain_update(&stored).chain_update([1, 2, 3, 4]).finalize());
        assert!(secrets.leak_into(&response, &[Challenge::Md5Salt([1, 2, 3, 4])]));
        assert!(!secrets.leak_into(&response, &[Challenge::Md5Salt([4, 3, 2, 1])]));
    }

    #[test]
    fn an_honest_startup_message_is_no_leak() {
        assert!(!secrets().leak_into(b"\0\0\0\x20\0\x03\0\0user\0any\0database\0postgres\0\0", &[]));
    }
}
