//! The order of attempts: which methods a mode allows, and what each answer makes of the rest.

use std::collections::VecDeque;

use crate::{
    fault::Fault,
    login, session,
    settings::{Mode, Settings},
    trust,
    wire::{Connection, packet},
};

/// SSLRequest without its length.
const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
/// GSSENCRequest without its length.
const GSSENC_REQUEST: [u8; 4] = 80_877_104_u32.to_be_bytes();
/// As many connections as a storm opens.
const STORM: usize = 20;

/// A way to speak to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Ssl,
    Plain,
}

/// Why an attempt failed, and so whether another one follows.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call has failed.
    Final(String),
    /// The next method may do, on a new connection.
    NextMethod(String),
}

impl Failure {
    pub(crate) fn last(text: impl ToString) -> Self {
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

/// Tries one method after the other until `then` has done with a connection what it is for.
pub(crate) fn each_method<T>(
    settings: &Settings,
    then: impl Fn(Connection) -> Result<T, Failure>,
) -> Result<T, String> {
    let mut methods = methods(settings.mode);
    if settings.has(Fault::NeverRetries) {
        methods.truncate(1);
    }
    if settings.has(Fault::RetriesTooMuch) {
        methods = methods.into_iter().flat_map(|method| [method, method]).collect();
    }
    if settings.has(Fault::Storms) {
        for _ in 0..STORM {
            // What becomes of them is of no interest.
            let _ = Connection::open(settings);
        }
    }
    if settings.has(Fault::StartsInClear) && settings.demands_tls() {
        let mut connection = Connection::open(settings).map_err(|error| error.to_string())?;
        connection.send(&login::startup(settings, "")).map_err(|error| error.to_string())?;
        connection.close();
    }
    let mut texts = Vec::new();
    while let Some(method) = methods.pop_front() {
        match negotiate(settings, method, &mut methods).and_then(&then) {
            Ok(done) => return Ok(done),
            Err(Failure::Final(text)) => {
                texts.push(text);
                break;
            }
            Err(Failure::NextMethod(text)) => {
                texts.push(text);
                if settings.has(Fault::LeaksAfterAuthfail)
                    && method == Method::Ssl
                    && settings.demands_tls()
                {
                    methods.push_back(Method::Plain);
                }
            }
        }
    }
    Err(texts.join("; "))
}

/// Opens a connection by that method; `methods` are those left.
fn negotiate(
    settings: &Settings,
    method: Method,
    methods: &mut VecDeque<Method>,
) -> Result<Connection, Failure> {
    let mut connection = Connection::open(settings).map_err(Failure::last)?;
    if method == Method::Plain {
        return Ok(connection);
    }
    if settings.direct {
        return trust::secure(connection, settings);
    }
    if settings.has(Fault::AsksForGssFirst) {
        connection.send(&packet(&GSSENC_REQUEST)).map_err(Failure::last)?;
        if connection.byte().map_err(Failure::last)? != b'N' {
            return Err(Failure::last("GSS encryption was not refused"));
        }
    }
    connection.send(&packet(&SSL_REQUEST)).map_err(Failure::last)?;
    match connection.byte().map_err(Failure::last)? {
        b'S' if settings.has(Fault::TakesStuffedBytesInClear) => {
            session::ask_at_once(&mut connection, settings);
            Err(Failure::last("it was not the session it looked like"))
        }
        b'S' => trust::secure(connection, settings),
        b'N' => match methods.pop_front() {
            Some(Method::Plain) => Ok(connection),
            _ if settings.has(Fault::FallsBack) => Ok(connection),
            _ => {
                login::leak(&mut connection, settings);
                Err(Failure::last("server does not support SSL, but SSL was required"))
            }
        },
        b'E' => Err(Failure::Final(refusal(&mut connection, settings))),
        byte => {
            Err(Failure::Final(format!("received invalid response to SSL negotiation: {byte:#x}")))
        }
    }
}

/// What to say of an ErrorResponse that came before TLS: nothing that stands in it.
fn refusal(connection: &mut Connection, settings: &Settings) -> String {
    const OWN: &str = "server sent an error response during SSL exchange";
    let dress: fn(&[u8]) -> String =
        if settings.has(Fault::ShowsServerText) || settings.has(Fault::LogsServerText) {
            |bytes| String::from_utf8_lossy(bytes).replace('\0', " ")
        } else if settings.has(Fault::ShowsServerTextDressed) {
            |bytes| {
                let capitals = String::from_utf8_lossy(bytes).replace('\0', " ").to_uppercase();
                let pieces: Vec<_> =
                    capitals.as_bytes().chunks(5).map(String::from_utf8_lossy).collect();
                pieces.join("\u{1b}[0m\\n")
            }
        } else if settings.has(Fault::ShowsServerTextAsNumbers) {
            |bytes| format!("{bytes:?}")
        } else {
            return OWN.to_owned();
        };
    connection.drain_into_inbox();
    let said = dress(&connection.inbox);
    if settings.has(Fault::LogsServerText) {
        eprintln!("{OWN}: {said}");
        return OWN.to_owned();
    }
    format!("{OWN}: {said}")
}
