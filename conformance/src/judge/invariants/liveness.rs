//! That a client comes to an answer.

use super::{super::claim::Claim, definition::Definition};

pub(super) const HANG: Definition = Definition {
    broken_when: "no result by the deadline although a connect timeout was given",
    why: "one silent server stops the application for good",
    source: "PostgreSQL documentation, \"Parameter Key Words\", connect_timeout",
    evidence: |facts| {
        // Behind the query there is no connecting any more, so its timeout bounds nothing, as long as the
        // server is there.
        let hangs = *facts.case.claim == Claim::Hang && !facts.may_wait();
        hangs.then(|| facts.last_message().into_iter().collect())
    },
};

pub(super) const CRASH: Definition = Definition {
    broken_when: "the client's process died, or it panicked",
    why: "a server can take the application down",
    source: "PostgreSQL documentation, \"Connection Status Functions\", PQstatus: what fails is a status for the application",
    evidence: |facts| {
        let died = *facts.case.claim == Claim::Crash;
        died.then(|| facts.last_message().into_iter().collect())
    },
};
