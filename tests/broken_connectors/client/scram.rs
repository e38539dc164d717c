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
    x509::X509,
};
use tokio_rustls::rustls::ClientConnection;

use super::{
    attempts::Failure,
    fault::Fault,
    settings::{Binding, Settings},
};

const PLAIN: &str = "SCRAM-SHA-256";
const PLUS: &str = "SCRAM-SHA-256-PLUS";

/// As many iterations as are done for a server: a hundred times what PostgreSQL stores, 4096.
const MOST_ITERATIONS: usize = 409_600;
/// As many as are done without a bound, so that a test comes to its end: seconds of work.
const UNBOUND: usize = 10_000_000;

/// One exchange.
#[derive(Debug)]
pub(super) struct Scram {
    password: String,
    /// What the certificate is bound by.
    binding: Option<Vec<u8>>,
    gs2_header: &'static str,
    nonce: String,
    /// What the server has to show in the end.
    server_signature: Vec<u8>,
    finished: bool,
    fault: Option<Fault>,
}

impl Scram {
    /// Chooses among the mechanisms that the server offers.
    pub(super) fn choose(
        offered: &[u8],
        tls: Option<&ClientConnection>,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        let offers =
            |name: &str| offered.split(|byte| *byte == 0).any(|offer| offer == name.as_bytes());
        let wants = settings.binding != Binding::Disable;
        let bound = tls.filter(|_| wants && offers(PLUS));
        let binds = settings.binding == Binding::Require && !settings.has(Fault::DropsTheBinding);
        if bound.is_none() && (binds || !offers(PLAIN)) {
            return Err(Failure::last("no mechanism of the server's is supported"));
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
            binding: bound.map(end_point).transpose()?,
            gs2_header,
            nonce: base64::encode_block(&nonce),
            server_signature: Vec::new(),
            finished: false,
            fault: settings.fault(),
        })
    }

    /// The mechanism's name.
    pub(super) fn mechanism(&self) -> &'static str {
        if self.is_bound() { PLUS } else { PLAIN }
    }

    /// Whether the exchange is bound to the channel.
    pub(super) fn is_bound(&self) -> bool {
        self.binding.is_some()
    }

    /// Whether the server has shown that it knows the password too.
    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// The client-first-message.
    pub(super) fn first(&self) -> String {
        format!("{}{}", self.gs2_header, self.first_bare())
    }

    // PostgreSQL takes the user from the StartupMessage.
    fn first_bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    /// The client-final-message, in answer to the server-first-message.
    pub(super) fn answer(&mut self, message: &[u8]) -> Result<String, Failure> {
        let malformed = || Failure::last("malformed SCRAM message");
        let server_first = std::str::from_utf8(message).map_err(|_| malformed())?;
        // In this order, and no extension that must be understood (`m=`) before.
        let mut parts = server_first.split(',');
        let mut attribute = |name| {
            parts.next().and_then(|part: &str| part.strip_prefix(name)).ok_or_else(malformed)
        };
        let (nonce, salt, iterations) = (attribute("r=")?, attribute("s=")?, attribute("i=")?);
        if !self.server_signature.is_empty() {
            return Err(Failure::last("SASL out of order"));
        }
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Failure::last("invalid SCRAM response (nonce mismatch)"));
        }
        let salt = base64::decode_block(salt).map_err(Failure::last)?;
        let iterations = iterations.parse().map_err(|_| malformed())?;
        let iterations = match iterations {
            1..=MOST_ITERATIONS => iterations,
            0 => return Err(malformed()),
            many if self.fault == Some(Fault::CountsWithoutBound) => many.min(UNBOUND),
            _ => return Err(Failure::last("the server wants too many iterations")),
        };
        let mut salted = [0; 32];
        let sha256 = MessageDigest::sha256();
        pbkdf2_hmac(self.password.as_bytes(), &salt, iterations, sha256, &mut salted)
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
    pub(super) fn finish(&mut self, message: &[u8]) -> Result<(), Failure> {
        let shown = std::str::from_utf8(message)
            .ok()
            .and_then(|message| message.strip_prefix("v="))
            .and_then(|signature| base64::decode_block(signature).ok());
        let known = &self.server_signature;
        self.finished = shown.is_some_and(|shown| {
            !known.is_empty() && shown.len() == known.len() && memcmp::eq(&shown, known)
        });
        if self.finished || self.fault == Some(Fault::TakesAnySignature) {
            self.finished = true;
            return Ok(());
        }
        Err(Failure::last("incorrect server signature"))
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
fn end_point(tls: &ClientConnection) -> Result<Vec<u8>, Failure> {
    let shown = tls.peer_certificates().and_then(<[_]>::first);
    let shown = shown.ok_or_else(|| Failure::last("no server certificate"))?;
    let certificate = X509::from_der(shown).map_err(Failure::last)?;
    let no_digest = || Failure::last("could not determine server certificate signature algorithm");
    let signature = certificate.signature_algorithm().object().nid();
    let digest = signature.signature_algorithms().ok_or_else(no_digest)?.digest;
    let digest = match digest {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        Nid::UNDEF => return Err(no_digest()),
        digest => MessageDigest::from_nid(digest).ok_or_else(no_digest)?,
    };
    Ok(certificate.digest(digest).map_err(Failure::last)?.to_vec())
}
