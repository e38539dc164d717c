//! The login: StartupMessage, the proof that is asked for, and how secrets get out.

use openssl::{
    base64,
    hash::{MessageDigest, hash},
};

use crate::{
    attempts::Failure,
    fault::Fault,
    scram::Scram,
    settings::{Binding, Settings},
    wire::{Connection, framed, packet},
};

/// Protocol 3.0.
const PROTOCOL: [u8; 4] = [0, 3, 0, 0];
/// CancelRequest without its length.
const CANCEL_REQUEST: [u8; 4] = 80_877_102_u32.to_be_bytes();
/// SQLSTATE `cannot_connect_now`: the server would say the same by any other method.
const CANNOT_CONNECT_NOW: &str = "57P03";

/// What a CancelRequest names its session by.
pub(crate) type Key = Vec<u8>;

/// A StartupMessage.
pub(crate) fn startup(settings: &Settings, application_name: &str) -> Vec<u8> {
    let mut body = PROTOCOL.to_vec();
    let parameters = [
        ("user", settings.user.as_str()),
        ("database", &settings.dbname),
        ("client_encoding", "UTF8"),
        ("application_name", application_name),
    ];
    for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    packet(&body)
}

/// A CancelRequest.
pub(crate) fn cancel_request(key: &[u8]) -> Vec<u8> {
    packet(&[&CANCEL_REQUEST, key].concat())
}

/// Logs in; afterwards the session has begun.
pub(crate) fn log_in(connection: &mut Connection, settings: &Settings) -> Result<Key, Failure> {
    connection.send(&startup(settings, "")).map_err(Failure::last)?;
    let mut scram = None;
    loop {
        let (tag, body) = connection.message().map_err(Failure::last)?;
        match tag {
            b'R' if body.starts_with(&[0; 4]) => break,
            b'R' => prove(connection, settings, &body, &mut scram)?,
            // NegotiateProtocolVersion: nothing was asked for that could be missing.
            b'v' => {}
            b'E' if field(&body, b'C') == CANNOT_CONNECT_NOW => {
                return Err(Failure::Final(said(&body)));
            }
            b'E' => return Err(Failure::NextMethod(said(&body))),
            other => return Err(unexpected(other)),
        }
    }
    let is_finished = scram.as_ref().is_none_or(Scram::is_finished);
    if !is_finished
        && !settings.has(Fault::TakesNoSignature)
        && !settings.has(Fault::TakesAnySignature)
    {
        return Err(Failure::last("server ended SASL authentication early"));
    }
    let bound = scram.is_some_and(|scram| scram.is_bound());
    let drops = settings.has(Fault::DropsBinding) || settings.has(Fault::DropsPlus);
    if settings.binding == Binding::Require && !bound && !drops {
        return Err(Failure::last(
            "channel binding required, but server authenticated client without it",
        ));
    }
    let mut key = Key::new();
    loop {
        match connection.message().map_err(Failure::last)? {
            (b'Z', _) => return Ok(key),
            (b'K', body) => key = body,
            (b'S' | b'N', _) => {}
            (b'E', body) => return Err(Failure::Final(said(&body))),
            (other, _) => return Err(unexpected(other)),
        }
    }
}

/// Gives the proof that an authentication request asks for.
fn prove(
    connection: &mut Connection,
    settings: &Settings,
    request: &[u8],
    scram: &mut Option<Scram>,
) -> Result<(), Failure> {
    let Some((code, body)) = request.split_first_chunk::<4>() else {
        return Err(Failure::last("authentication request without a code"));
    };
    let code = u32::from_be_bytes(*code);
    let unbound = settings.binding == Binding::Require && !settings.has(Fault::DropsBinding);
    let proof = match code {
        3 | 5 if unbound => return Err(Failure::last("channel binding required, but not offered")),
        3 => terminated(&settings.password),
        5 => terminated(&format!("md5{}", hex_md5(&[stored_md5(settings).as_bytes(), body]))),
        10 => {
            let exchange = Scram::choose(body, connection.tls(), settings)?;
            let first = exchange.first();
            let size = u32::try_from(first.len()).unwrap_or_default().to_be_bytes();
            let proof =
                [&terminated(exchange.mechanism())[..], &size[..], first.as_bytes()].concat();
            *scram = Some(exchange);
            proof
        }
        11 => {
            let Some(exchange) = scram else { return Err(Failure::last("SASL out of order")) };
            exchange.answer(body)?.into_bytes()
        }
        12 => {
            let Some(exchange) = scram else { return Err(Failure::last("SASL out of order")) };
            let finished = exchange.finish(body);
            return if settings.has(Fault::TakesAnySignature) { Ok(()) } else { finished };
        }
        other => {
            return Err(Failure::Final(format!("authentication method {other} not supported")));
        }
    };
    connection.send(&framed(b'p', &proof)).map_err(Failure::last)
}

fn terminated(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn hex_md5(pieces: &[&[u8]]) -> String {
    hash(MessageDigest::md5(), &pieces.concat()).map(|digest| hex(&digest)).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What PostgreSQL stores of a password.
fn stored_md5(settings: &Settings) -> String {
    hex_md5(&[settings.password.as_bytes(), settings.user.as_bytes()])
}

/// What a vicious client shows a server that has no TLS.
pub(crate) fn leak(connection: &mut Connection, settings: &Settings) {
    let password = settings.password.as_str();
    let bytes = if settings.has(Fault::LeaksBase64) {
        base64::encode_block(format!("{}:{password}", settings.user).as_bytes()).into_bytes()
    } else if settings.has(Fault::LeaksHex) {
        hex(password.as_bytes()).to_uppercase().into_bytes()
    } else if settings.has(Fault::LeaksInApplicationName) {
        startup(settings, password)
    } else if settings.has(Fault::LeaksMd5) {
        startup(settings, &stored_md5(settings))
    } else if settings.has(Fault::LeaksInCancel) {
        cancel_request(&[&[0, 0, 0, 1], password.as_bytes()].concat())
    } else if settings.has(Fault::LeaksInSasl) {
        startup(settings, "")
    } else {
        return;
    };
    // Whether it arrives is for the server to tell.
    let _ = connection.send(&bytes);
    if settings.has(Fault::LeaksInSasl) && connection.message().is_ok() {
        let size = u32::try_from(password.len()).unwrap_or_default().to_be_bytes();
        let response = [b"SCRAM-SHA-256\0", &size[..], password.as_bytes()].concat();
        let _ = connection.send(&framed(b'p', &response));
    }
}

/// The text of an ErrorResponse.
pub(crate) fn said(body: &[u8]) -> String {
    format!("{}: {} ({})", field(body, b'S'), field(body, b'M'), field(body, b'C'))
}

fn field(body: &[u8], kind: u8) -> String {
    body.split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(&[kind]))
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .unwrap_or_default()
}

fn unexpected(tag: u8) -> Failure {
    Failure::Final(format!(
        "expected authentication request from server, but received {:?}",
        char::from(tag)
    ))
}
