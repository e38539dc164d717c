//! What is worth knowing and breaks nothing.

use super::facts::Facts;
use crate::axes::Sslmode;

pgtls_mock_server::axis! {
    /// Worth knowing, and no finding.
    "warning" Warning {
        /// A mode that allows plaintext by design sent a password in clear.
        PlaintextByDesign = "plaintext-by-design",
        /// The client did more than the server keeps, so that a broken invariant may be unseen.
        TranscriptIncomplete = "transcript-incomplete",
    }
}

pub(super) fn warnings(facts: &Facts<'_>) -> Vec<Warning> {
    let mode = facts.case.axes.effective_sslmode();
    let by_design = matches!(mode, Sslmode::Allow | Sslmode::Prefer);
    let warnings = [
        (by_design && !facts.plaintext_password.is_empty(), Warning::PlaintextByDesign),
        (facts.transcript_is_incomplete(), Warning::TranscriptIncomplete),
    ];
    warnings.into_iter().filter_map(|(applies, warning)| applies.then_some(warning)).collect()
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::transcript::Connection;

    use super::*;
    use crate::judge::{
        case::Case,
        claim::Claim,
        sample::{observation, secrets},
    };

    #[test]
    fn what_was_not_kept_is_told() {
        let of = |connection: Connection| {
            let (axes, secrets) = (crate::axes::Axes::default(), secrets());
            let (observation, claim) =
                (observation(vec![connection]), Claim::Failed(String::new()));
            warnings(&Facts::of(Case::new(&axes, &observation, &claim, &secrets)))
        };
        assert_eq!(of(Connection::default()), []);
        let (mut entries, mut clear) = (Connection::default(), Connection::default());
        (entries.forgotten, clear.clear_forgotten) = (1, 1);
        for connection in [entries, clear] {
            assert_eq!(of(connection), [Warning::TranscriptIncomplete]);
        }
    }
}
