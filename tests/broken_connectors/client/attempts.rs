//! The order of attempts: which methods a mode allows, and what each answer makes of the rest.

use std::collections::VecDeque;

use pgtls_conformance::runner::Network;

use super::{
    fault::Fault,
    login,
    settings::{Mode, Settings},
    trust,
    wire::{Connection, packet},
};

/// SSLRequest without its length.
const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// A way to speak to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Ssl,
    Plain,
}

/// Why an attempt failed, and so whether another one follows.
#[derive(Debug)]
pub(super) enum Failure {
    /// The call has failed.
    Final(String),
    /// The next method may do, on a new connection.
    NextMethod(String),
}

impl Failure {
    pub(super) fn last(text: impl ToString) -> Self {
        Self::Final(text.to_string())
    }
}

fn methods(mode: Mode) -> VecDeque<Method> {
    match mode {
        Mode::Disable => [Method::Plain].into(),
        Mode::Allow => [Method::Plain, Method::Ssl].into(),
        Mode::Prefer => [Method::Ssl, Method::Plain].into(),
        Mode::Require | Mode::VerifyCa | Mode::VerifyFull => [Method::Ssl].into(),
    }
}

/// One method after the other, each on a new connection.
#[derive(Debug)]
pub(super) struct Attempts<'a> {
    settings: &'a Settings,
    network: &'a Network,
    /// Those that are left.
    methods: VecDeque<Method>,
    texts: Vec<String>,
}

impl<'a> Attempts<'a> {
    pub(super) fn of(settings: &'a Settings, network: &'a Network) -> Self {
        let mut methods = methods(settings.mode);
        if settings.has(Fault::FallsBack) && settings.demands_tls() {
            methods.push_back(Method::Plain);
        }
        Self { settings, network, methods, texts: Vec::new() }
    }

    /// For a cancel request: as encrypted as the session that it is about, and no other way.
    pub(super) fn like_the_session(
        encrypted: bool,
        settings: &'a Settings,
        network: &'a Network,
    ) -> Self {
        let method = if encrypted { Method::Ssl } else { Method::Plain };
        Self { settings, network, methods: [method].into(), texts: Vec::new() }
    }

    /// The next connection by a method that works out.
    pub(super) async fn next(&mut self) -> Option<Connection> {
        while let Some(method) = self.methods.pop_front() {
            match negotiate(self.settings, self.network, method, &mut self.methods).await {
                Ok(connection) => return Some(connection),
                Err(failure) => self.failed(failure),
            }
        }
        None
    }

    /// The last connection came to nothing.
    pub(super) fn failed(&mut self, failure: Failure) {
        match failure {
            Failure::NextMethod(text) => self.texts.push(text),
            Failure::Final(text) => {
                self.texts.push(text);
                self.methods.clear();
            }
        }
    }

    /// Why all of them failed.
    pub(super) fn reasons(self) -> String {
        self.texts.join("; ")
    }
}

/// Opens a connection by that method; `methods` are those left.
async fn negotiate(
    settings: &Settings,
    network: &Network,
    method: Method,
    methods: &mut VecDeque<Method>,
) -> Result<Connection, Failure> {
    let mut connection = Connection::open(settings, network).await.map_err(Failure::last)?;
    if method == Method::Plain {
        return Ok(connection);
    }
    if settings.direct {
        return trust::secure(connection, settings).await;
    }
    connection.send(&packet(&SSL_REQUEST)).await.map_err(Failure::last)?;
    match connection.byte().await.map_err(Failure::last)? {
        b'S' if !connection.inbox.is_empty() && !settings.has(Fault::TakesBytesBehindS) => {
            Err(Failure::last("received unencrypted data after SSL response"))
        }
        b'S' => trust::secure(connection, settings).await,
        b'N' if methods.pop_front() == Some(Method::Plain) => Ok(connection),
        b'N' => {
            if settings.has(Fault::NamesItself) {
                // What comes of it is for the server to tell.
                let _ = connection.send(&login::startup(settings)).await;
            }
            Err(Failure::last("server does not support SSL, but SSL was required"))
        }
        b'E' => Err(Failure::Final(refusal(connection, settings).await)),
        byte => {
            Err(Failure::Final(format!("received invalid response to SSL negotiation: {byte:#x}")))
        }
    }
}

/// What to say of an ErrorResponse that came before TLS: nothing that stands in it.
async fn refusal(mut connection: Connection, settings: &Settings) -> String {
    let mut text = "server sent an error response during SSL exchange".to_owned();
    if settings.has(Fault::ShowsServerText) {
        // What there is, until the server leaves.
        let _ = connection.fill_up().await;
        text.push_str(&String::from_utf8_lossy(&connection.inbox).replace('\0', " "));
    }
    text
}
