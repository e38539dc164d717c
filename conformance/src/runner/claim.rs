//! What a client claims, by its answer or the lack of one.

use crate::{
    judge::Claim,
    shim::{ClientError, Outcome, ShimError},
    words::with_causes,
};

/// What a client claims, and what else there is to tell of its answer.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) claim: Claim,
    /// The error that it shows.
    pub(super) error: Option<ClientError>,
    /// How it crashed or hung, if it did.
    pub(super) reason: Option<String>,
}

impl Claimed {
    /// By what came of asking.
    pub(super) fn of(asked: Result<Outcome, ShimError>) -> Self {
        match asked {
            Ok(Outcome::Connected { tls, rows }) => {
                Self { claim: Claim::Connected { rows, tls }, error: None, reason: None }
            }
            Ok(Outcome::Failed { error }) => {
                let text = format!("{} {}", error.class, error.message);
                Self { claim: Claim::Failed(text), error: Some(error), reason: None }
            }
            Ok(Outcome::Unsupported { reason }) => {
                let error =
                    ClientError { class: "unsupported".to_owned(), message: reason.clone() };
                Self { claim: Claim::Unsupported(reason), error: Some(error), reason: None }
            }
            Err(error @ ShimError::Deadline(_)) => {
                Self { claim: Claim::Hang, error: None, reason: Some(error.to_string()) }
            }
            Err(error) => Self::crash(with_causes(&error)),
        }
    }

    /// It died, or said what it was not asked.
    pub(super) fn crash(how: impl Into<String>) -> Self {
        Self { claim: Claim::Crash, error: None, reason: Some(how.into()) }
    }
}
