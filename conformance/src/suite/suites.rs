//! The suites by name.

use indexmap::IndexSet;
use pgtls_mock_server::script::Script;

use super::{cancel::cancel, core::core, cube::Cube, full::full};
use crate::{
    axes::{Auth, Axes},
    providers,
};

pgtls_mock_server::axis! {
    /// A set of cells by name.
    "suite" Suite {
        /// What a person wants to know first; seconds.
        Core = "core",
        /// Every product of axes that has meaning.
        Full = "full",
        /// Cancel requests.
        Cancel = "cancel",
        /// What the profiles of `pgtls serve` show.
        Providers = "providers",
    }
}

impl Suite {
    /// The suite's cells without their stack, in cube order, each once.
    #[must_use]
    pub fn cells(self) -> IndexSet<Axes> {
        let cubes = match self {
            Self::Core => core(),
            Self::Full => full(),
            Self::Cancel => cancel(),
            Self::Providers => providers::cubes(),
        };
        cubes.into_iter().flat_map(Cube::cells).filter(has_meaning).collect()
    }
}

/// The injected bytes stand in for a password login; behind any other they would judge nothing.
fn has_meaning(axes: &Axes) -> bool {
    !Script::of(&axes.server).outline(0).injects() || axes.server.auth == Auth::Password
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{axes::Sslmode, providers::Profile};

    #[test]
    fn the_full_suite_holds_the_core() {
        let full = Suite::Full.cells();
        assert!(Suite::Core.cells().iter().all(|axes| full.contains(axes)));
    }

    #[test]
    fn suites_are_found_by_name() {
        assert_eq!("full".parse::<Suite>(), Ok(Suite::Full));
        let unknown: Result<Suite, crate::axes::UnknownValue> = "nonsense".parse();
        assert!(unknown.is_err());
    }

    #[test]
    fn the_suite_holds_every_scene_in_every_mode() {
        let cells = Suite::Providers.cells();
        for profile in Profile::ALL {
            for scene in profile.scenes() {
                for &sslmode in Sslmode::ALL {
                    let axes = Axes { sslmode, ..scene.axes.clone() };
                    assert!(cells.contains(&axes), "{profile}: {axes}");
                }
            }
        }
    }
}
