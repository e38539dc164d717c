//! That words from before TLS do not reach the application.

use pgtls_mock_server::transcript::{EntryKind, Sender};

use super::{
    super::{facts::Facts, quote::Quotable},
    definition::Definition,
};
use crate::transcript::Position;

pub(super) const SPOOFED_ERROR: Definition = Definition {
    broken_when: "under require or stronger, the text of an ErrorResponse received before TLS reached the application",
    why: "a man in the middle puts words into the application's errors (CVE-2024-10977)",
    source: "CVE-2024-10977; PostgreSQL documentation, \"Message Flow\", section \"SSL Session Encryption\"",
    evidence: |facts| if facts.demands_tls() { quoted(facts) } else { None },
};

/// Fewer characters may be a client's own words as well: a SQLSTATE, "connection refused".
const LEAST_QUOTE: usize = 24;
/// As many of them are letters or digits at the least: of the others a client may show anything.
const LEAST_LETTERS: usize = 12;

/// The ErrorResponses that crossed in clear and are quoted in what the application sees: half of the
/// part that no other cell shares, or their words.
fn quoted(facts: &Facts<'_>) -> Option<Vec<Position>> {
    let canary = &facts.case.secrets.clear_text;
    let texts: Vec<Quotable> = facts.case.claim.texts().into_iter().map(Quotable::new).collect();
    let says_something = |words: &str| {
        let letters = words.chars().filter(char::is_ascii_alphanumeric).count();
        words.len() >= LEAST_QUOTE && letters >= LEAST_LETTERS
    };
    let quotes = |words: &str| says_something(words) && texts.iter().any(|text| text.quotes(words));
    let shows_canary = texts.iter().any(|text| text.quotes_half(canary));
    let positions: Vec<Position> = facts
        .entries()
        .filter(|(_, entry)| entry.sender == Sender::Server && !entry.encrypted)
        .filter(|(_, entry)| match &entry.what {
            EntryKind::Backend { tag: b'E', summary, .. } => {
                (shows_canary && summary.contains(canary.as_str()))
                    || words(summary, canary).any(quotes)
            }
            _ => false,
        })
        .map(|(position, _)| position)
        .collect();
    (shows_canary || !positions.is_empty()).then_some(positions)
}

/// The words of an ErrorResponse, without the SQLSTATE before them and the canary among them: a
/// client may show them without either.
fn words<'a>(summary: &'a str, canary: &'a str) -> impl Iterator<Item = &'a str> {
    let is_sqlstate = |word: &str| {
        word.len() == 5 && word.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    let message = match summary.split_once(' ') {
        Some((first, message)) if is_sqlstate(first) => message,
        _ => summary,
    };
    message.split(canary).flat_map(|part| part.split(['(', ')'])).map(str::trim)
}

#[cfg(test)]
mod tests {
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
    fn an_error_is_quoted_with_or_without_its_sqlstate_and_canary() {
        let canary = secrets().clear_text;
        let quoted = |summary: String, text: &str| {
            let what = EntryKind::Backend { tag: b'E', name: "ErrorResponse", summary };
            let observation =
                observation(vec![connection(vec![entry(Sender::Server, false, what)])]);
            let (axes, secrets, claim) =
                (Axes::default(), secrets(), Claim::Failed(text.to_owned()));
            quoted(&Facts::of(Case::new(&axes, &observation, &claim, &secrets)))
        };
        for summary in [
            format!("28000 no pg_hba.conf entry for host \"127.0.0.1\" ({canary})"),
            format!("28000 {canary}: no pg_hba.conf entry for host \"127.0.0.1\""),
            format!("{canary}: no pg_hba.conf entry for host \"127.0.0.1\""),
        ] {
            for text in [
                "FATAL: no pg_hba.conf entry for host \"127.0.0.1\" (28000)",
                "unexpected reply Mspoofed0123 and so on",
            ] {
                let found = quoted(summary.clone(), text);
                assert_eq!(found, Some(vec![Position::entry(0, 0)]), "{summary}: {text}");
            }
            let other = quoted(summary, "server sent an error response during SSL exchange");
            assert_eq!(other, None);
        }
    }
}
