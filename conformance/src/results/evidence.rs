//! What broke an invariant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Texts,
    judge::{Broken, Invariant},
};

/// What broke an invariant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Evidence {
    /// Which one.
    pub invariant: Invariant,
    /// The transcript's lines that broke it; none where the server saw nothing of it.
    pub lines: Vec<String>,
}

impl Evidence {
    /// What the judge found, each line with what no two runs share taken out by `scrub`.
    #[must_use]
    pub fn of(broken: &Broken, scrub: impl Fn(&str) -> String) -> Self {
        let lines = broken.lines.iter().map(|(_, line)| scrub(line)).collect();
        Self { invariant: broken.invariant, lines }
    }
}

impl Texts for Evidence {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        let Self { invariant: _, lines } = self;
        lines.texts(each);
    }
}
