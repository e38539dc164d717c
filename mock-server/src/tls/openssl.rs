//! TLS 1.0 and 1.1 by OpenSSL: rustls has never spoken them, and for good reason.

use std::{
    fmt,
    io::{self, Read, Write},
};

use bytes::BytesMut;
use openssl::{
    pkey::PKey,
    ssl::{
        AlpnError, ErrorCode, Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions,
        SslSessionCacheMode, SslStream, SslVerifyMode, SslVersion, select_next_proto,
    },
    x509::{X509, store::X509StoreBuilder},
};
use rustls_pki_types::CertificateDer;

use super::engine::{ALPN, Agreed, Engine, Failure, common_name};
use crate::{Error, pki::Identity};

/// What OpenSSL lets nobody use any more unless asked to: SHA-1 signatures among others.
const CIPHERS: &str = "ALL:@SECLEVEL=0";

pub(super) struct Context(SslContext);

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("openssl::Context")
    }
}

impl Context {
    /// A context that shows `identity`, and asks for a client certificate of `client_root`.
    pub(super) fn new(
        identity: &Identity,
        client_root: Option<&CertificateDer<'static>>,
    ) -> Result<Self, Error> {
        let what = "TLS 1.0 and 1.1";
        let build = || -> Result<SslContext, openssl::error::ErrorStack> {
            let mut builder = SslContextBuilder::new(SslMethod::tls_server())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1))?;
            builder.set_max_proto_version(Some(SslVersion::TLS1_1))?;
            builder.set_cipher_list(CIPHERS)?;
            builder.set_options(SslOptions::NO_TICKET | SslOptions::NO_RENEGOTIATION);
            builder.set_session_cache_mode(SslSessionCacheMode::OFF);
            let mut chain = identity.chain().iter();
            if let Some(leaf) = chain.next() {
                let leaf = X509::from_der(leaf)?;
                builder.set_certificate(leaf.as_ref())?;
            }
            for issuer in chain {
                builder.add_extra_chain_cert(X509::from_der(issuer)?)?;
            }
            let key = PKey::private_key_from_der(identity.key().secret_der())?;
            builder.set_private_key(key.as_ref())?;
            builder.set_alpn_select_callback(|_, offered| {
                select_next_proto(b"\x0apostgresql", offered)
                    .filter(|selected| *selected == ALPN)
                    .ok_or(AlpnError::ALERT_FATAL)
            });
            if let Some(root) = client_root {
                let root = X509::from_der(root)?;
                builder.add_client_ca(&root)?;
                let mut store = X509StoreBuilder::new()?;
                store.add_cert(root)?;
                builder.set_cert_store(store.build());
                builder.set_verify(SslVerifyMode::PEER);
                builder.set_session_id_context(b"pgtls")?;
            }
            Ok(builder.build())
        };
        build().map(Self).map_err(Error::tls(what))
    }

    pub(super) fn engine(&self) -> Result<Box<dyn Engine>, Failure> {
        let stream = Ssl::new(&self.0)
            .and_then(|ssl| SslStream::new(ssl, Pipe::default()))
            .map_err(|error| Failure { reason: error.to_string(), alert: None })?;
        Ok(Box::new(Session { stream, complete: false, peer_closed: false }))
    }
}

/// What OpenSSL takes for a socket: it reads what was received, and collects what is to be sent.
#[derive(Debug, Default)]
struct Pipe {
    received: Vec<u8>,
    taken: usize,
    to_send: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.received[self.taken..]).read(buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.taken += count;
        if self.taken == self.received.len() {
            self.received.clear();
            self.taken = 0;
        }
        Ok(count)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to_send.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Session {
    stream: SslStream<Pipe>,
    complete: bool,
    peer_closed: bool,
}

impl Session {
    fn proceed(&mut self, plaintext: &mut BytesMut) -> Result<(), openssl::ssl::Error> {
        if !self.complete {
            self.stream.accept()?;
            self.complete = true;
        }
        let mut chunk = [0; 4096];
        loop {
            match self.stream.ssl_read(&mut chunk)? {
                0 => return Ok(()),
                count => plaintext.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

impl Engine for Session {
    fn receive(
        &mut self,
        ciphertext: &[u8],
        plaintext: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.stream.get_mut().received.extend_from_slice(ciphertext);
        let result = self.proceed(plaintext);
        out.append(&mut self.stream.get_mut().to_send);
        match result {
            Ok(()) => Ok(()),
            Err(error) if error.code() == ErrorCode::WANT_READ => Ok(()),
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => {
                self.peer_closed = true;
                Ok(())
            }
            Err(error) => Err(Failure { reason: error.to_string(), alert: None }),
        }
    }

    fn send(&mut self, plaintext: &[u8], out: &mut Vec<u8>) {
        let mut rest = plaintext;
        while !rest.is_empty() {
            match self.stream.ssl_write(rest) {
                Ok(count @ 1..) => rest = &rest[count..],
                _ => break,
            }
        }
        out.append(&mut self.stream.get_mut().to_send);
    }

    /// It speaks versions without KeyUpdate.
    fn update_keys(&mut self, _: &mut Vec<u8>) {}

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.complete {
            // It fails only where the session is over already.
            let _ = self.stream.shutdown();
        }
        out.append(&mut self.stream.get_mut().to_send);
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    fn agreed(&self) -> Agreed {
        let ssl = self.stream.ssl();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Agreed {
            version: ssl.version2().map(|version| match version {
                SslVersion::TLS1 => "TLSv1.0".to_owned(),
                _ => ssl.version_str().to_owned(),
            }),
            cipher: ssl
                .current_cipher()
                .and_then(openssl::ssl::SslCipherRef::standard_name)
                .map(str::to_owned),
            alpn: ssl.selected_alpn_protocol().map(text),
        }
    }

    fn client_name(&self) -> Option<String> {
        let certificate = self.stream.ssl().peer_certificate()?;
        common_name(&certificate.to_der().ok()?)
    }
}
