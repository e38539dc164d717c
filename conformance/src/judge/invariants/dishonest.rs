//! That a client says what happened.

use pgtls_mock_server::{
    trace::{Event, Outcome},
    transcript::EntryKind,
};

use super::{
    super::{claim::Claim, facts::Facts},
    definition::Definition,
};

pub(super) const DISHONEST: Definition = Definition {
    broken_when: "the client says it is connected and the server saw no query, or answers another number than the server gave, or the reverse",
    why: "what the client says of its connection cannot be relied on",
    source: "PostgreSQL documentation, \"Connection Status Functions\": PQstatus and PQsslInUse tell the state of the connection",
    evidence: |facts| {
        // What the client says is in its answer; what contradicts it is the query, or its last word.
        is_dishonest(facts).then(|| match facts.query() {
            query if query.is_empty() => facts.last_message().into_iter().collect(),
            query => query,
        })
    },
};

/// Before a server that does as a script has it, no row need be the right one, and the query may go
/// unread: it says that it is connected where no server ever let it in, or that a query was encrypted
/// that was not, or the reverse.
fn claims_more_than_was(facts: &Facts<'_>, tls: Option<bool>) -> bool {
    let was_let_in = facts.entries().any(|(_, entry)| {
        matches!(
            entry.what,
            EntryKind::Event(Event::AuthOk)
                // One that came before any login.
                | EntryKind::Backend { name: "AuthenticationOk", .. }
                // What raw bytes come to is the client's to say.
                | EntryKind::Hostile(_)
        )
    });
    let really = facts.trace.outcome;
    let contradicts = |tls: bool| tls != matches!(really, Outcome::Ssl);
    !was_let_in || (really.is_connected() && tls.is_some_and(contradicts))
}

fn is_dishonest(facts: &Facts<'_>) -> bool {
    match facts.case.claim {
        Claim::Connected { tls, .. } if facts.case.script.is_some() => {
            claims_more_than_was(facts, *tls)
        }
        Claim::Connected { rows, tls } => {
            let number = facts.case.secrets.number.to_string();
            // What stands in the columns behind the number is written differently from driver to driver.
            let answered = matches!(rows.as_slice(), [row] if row.first() == Some(&number)
                && row.len() == 1 + facts.case.fetch.len());
            let really = facts.trace.outcome;
            !(answered || facts.answer_may_be_changed())
                || !really.is_connected()
                || tls.is_some_and(|tls| tls != matches!(really, Outcome::Ssl))
        }
        // Where the answer to a query that arrived was cut off, it did fail.
        Claim::Failed(_) => !facts.query().is_empty() && !facts.answer_may_be_missing(),
        // It says that it made no connection.
        Claim::Unsupported(_) => true,
        Claim::Hang | Claim::Crash => false,
    }
}
