//! The judge: what was observed against the reference, and against what must hold whatever the
//! reference says. Pure functions over values.
//!
//! [`judge`] takes a [`Case`], boils it down to facts, and gives a [`Judgement`]: the verdict against
//! the reference, the broken invariants, each with the transcript's lines that broke it, and warnings.

mod claim;
mod conformance;
mod facts;
mod invariants;
mod judgement;
mod leak;
mod quote;
mod spelling;
mod trust;
mod verdict;
mod warning;

pub use self::{
    claim::Claim,
    facts::Case,
    invariants::Invariant,
    judgement::{Broken, Judgement, judge},
    leak::Secrets,
    verdict::Conformance,
    warning::Warning,
};
