//! A server of one case: it speaks TLS with that chain, and sees whether the client goes on.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use openssl::{
    error::ErrorStack,
    pkey::PKey,
    ssl::{SslAcceptor, SslMethod},
    x509::X509,
};

use super::Case;

/// As a client needs on a machine that has other things to do.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// One client's visit.
pub(crate) struct Visit {
    pub(crate) port: u16,
    thread: JoinHandle<bool>,
}

impl Visit {
    /// Waits for one client.
    ///
    /// # Errors
    /// OpenSSL does not serve this chain with this key.
    pub(crate) fn expect(case: &Case) -> Result<Visit, ErrorStack> {
        let acceptor = acceptor(case)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let thread = thread::spawn(move || {
            let (socket, _) = listener.accept().expect("a client");
            socket.set_read_timeout(Some(TIMEOUT)).expect("a deadline");
            socket.set_write_timeout(Some(TIMEOUT)).expect("a deadline");
            goes_on(&acceptor, socket)
        });
        Ok(Visit { port, thread })
    }

    /// Whether the client sent its StartupMessage, which it does when it has found the chain and the name right.
    pub(crate) fn went_on(self) -> bool {
        self.thread.join().expect("a server")
    }

    /// The client ended. If it never came, it is not waited for.
    pub(crate) fn give_up(&self) {
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

/// With every key and signature that OpenSSL has, however weak: it is the client that judges.
fn acceptor(case: &Case) -> Result<SslAcceptor, ErrorStack> {
    let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
    builder.set_security_level(0);
    builder.set_cipher_list("ALL:@SECLEVEL=0")?;
    builder.set_certificate(&*X509::from_pem(case.peer_certificate.as_bytes())?)?;
    builder.set_private_key(&*PKey::private_key_from_pem(case.peer_certificate_key.as_bytes())?)?;
    builder.check_private_key()?;
    for certificate in &case.untrusted_intermediates {
        builder.add_extra_chain_cert(X509::from_pem(certificate.as_bytes())?)?;
    }
    Ok(builder.build())
}

fn goes_on(acceptor: &SslAcceptor, mut socket: TcpStream) -> bool {
    /// protocol.html, section 55.7: length 8, code 80877103.
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let mut request = [0; 8];
    if socket.read_exact(&mut request).is_err() || request != SSL_REQUEST {
        return false;
    }
    if socket.write_all(b"S").is_err() {
        return false;
    }
    let Ok(mut session) = acceptor.accept(socket) else { return false };
    let mut length = [0; 4];
    if session.read_exact(&mut length).is_err() {
        return false;
    }
    // So that the client need not wait.
    let error = b"SFATAL\0VFATAL\0C28000\0Mthis server lets nobody in\0\0";
    let length = u32::try_from(error.len() + 4).expect("a length").to_be_bytes();
    let _ = session.write_all(&[b"E", length.as_slice(), error].concat());
    let _ = session.shutdown();
    true
}
