//! Finding the canary password, or what is computed from it, in bytes that crossed in clear.

use base64::{Engine as _, engine::general_purpose};
use md5::{Digest as _, Md5};
use pgtls_mock_server::transcript::Challenge;
use sha2::{Sha256, Sha512};

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
    /// Whether the bytes hold the password, half of it, a plain encoding of it, or a hash of it.
    #[must_use]
    pub fn leak_into(&self, bytes: &[u8], challenges: &[Challenge]) -> bool {
        if bytes.is_empty() {
            return false;
        }
        let lower = bytes.to_ascii_lowercase();
        let digests = self.digests(challenges);
        // base64 and digests as they are: the encodings in which case tells.
        self.base64().iter().chain(&digests).any(|needle| contains(bytes, needle))
            || digests.iter().any(|digest| contains(bytes, unpadded(digest).as_bytes()))
            || self.spellings().iter().any(|needle| contains(&lower, needle))
            || digests.iter().any(|digest| contains(&lower, &hex(digest)))
    }

    /// In lower case: either half of the password in whatever way characters are written.
    fn spellings(&self) -> Vec<Vec<u8>> {
        let password = self.password.to_ascii_lowercase().into_bytes();
        let (one, other) = password.split_at(password.len() / 2);
        let spell = |half: &[u8]| {
            [
                half.to_vec(),
                half.iter().rev().copied().collect(),
                half.iter().flat_map(|byte| u16::from(*byte).to_le_bytes()).collect(),
                hex(half),
            ]
        };
        [one, other].into_iter().flat_map(spell).collect()
    }

    /// base64 of a longer text shows the password at one of three phases; the characters that its
    /// neighbours reach into are cut off.
    fn base64(&self) -> Vec<Vec<u8>> {
        let mut needles = Vec::new();
        for phase in 0..3 {
            let padded = [vec![0; phase], self.password.clone().into_bytes()].concat();
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

    fn digests(&self, challenges: &[Challenge]) -> Vec<Vec<u8>> {
        let (user, password) = (self.user.as_bytes(), self.password.as_bytes());
        let texts = [password.to_vec(), [password, user].concat(), [user, password].concat()];
        let mut digests: Vec<Vec<u8>> = texts
            .iter()
            .flat_map(|text| {
                [
                    Md5::digest(text).to_vec(),
                    Sha256::digest(text).to_vec(),
                    Sha512::digest(text).to_vec(),
                ]
            })
            .collect();
        let stored = hex(&Md5::new().chain_update(password).chain_update(user).finalize());
        for challenge in challenges {
            if let Challenge::Md5Salt(salt) = challenge {
                digests
                    .push(Md5::new().chain_update(&stored).chain_update(salt).finalize().to_vec());
            }
        }
        digests
    }
}

fn unpadded(digest: &[u8]) -> String {
    general_purpose::STANDARD_NO_PAD.encode(digest)
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
            Sha256::digest(b"canary-1f2e3d4c5b6a").to_vec(),
            general_purpose::STANDARD
                .encode(Sha512::digest(b"anycanary-1f2e3d4c5b6a"))
                .into_bytes(),
            b"CANARY-1F2E3D4C5B6A".to_vec(),
            b"a6b5c4d3e2f1-yranac".to_vec(),
            b"options\0canary-1f\0search_path\x002e3d4c5b6a\0".to_vec(),
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
        assert!(
            !secrets().leak_into(b"\0\0\0\x20\0\x03\0\0user\0any\0database\0postgres\0\0", &[])
        );
    }
}
