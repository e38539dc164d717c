//! That a client does not take more than what it was sent is worth.

use super::{
    super::{facts::Facts, usage::Usage},
    definition::Definition,
};
use crate::transcript::Position;

pub(super) const MEMORY: Definition = Definition {
    broken_when: "the client's processes grew by more than 256 MiB over one question while the server sent less than 1 MiB",
    why: "a few bytes of a server take the memory of the application's machine",
    source: "CWE-789: memory is reserved by a length that the other side wrote and nobody checked",
    evidence: |facts| takes_more(facts, |usage| usage.memory > Usage::MUCH_MEMORY),
};

pub(super) const BUSY: Definition = Definition {
    broken_when: "the client burned more than 1 s of processor time over one question while the server sent less than 1 MiB",
    why: "a few bytes of a server stop whatever else the application has to do (CVE-2026-42198)",
    source: "CWE-400, CWE-834; CVE-2026-42198: SCRAM's iterations without a limit",
    evidence: |facts| takes_more(facts, |usage| usage.processor > Usage::LONG),
};

fn takes_more(facts: &Facts<'_>, too_much: impl Fn(&Usage) -> bool) -> Option<Vec<Position>> {
    facts.case.usage.as_ref().filter(|usage| too_much(usage))?;
    let little = facts.sent_by_server().is_some_and(|sent| sent < Usage::LITTLE);
    little.then(|| facts.last_message().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pgtls_mock_server::transcript::{EntryKind, Sender};

    use super::*;
    use crate::{
        axes::Axes,
        judge::{
            case::Case,
            claim::Claim,
            sample::{connection, entry, observation, secrets},
        },
    };

    #[test]
    fn what_little_bytes_cost_counts_and_what_many_cost_does_not() {
        let (axes, secrets, claim) =
            (Axes::default(), secrets(), Claim::Failed("out of memory".to_owned()));
        let much = Usage::new(Usage::MUCH_MEMORY + 1, Usage::LONG + Duration::from_nanos(1));
        let fair = Usage::new(Usage::MUCH_MEMORY, Usage::LONG);
        for (usage, sent, forgotten, breaks) in [
            (Some(much), 100, 0, true),
            (Some(fair), 100, 0, false),
            (Some(much), Usage::LITTLE, 0, false),
            // Nobody knows how much it sent, or what it cost.
            (Some(much), 100, 1, false),
            (None, 100, 0, false),
        ] {
            let mut bytes = entry(Sender::Server, true, EntryKind::Hostile("bytes".into()));
            bytes.size = sent;
            let mut connection = connection(vec![bytes]);
            connection.forgotten = forgotten;
            let observation = observation(vec![connection]);
            let mut case = Case::new(&axes, &observation, &claim, &secrets);
            case.usage = usage;
            let facts = Facts::of(case);
            for definition in [&MEMORY, &BUSY] {
                assert_eq!((definition.evidence)(&facts).is_some(), breaks, "{usage:?} {sent}");
            }
        }
    }
}
