//! One connect call from its question to its outcome: connect, ask, cancel if wanted, leave.

use std::{thread, time::Duration};

use crate::{
    attempts::{Failure, each_method},
    contract::{Connect, Outcome},
    fault::Fault,
    login::{self, Key, log_in, said},
    settings::Settings,
    wire::{Connection, framed},
};

/// Well behind the time that a server gives a client to speak unasked, and well before any timeout.
const LATE: Duration = Duration::from_millis(300);

/// Does what the question asks for.
pub(crate) fn run(question: &Connect, fault: Option<Fault>) -> Outcome {
    if fault == Some(Fault::NeverConnects) {
        return Outcome::Failed("unexpected keyword argument 'hots'".to_owned());
    }
    let settings = match Settings::parse(question, fault) {
        Ok(settings) => settings,
        Err(_)
            if matches!(
                fault,
                Some(Fault::SaysYesToNonsense | Fault::RefusesNonsenseAheadOfTime)
            ) && question.sslmode.as_deref() == Some("nonsense") =>
        {
            return Outcome::Connected { tls: false, rows: vec![vec!["1".to_owned()]] };
        }
        Err(text) => return Outcome::Failed(text),
    };
    let outcome = call(&settings);
    if settings.has(Fault::LeaksAfterwards) && settings.demands_tls() {
        // What comes of it is for the server to tell.
        if let Ok(mut connection) = Connection::open(&settings) {
            let _ = log_in(&mut connection, &settings);
            connection.close();
        }
    }
    match outcome {
        Ok(_) if settings.has(Fault::UnsupportedAfterwards) => {
            Outcome::Unsupported("on second thought".to_owned())
        }
        Ok(_) if settings.has(Fault::FailsAfterQuery) => {
            Outcome::Failed("it felt wrong".to_owned())
        }
        Ok((_, rows)) if settings.has(Fault::WrongNumber) => Outcome::Connected {
            tls: false,
            rows: rows.into_iter().map(|_| vec!["4711".to_owned()]).collect(),
        },
        Ok((_, rows)) if settings.has(Fault::ClaimsTls) => Outcome::Connected { tls: true, rows },
        Ok((tls, rows)) => Outcome::Connected { tls, rows },
        Err(_) if settings.has(Fault::ConnectsInWords) => {
            let number = settings.query.trim_start_matches("SELECT ").to_owned();
            Outcome::Connected { tls: true, rows: vec![vec![number]] }
        }
        Err(text) => Outcome::Failed(text),
    }
}

type Rows = Vec<Vec<String>>;

/// Connects and asks; tells whether that was over TLS.
fn call(settings: &Settings) -> Result<(bool, Rows), String> {
    let (mut connection, key) = each_method(settings, |mut connection| {
        let key = log_in(&mut connection, settings)?;
        connection.connected();
        Ok((connection, key))
    })?;
    if settings.has(Fault::TakesStuffedBytesLateAndLeaves) {
        thread::sleep(LATE);
    }
    if settings.has(Fault::TakesStuffedBytesAndLeaves)
        || settings.has(Fault::TakesStuffedBytesLateAndLeaves)
    {
        leave(connection);
        return Err("not today".to_owned());
    }
    let rows = query(&mut connection, &settings.query)?;
    if settings.cancels {
        cancel(settings, &key)?;
    }
    let tls = connection.tls().is_some();
    if settings.has(Fault::LeavesItsConnectionOpen) && settings.demands_tls() {
        // Until the process ends.
        std::mem::forget(connection);
        return Ok((tls, rows));
    }
    leave(connection);
    Ok((tls, rows))
}

/// Asks the server to stop what the session is doing, by the same methods as the session was had.
fn cancel(settings: &Settings, key: &Key) -> Result<(), String> {
    let send = |mut connection: Connection| {
        connection.send(&login::cancel_request(key)).map_err(Failure::last)?;
        connection.drain();
        Ok(())
    };
    if settings.has(Fault::CancelsInClear) {
        let connection = Connection::open(settings).map_err(|error| error.to_string())?;
        let _ = send(connection);
        return Ok(());
    }
    each_method(settings, send)
}

/// Logs in without TLS, whatever was asked for; what comes of it is for the server to tell.
pub(crate) fn log_in_in_clear(question: &Connect) {
    let Ok(settings) = Settings::parse(question, None) else { return };
    if let Ok(mut connection) = Connection::open(&settings) {
        let _ = log_in(&mut connection, &settings);
        connection.close();
    }
}

/// Waits until the server seems to be ready for a query, and sends it.
pub(crate) fn ask_at_once(connection: &mut Connection, settings: &Settings) {
    while let Ok((tag, _)) = connection.message() {
        if tag == b'Z' {
            // What comes of it is for the server to tell.
            let _ = query(connection, &settings.query);
            return;
        }
    }
}

/// Asks one question by the simple protocol.
fn query(connection: &mut Connection, query: &str) -> Result<Rows, String> {
    let text = |error: std::io::Error| error.to_string();
    connection.send(&framed(b'Q', &[query.as_bytes(), b"\0"].concat())).map_err(text)?;
    let mut rows = Rows::new();
    loop {
        match connection.message().map_err(text)? {
            (b'Z', _) => return Ok(rows),
            (b'D', body) => rows.push(columns(&body).ok_or("malformed DataRow")?),
            (b'T' | b'C' | b'S' | b'N' | b'I', _) => {}
            (b'E', body) => return Err(said(&body)),
            (other, _) => return Err(format!("unexpected message {:?}", char::from(other))),
        }
    }
}

/// The values of a DataRow; NULL is `NULL`.
fn columns(body: &[u8]) -> Option<Vec<String>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut values = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (size, behind) = rest.split_first_chunk::<4>()?;
        rest = behind;
        values.push(match usize::try_from(i32::from_be_bytes(*size)) {
            Err(_) => "NULL".to_owned(),
            Ok(size) => {
                let (value, behind) = rest.split_at_checked(size)?;
                rest = behind;
                String::from_utf8_lossy(value).into_owned()
            }
        });
    }
    Some(values)
}

fn leave(mut connection: Connection) {
    // The server may be gone already.
    let _ = connection.send(&framed(b'X', &[]));
    connection.close();
}
