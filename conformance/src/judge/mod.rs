//! The judge: what was observed against the reference, and against what must hold whatever the
//! reference says. Pure functions over values.
//!
//! [`judge`] takes a [`Case`], boils it down to facts, and gives a [`Judgement`]: the verdict against
//! the reference, the broken invariants, each with the transcript's lines that broke it, and warnings.

mod case;
mod claim;
mod conformance;
mod exposure;
mod facts;
mod invariants;
mod judgement;
mod leak;
mod quote;
#[cfg(test)]
mod sample;
mod secrets;
mod spelling;
mod trust;
mod usage;
mod verdict;
mod warning;

pub use self::{
    case::Case,
    claim::Claim,
    invariants::Invariant,
    judgement::{Broken, Judgement, judge},
    secrets::Secrets,
    usage::Usage,
    verdict::Conformance,
    warning::Warning,
};
