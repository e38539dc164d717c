//! The login: StartupMessage, and the proof that is asked for.

use openssl::hash::{MessageDigest, hash};

use super::{
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

/// A StartupMessage.
pub(super) fn startup(settings: &Settings) -> Vec<u8> {
    let mut body = PROTOCOL.to_vec();
    for (name, value) in [("user", &settings.user), ("database", &settings.dbname)] {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    packet(&body)
}

/// A CancelRequest.
pub(super) fn cancel_request(key: &[u8]) -> Vec<u8> {
    packet(&[&CANCEL_REQUEST, key].concat())
}

/// Logs in, and tells the key for a cancel request; afterwards the session has begun.
pub(super) async fn log_in(
    connection: &mut Connection,
    settings: &Settings,
) -> Result<Vec<u8>, Failure> {
    connection.send(&startup(settings)).await.map_err(Failure::last)?;
    let mut scram = None;
    loop {
        let (tag, body) = connection.message().await.map_err(Failure::last)?;
        match tag {
            b'R' if body == [0; 4] => break,
            b'R' => prove(connection, settings, &body, &mut scram).await?,
            // NegotiateProtocolVersion: nothing was asked for that could be missing.
            b'v' | b'N' => {}
            b'E' => return Err(Failure::NextMethod(said(&body))),
            other => return Err(unexpected(other)),
        }
    }
    let unfinished = scram.as_ref().is_some_and(|scram| !scram.is_finished());
    if unfinished && !settings.has(Fault::TakesAnEarlyEnd) {
        return Err(Failure::last("server ended SASL authentication early"));
    }
    let bound = scram.is_some_and(|scram| scram.is_bound());
    if settings.binding == Binding::Require && !bound && !settings.has(Fault::DropsTheBinding) {
        return Err(Failure::last("channel binding required, but the login went without it"));
    }
    let mut key = Vec::new();
    loop {
        match connection.message().await.map_err(Failure::last)? {
            (b'Z', _) => return Ok(key),
            (b'K', body) => key = body,
            (b'S' | b'N' | b'v', _) => {}
            (b'E', body) => return Err(Failure::Final(said(&body))),
            (other, _) => return Err(unexpected(other)),
        }
    }
}

/// Gives the proof that an authentication request asks for.
async fn prove(
    connection: &mut Connection,
    settings: &Settings,
    request: &[u8],
    scram: &mut Option<Scram>,
) -> Result<(), Failure> {
    let Some((code, body)) = request.split_first_chunk::<4>() else {
        return Err(Failure::last("authentication request without a code"));
    };
    let out_of_order = || Failure::last("SASL out of order");
    let binds = settings.binding == Binding::Require && !settings.has(Fault::DropsTheBinding);
    let proof = match u32::from_be_bytes(*code) {
        3 | 5 if binds => return Err(Failure::last("channel binding required, but not offered")),
        // Who proves itself by SCRAM does not ask for the password in between.
        3 | 5 | 10 if scram.is_some() => return Err(out_of_order()),
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
        11 => scram.as_mut().ok_or_else(out_of_order)?.answer(body)?.into_bytes(),
        12 => return scram.as_mut().ok_or_else(out_of_order)?.finish(body),
        other => {
            return Err(Failure::Final(format!("authentication method {other} not supported")));
        }
    };
    connection.send(&framed(b'p', &proof)).await.map_err(Failure::last)
}

fn terminated(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn hex_md5(pieces: &[&[u8]]) -> String {
    let digest = hash(MessageDigest::md5(), &pieces.concat());
    digest
        .map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect())
        .unwrap_or_default()
}

/// What PostgreSQL stores of a password.
fn stored_md5(settings: &Settings) -> String {
    hex_md5(&[settings.password.as_bytes(), settings.user.as_bytes()])
}

/// The text of an ErrorResponse.
pub(super) fn said(body: &[u8]) -> String {
    let field = |kind: u8| {
        body.split(|byte| *byte == 0)
            .find_map(|field| field.strip_prefix(&[kind]))
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    };
    format!("{}: {} ({})", field(b'S'), field(b'M'), field(b'C'))
}

fn unexpected(tag: u8) -> Failure {
    Failure::Final(format!("expected authentication, but received {:?}", char::from(tag)))
}
