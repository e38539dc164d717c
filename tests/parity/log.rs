//! PostgreSQL's log in the contract's notation. Pure.

use pgtls_mock_server::trace::{Event, Outcome, Trace};

/// What `log_line_prefix` must be for [`Line::parse`].
pub(crate) const PREFIX: &str = "@%p|";

/// One line of the log: who wrote it, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) process: u32,
    pub(crate) text: String,
}

impl Line {
    /// Reads a line with our prefix; others are the middle of a longer message.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (process, text) = line.strip_prefix('@')?.split_once('|')?;
        Some(Self { process: process.parse().ok()?, text: text.to_owned() })
    }

    /// The process that this line of the postmaster's says it has forked for a connection.
    pub(crate) fn forked(&self) -> Option<u32> {
        let text = self.text.strip_prefix("DEBUG:  forked new ")?;
        let (kind, rest) = text.split_once(", pid=")?;
        // 18 names the kind and forks other processes alike; up to 17 only connections say this.
        matches!(kind, "backend" | "client backend" | "dead-end client backend")
            .then(|| rest.split(' ').next()?.parse().ok())?
    }

    /// The port that a new connection comes from.
    pub(crate) fn port(&self) -> Option<u16> {
        let rest = self.text.strip_prefix("LOG:  connection received: ")?;
        rest.rsplit_once("port=")?.1.trim().parse().ok()
    }

    /// Whether it is the last thing that a process says.
    pub(crate) fn is_last_word(&self) -> bool {
        self.text.starts_with("DEBUG:  exit(")
    }
}

/// What one connection came to.
struct Seen {
    events: Vec<Event>,
    outcome: Option<Outcome>,
}

/// The trace of a cell from what the process of each connection wrote, the connections in the
/// order in which they were accepted.
pub(crate) fn trace(connections: &[Vec<String>], query: &str) -> Trace {
    let mut trace = Trace::default();
    for messages in connections {
        let Seen { events, outcome } = seen(messages, query);
        trace.connections.push(events);
        if let Some(outcome) = outcome {
            trace.outcome = outcome;
        }
    }
    trace
}

fn seen(messages: &[String], query: &str) -> Seen {
    let mut events = Vec::new();
    let mut outcome = None;
    let mut channel = Outcome::Plain;
    let mut startup_read = false;
    let mut decided = false;
    for message in messages {
        let Some((level, text)) = message.split_once(":  ") else { continue };
        let negotiated = match text {
            "SSLRequest accepted" => Some(Event::SslAccept),
            "SSLRequest rejected" => Some(Event::SslReject),
            "direct SSL connection accepted" => Some(Event::DirectSslAccept),
            "direct SSL connection rejected" => Some(Event::DirectSslReject),
            "GSSENCRequest accepted" => Some(Event::GssAccept),
            "GSSENCRequest rejected" => Some(Event::GssReject),
            _ => None,
        };
        events.extend(negotiated);
        if text == "InitPostgres" {
            startup_read = true;
        } else if text.contains("cancel request") {
            events.push(Event::Cancel);
        } else if text.starts_with("connection authorized: ") {
            decided = true;
            events.push(Event::AuthOk);
            if text.contains("SSL enabled") {
                channel = Outcome::Ssl;
            }
        } else if level == "FATAL" && !decided {
            decided = true;
            events.push(Event::AuthFail);
        } else if is_statement(text) && text.contains(query) {
            outcome = Some(channel);
        }
    }
    if startup_read && !decided {
        events.push(Event::AuthQuit);
    }
    Seen { events, outcome }
}

fn is_statement(text: &str) -> bool {
    text.starts_with("statement: ") || text.starts_with("execute ")
}

/// The trace as a server would log it that has no `trace_connection_negotiation`, which came
/// with PostgreSQL 17.
pub(crate) fn without_negotiation(trace: &Trace) -> Trace {
    let mut trace = trace.clone();
    for events in &mut trace.connections {
        events.retain(|event| {
            matches!(event, Event::AuthOk | Event::AuthFail | Event::AuthQuit | Event::Cancel)
        });
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_retry_reads_as_in_the_contract() {
        let refused = messages(&[
            "LOG:  connection received: host=127.0.0.1 port=51234",
            "LOG:  SSLRequest accepted",
            "DEBUG:  InitPostgres",
            "FATAL:  no pg_hba.conf entry for host \"127.0.0.1\"",
            "FATAL:  said again",
            "DEBUG:  exit(1)",
        ]);
        let served = messages(&[
            "DEBUG:  InitPostgres",
            "LOG:  connection authorized: user=any database=postgres",
            "LOG:  execute s0: SELECT 48151",
        ]);
        let trace = trace(&[refused, served], "SELECT 48151");
        assert_eq!(trace.to_string(), "connect, sslaccept, authfail, reconnect, authok -> plain");
        assert_eq!(
            without_negotiation(&trace).to_string(),
            "connect, authfail, reconnect, authok -> plain"
        );
    }

    #[test]
    fn who_leaves_before_the_login_is_decided_has_quit() {
        let left = messages(&["LOG:  direct SSL connection accepted", "DEBUG:  InitPostgres"]);
        assert_eq!(trace(&[left], "").to_string(), "connect, directsslaccept, authquit -> fail");
        let before = messages(&[
            "LOG:  SSLRequest accepted",
            "LOG:  could not accept SSL connection: EOF detected",
        ]);
        assert_eq!(trace(&[before], "").to_string(), "connect, sslaccept -> fail");
    }

    #[test]
    fn lines_say_who_wrote_them() {
        let line =
            Line::parse("@12|DEBUG:  forked new client backend, pid=34 socket=9").expect("a line");
        assert_eq!((line.process, line.forked()), (12, Some(34)));
        let line = Line::parse("@34|LOG:  connection received: host=127.0.0.1 port=51234")
            .expect("a line");
        assert_eq!((line.port(), line.is_last_word()), (Some(51234), false));
        assert_eq!(Line::parse("\tPATH=/usr/bin"), None);
    }
}
