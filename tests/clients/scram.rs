//! SCRAM-SHA-256 and -PLUS from the client's side (RFC 5802, RFC 7677, RFC 5929).

use openssl::{
    base64,
    error::ErrorStack,
    hash::{MessageDigest, hash},
    memcmp,
    nid::Nid,
    pkcs5::pbkdf2_hmac,
    pkey::PKey,
    rand::rand_bytes,
    sign::Signer,
    ssl::SslRef,
};

use crate::{
    attempts::Failure,
    fault::Fault,
    settings::{Binding, Settings},
};

const PLAIN: &str = "SCRAM-SHA-256";
const PLUS: &str = "SCRAM-SHA-256-PLUS";

/// As many iterations as are reckoned for a server that has proved nothing yet.
const MOST_ITERATIONS: usize = 100_000;

/// One exchange.
#[derive(Debug)]
pub(crate) struct Scram {
    password: String,
    /// What the certificate is bound by.
    binding: Option<Vec<u8>>,
    gs2_header: &'static str,
    nonce: String,
    /// What the server has to show in the end.
    server_signature: Vec<u8>,
    finished: bool,
}

impl Scram {
    /// Chooses among the mechanisms that the server offers.
    pub(crate) fn choose(
        offered: &[u8],
        tls: Option<&SslRef>,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let offers =
            |name: &str| offered.split(|byte| *byte == 0).any(|offer| offer == name.as_bytes());
        let wants = settings.binding != Binding::Disable && !settings.has(Fault::DropsPlus);
        let bound = tls.filter(|_| wants && offers(PLUS));
        if bound.is_none()
            && settings.binding == Binding::Require
            && !settings.has(Fault::DropsPlus)
        {
            return Err(Failure::last(
                "channel binding is required, but server did not offer an authentication method that supports channel binding",
            ));
        }
        if bound.is_none() && !offers(PLAIN) {
            return Err(Failure::last(
                "none of the server's SASL authentication mechanisms are supported",
            ));
        }
        let mut nonce = [0; 18];
        rand_bytes(&mut nonce).map_err(Failure::last)?;
        let gs2_header = match (bound, tls) {
            (Some(_), _) => "p=tls-server-end-point,,",
            (None, Some(_)) if wants => "y,,",
            _ => "n,,",
        };
        Ok(Self {
            password: settings.password.clone(),
            binding: bound.map(|tls| end_point(tls, settings)).transpose()?,
            gs2_header,
            nonce: base64::encode_block(&nonce),
            server_signature: Vec::new(),
            finished: false,
        })
    }

    /// The mechanism's name.
    pub(crate) fn mechanism(&self) -> &'static str {
        if self.is_bound() { PLUS } else { PLAIN }
    }

    /// Whether the exchange is bound to the channel.
    pub(crate) fn is_bound(&self) -> bool {
        self.binding.is_some()
    }

    /// Whether the server has shown that it knows the password too.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The client-first-message.
    pub(crate) fn first(&self) -> String {
        format!("{}{}", self.gs2_header, self.first_bare())
    }

    // PostgreSQL takes the user from the StartupMessage.
    fn first_bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// The client-final-message, in answer to the server-first-message.
    pub(crate) fn answer(&mut self, message: &[u8]) -> Result<String, Failure> {
        let malformed = || Failure::last("malformed SCRAM message");
        let server_first = std::str::from_utf8(message).map_err(|_| malformed())?;
        let attribute = |name: &str| {
            server_first.split(',').find_map(|part| part.strip_prefix(name)).ok_or_else(malformed)
        };
        let nonce = attribute("r=")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Failure::last("invalid SCRAM response (nonce mismatch)"));
        }
        let salt = base64::decode_block(attribute("s=")?).map_err(Failure::last)?;
        let iterations = attribute("i=")?.parse().map_err(|_| malformed())?;
        if !(1..=MOST_ITERATIONS).contains(&iterations) {
            return Err(malformed());
        }
        let mut salted = [0; 32];
        pbkdf2_hmac(
            self.password.as_bytes(),
            &salt,
            iterations,
            MessageDigest::sha256(),
            &mut salted,
        )
        .map_err(Failure::last)?;
        let channel =
            [self.gs2_header.as_bytes(), self.binding.as_deref().unwrap_or_default()].concat();
        let without_proof = format!("c={},r={nonce}", base64::encode_block(&channel));
        let signed = format!("{},{server_first},{without_proof}", self.first_bare());
        let (proof, server_signature) =
            signatures(&salted, signed.as_bytes()).map_err(Failure::last)?;
        self.server_signature = server_signature;
        Ok(format!("{without_proof},p={}", base64::encode_block(&proof)))
    }

    /// Takes the server-final-message.
    pub(crate) fn finish(&mut self, message: &[u8]) -> Result<(), Failure> {
        let shown = std::str::from_utf8(message)
            .ok()
            .and_then(|message| message.strip_prefix("v="))
            .and_then(|signature| base64::decode_block(signature).ok())
            .unwrap_or_default();
        let known = &self.server_signature;
        self.finished =
            !known.is_empty() && shown.len() == known.len() && memcmp::eq(&shown, known);
        if self.finished { Ok(()) } else { Err(Failure::last("incorrect server signature")) }
    }
}

fn hmac(key: &[u8], text: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let key = PKey::hmac(key)?;
    Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(text)
}

/// The client's proof and the server's signature.
fn signatures(salted: &[u8], signed: &[u8]) -> Result<(Vec<u8>, Vec<u8>), ErrorStack> {
    let client_key = hmac(salted, b"Client Key")?;
    let stored_key = hash(MessageDigest::sha256(), &client_key)?;
    let signature = hmac(&stored_key, signed)?;
    let proof = client_key.iter().zip(signature).map(|(key, signature)| key ^ signature).collect();
    Ok((proof, hmac(&hmac(salted, b"Server Key")?, signed)?))
}

/// tls-server-end-point: the certificate's hash by the hash of its signature, MD5 and SHA-1 made SHA-256.
fn end_point(tls: &SslRef, settings: &Settings) -> Result<Vec<u8>, Failure> {
    let certificate =
        tls.peer_certificate().ok_or_else(|| Failure::last("no server certificate"))?;
    let no_digest = || Failure::last("could not determine server certificate signature algorithm");
    let signature = certificate.signature_algorithm().object().nid();
    let digest = signature.signature_algorithms().ok_or_else(no_digest)?.digest;
    let digest = match digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        Nid::UNDEF if settings.has(Fault::BindsByAnotherHash) => MessageDigest::sha256(),
        Nid::UNDEF => return Err(no_digest()),
        digest => MessageDigest::from_nid(digest).ok_or_else(no_digest)?,
    };
    Ok(certificate.digest(digest).map_err(Failure::last)?.to_vec())
}
