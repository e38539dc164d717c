//! Finding the canary password, or what is computed from it, in bytes that crossed in clear.

use std::cell::OnceCell;

use base64::{Engine as _, engine::general_purpose};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use pgtls_mock_server::transcript::Challenge;
use sha2::{Sha256, Sha512};

use super::{
    secrets::Secrets,
    spelling::{base64, contains, halves, hex, shortest_base64},
};

/// The shortest of what is computed from a password, in bytes: MD5.
const SHORTEST_COMPUTED: usize = 16;

/// Everything by which the password can be told in bytes that crossed in clear.
///
/// Most connections have nothing in clear but an SSLRequest, and what SCRAM computes is made to take
/// long: what bytes are too short to hold is not worked out.
#[derive(Debug)]
pub(super) struct Leak<'a> {
    secrets: &'a Secrets,
    challenges: &'a [Challenge],
    written: OnceCell<Written>,
    /// What is computed from the password.
    computed: OnceCell<Vec<Vec<u8>>>,
}

/// The password as it may be written.
#[derive(Debug)]
struct Written {
    /// In lower case: either half of it in whatever way characters are written.
    spellings: Vec<Vec<u8>>,
    /// It and either half in base64.
    base64: Vec<Vec<u8>>,
}

impl<'a> Leak<'a> {
    /// The password, and what is computed from it and these challenges. A challenge of one
    /// connection may be answered on another one.
    pub(super) const fn new(secrets: &'a Secrets, challenges: &'a [Challenge]) -> Self {
        Self { secrets, challenges, written: OnceCell::new(), computed: OnceCell::new() }
    }

    /// Whether the bytes hold the password, half of it, a plain encoding of it, or something that
    /// is computed from it.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        let half = self.secrets.password.len() / 2;
        if bytes.is_empty() || bytes.len() < half.min(shortest_base64(half)) {
            return false;
        }
        let lower = bytes.to_ascii_lowercase();
        let Written { spellings, base64 } =
            self.written.get_or_init(|| Written::of(&self.secrets.password));
        let computed = match bytes.len() {
            ..SHORTEST_COMPUTED => &[],
            _ => self.computed.get_or_init(|| computed(self.secrets, self.challenges)).as_slice(),
        };
        // base64 and digests as they are: the encodings in which case tells.
        base64.iter().chain(computed).any(|needle| contains(bytes, needle))
            || computed.iter().any(|value| contains(bytes, unpadded(value).as_bytes()))
            || spellings.iter().any(|needle| contains(&lower, needle))
            || computed.iter().any(|value| contains(&lower, &hex(value)))
    }
}

impl Written {
    fn of(password: &str) -> Self {
        let (one, other) = halves(password);
        let spell = |half: &[u8]| {
            let half = half.to_ascii_lowercase();
            [
                half.iter().rev().copied().collect(),
                half.iter().flat_map(|byte| u16::from(*byte).to_le_bytes()).collect(),
                hex(&half),
                half,
            ]
        };
        Self {
            spellings: [one, other].into_iter().flat_map(spell).collect(),
            // What a half shows at every phase may be too short to be nobody else's.
            base64: [one, other, password.as_bytes()].into_iter().flat_map(base64).collect(),
        }
    }
}

fn computed(secrets: &Secrets, challenges: &[Challenge]) -> Vec<Vec<u8>> {
    let (user, password) = (secrets.user.as_bytes(), secrets.password.as_bytes());
    let texts = [password.to_vec(), [password, user].concat(), [user, password].concat()];
    let mut computed: Vec<Vec<u8>> = texts
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
    for challenge in distinct(challenges) {
        match challenge {
            Challenge::Md5Salt(salt) => {
                computed
                    .push(Md5::new().chain_update(&stored).chain_update(salt).finalize().to_vec());
            }
            Challenge::ScramSalt(salt, iterations) => {
                let salted = pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, *iterations);
                let client_key = hmac(&salted, b"Client Key");
                computed.push(Sha256::digest(&client_key).to_vec());
                computed.extend([client_key, hmac(&salted, b"Server Key"), salted.to_vec()]);
            }
            _ => {}
        }
    }
    computed
}

fn distinct(challenges: &[Challenge]) -> Vec<&Challenge> {
    let mut distinct: Vec<&Challenge> = Vec::new();
    for challenge in challenges {
        if !distinct.contains(&challenge) {
            distinct.push(challenge);
        }
    }
    distinct
}

fn hmac(key: &[u8; 32], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn unpadded(digest: &[u8]) -> String {
    general_purpose::STANDARD_NO_PAD.encode(digest)
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
            general_purpose::STANDARD.encode("any:canary-1f").into_bytes(),
            b"options\0canary-1f\0search_path\x002e3d4c5b6a\0".to_vec(),
        ];
        for bytes in dressed {
            assert!(Leak::new(&secrets, &[]).is_in(&bytes), "{}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn an_md5_response_is_found_by_its_salt() {
        let secrets = secrets();
        let stored = hex(&Md5::digest(b"canary-1f2e3d4c5b6aany"));
        let response = hex(&Md5::new().chain_update(&stored).chain_update([1, 2, 3, 4]).finalize());
        assert!(Leak::new(&secrets, &[Challenge::Md5Salt([1, 2, 3, 4])]).is_in(&response));
        assert!(!Leak::new(&secrets, &[Challenge::Md5Salt([4, 3, 2, 1])]).is_in(&response));
    }

    #[test]
    fn what_scram_computes_is_found_by_its_salt() {
        let secrets = secrets();
        let challenge = Challenge::ScramSalt(b"W22ZaJ0SNY7soEsUEjb6gQ==".to_vec(), 2);
        let Challenge::ScramSalt(salt, rounds) = &challenge else { unreachable!() };
        let salted: [u8; 32] =
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(secrets.password.as_bytes(), salt, *rounds);
        let client_key = hmac(&salted, b"Client Key");
        let stored_key = Sha256::digest(&client_key).to_vec();
        for value in [salted.to_vec(), client_key, stored_key, hmac(&salted, b"Server Key")] {
            for bytes in [value.clone(), hex(&value), unpadded(&value).into_bytes()] {
                assert!(Leak::new(&secrets, std::slice::from_ref(&challenge)).is_in(&bytes));
                assert!(!Leak::new(&secrets, &[]).is_in(&bytes));
            }
        }
    }

    #[test]
    fn an_honest_startup_message_is_no_leak() {
        assert!(
            !Leak::new(&secrets(), &[Challenge::ScramSalt(b"salt".to_vec(), 2)])
                .is_in(b"\0\0\0\x20\0\x03\0\0user\0any\0database\0postgres\0\0")
        );
    }
}
