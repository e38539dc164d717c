//! Traces in words.

use pgtls_conformance::Written;
use pgtls_mock_server::trace::{Event, Outcome, Trace};

/// A trace as a sentence's predicate: "starts TLS, and then the query arrives over TLS".
pub(super) fn tell(trace: &Written<Trace>) -> String {
    let Written::Known(trace) = trace else { return trace.to_string() };
    if trace.connections.is_empty() {
        return format!("makes no connection{}", ending(trace.outcome, true));
    }
    let connections: Vec<String> = trace
        .connections
        .iter()
        .map(|events| {
            let steps: Vec<&str> = events.iter().map(|event| step(*event)).collect();
            if steps.is_empty() { "connects".to_owned() } else { steps.join(", ") }
        })
        .collect();
    format!("{}{}", connections.join("; on a new connection: "), ending(trace.outcome, false))
}

fn step(event: Event) -> &'static str {
    match event {
        Event::SslAccept => "asks for TLS and is given it",
        Event::SslReject => "asks for TLS and is refused",
        Event::DirectSslAccept => "completes a direct TLS handshake",
        Event::DirectSslReject => "begins a direct TLS handshake that does not complete",
        Event::GssAccept => "asks for GSS encryption and is given it",
        Event::GssReject => "asks for GSS encryption and is refused",
        Event::BackendError => "is sent an error before any login",
        Event::AuthOk => "logs in",
        Event::AuthFail => "is rejected at login",
        Event::AuthQuit => "leaves during login",
        Event::Cancel => "sends a cancel request",
        _ => "sends what is no message",
    }
}

fn ending(outcome: Outcome, alone: bool) -> &'static str {
    match outcome {
        Outcome::Ssl => ", and runs its query over TLS",
        Outcome::Plain => ", and runs its query in plaintext",
        Outcome::Gss => ", and runs its query over GSS encryption",
        Outcome::Hang => ", and hangs",
        Outcome::Crash => ", and crashes",
        _ if alone => "",
        _ => ", and gives up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_read_as_sentences() {
        for (trace, words) in [
            ("- -> fail", "makes no connection"),
            ("connect -> hang", "connects, and hangs"),
            (
                "connect, sslaccept, reconnect, authok -> plain",
                "asks for TLS and is given it; on a new connection: logs in, and runs its query in plaintext",
            ),
        ] {
            assert_eq!(tell(&Written::read(trace)), words);
        }
    }
}
