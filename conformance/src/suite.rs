//! The suites: which cells are asked of every stack, enumerated by rule.

use indexmap::IndexSet;

use crate::axes::{
    Access, Auth, Axes, Axis, Certificate, ChannelBinding, ClientCert, Key, Reply, Sslmode,
    Sslnegotiation, Sslrootcert, Then, TlsVersions,
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
            Self::Providers => crate::providers::cubes(),
        };
        cubes.into_iter().flat_map(Cube::cells).filter(has_meaning).collect()
    }
}

/// The stuffed bytes stand in for a password login; behind any other they would judge nothing.
fn has_meaning(axes: &Axes) -> bool {
    let stuffed =
        matches!(axes.server.reply, Reply::Stuffed | Reply::StuffedLate | Reply::RefuseStuffed);
    !stuffed || axes.server.auth == Auth::Password
}

/// A product of axes; those it does not name stand at their default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cube(Vec<(&'static str, Vec<String>)>);

impl Cube {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Multiplies by these values.
    pub(crate) fn by<V: ToString>(
        mut self,
        axis: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.0.push((axis, values.into_iter().map(|value| value.to_string()).collect()));
        self
    }

    /// Multiplies by every value of the axis.
    pub(crate) fn by_all(self, axis: &'static str) -> Self {
        let values = Axis::named(axis).map(|axis| (axis.values)()).unwrap_or_default();
        self.by(axis, values)
    }

    pub(crate) fn cells(self) -> Vec<Axes> {
        self.0.into_iter().fold(vec![Axes::default()], |cells, (axis, values)| {
            cells
                .iter()
                .flat_map(|cell| {
                    values.iter().filter_map(move |value| {
                        let mut cell = cell.clone();
                        cell.set(axis, value).ok()?;
                        Some(cell)
                    })
                })
                .collect()
        })
    }
}

/// Every mode, the strictest last, so that a table reads from left to right.
const MODES: [Sslmode; 7] = [
    Sslmode::Unset,
    Sslmode::Disable,
    Sslmode::Allow,
    Sslmode::Prefer,
    Sslmode::Require,
    Sslmode::VerifyCa,
    Sslmode::VerifyFull,
];

const STRICT: [Sslmode; 3] = [Sslmode::Require, Sslmode::VerifyCa, Sslmode::VerifyFull];

fn all_but<V: Copy + PartialEq>(all: &[V], without: V) -> Vec<V> {
    all.iter().copied().filter(|value| *value != without).collect()
}

fn modes() -> Cube {
    Cube::new().by(Sslmode::AXIS, MODES)
}

fn core() -> Vec<Cube> {
    use Sslrootcert as Root;
    vec![
        // What each mode does with each certificate, when the client was told whom to trust.
        Cube::new()
            .by(Root::AXIS, [Root::Right])
            .by_all(Certificate::AXIS)
            .by(Sslmode::AXIS, MODES),
        // What each mode trusts.
        Cube::new().by_all(Root::AXIS).by(Sslmode::AXIS, MODES),
        // What each mode does when the server says no, or worse.
        Cube::new().by(Root::AXIS, [Root::Right]).by_all(Reply::AXIS).by(Sslmode::AXIS, MODES),
        // Which way it retries.
        Cube::new()
            .by(Root::AXIS, [Root::None, Root::Right])
            .by(Access::AXIS, all_but(Access::ALL, Access::Any))
            .by(Sslmode::AXIS, MODES),
        Cube::new()
            .by(Root::AXIS, [Root::Right])
            .by(Sslnegotiation::AXIS, [Sslnegotiation::Direct])
            .by(
                Certificate::AXIS,
                [Certificate::Valid, Certificate::Expired, Certificate::WrongHost],
            )
            .by(Sslmode::AXIS, MODES),
        Cube::new()
            .by(TlsVersions::AXIS, all_but(TlsVersions::ALL, TlsVersions::Tls12To13))
            .by(Sslmode::AXIS, MODES),
        Cube::new()
            .by(Root::AXIS, [Root::Right])
            .by_all(Auth::AXIS)
            .by_all(ChannelBinding::AXIS)
            .by(Sslmode::AXIS, [Sslmode::Prefer, Sslmode::VerifyFull]),
    ]
}

fn full() -> Vec<Cube> {
    use Sslrootcert as Root;
    let mut cubes = core();
    cubes.extend([
        Cube::new()
            .by_all(Certificate::AXIS)
            .by_all(Access::AXIS)
            .by_all(Root::AXIS)
            .by(Sslmode::AXIS, MODES),
        Cube::new()
            .by(Sslmode::AXIS, [Sslmode::VerifyFull])
            .by(Root::AXIS, [Root::Right])
            .by_all(Certificate::AXIS)
            .by("host", HOSTS),
        Cube::new()
            .by_all(Reply::AXIS)
            .by_all(Access::AXIS)
            .by(Root::AXIS, [Root::None, Root::Right, Root::Wrong])
            .by(Sslmode::AXIS, MODES),
        modes()
            .by(Sslnegotiation::AXIS, [Sslnegotiation::Direct])
            .by(Root::AXIS, [Root::Right])
            .by_all(Certificate::AXIS),
        modes()
            .by(Sslnegotiation::AXIS, [Sslnegotiation::Direct])
            .by(Root::AXIS, [Root::None, Root::Right])
            .by_all(Reply::AXIS),
        modes()
            .by(Sslnegotiation::AXIS, [Sslnegotiation::Direct])
            .by_all(Access::AXIS)
            .by_all(Root::AXIS),
        Cube::new()
            .by(Root::AXIS, [Root::Right])
            .by_all(Key::AXIS)
            .by_all(Auth::AXIS)
            .by_all(ChannelBinding::AXIS)
            .by(Sslmode::AXIS, MODES),
        // What each login shows where TLS is refused, and where the client refuses it.
        modes().by(Reply::AXIS, [Reply::Refuse]).by_all(Auth::AXIS).by_all(ChannelBinding::AXIS),
        modes()
            .by(Certificate::AXIS, [Certificate::Expired])
            .by(Root::AXIS, [Root::Right])
            .by_all(Auth::AXIS)
            .by_all(ChannelBinding::AXIS),
        modes()
            .by(Root::AXIS, [Root::None, Root::Right])
            .by_all(TlsVersions::AXIS)
            .by_all(Key::AXIS),
        modes()
            .by_all(Sslnegotiation::AXIS)
            .by(Auth::AXIS, [Auth::Cert, Auth::Password])
            .by(TlsVersions::AXIS, [TlsVersions::Tls12To13, TlsVersions::Tls12])
            .by(Root::AXIS, [Root::Right])
            .by_all(ClientCert::AXIS),
    ]);
    cubes
}

/// Host names for the name check: the certificates' own, and each way to come close.
const HOSTS: [&str; 9] = [
    "localhost",
    "127.0.0.1",
    "LOCALHOST",
    "wrong.example",
    "a.wild.example",
    "wild.example",
    "a.b.wild.example",
    "127.1",
    "::1",
];

fn cancel() -> Vec<Cube> {
    vec![
        modes()
            .by(Then::AXIS, [Then::Cancel])
            .by(Sslrootcert::AXIS, [Sslrootcert::None, Sslrootcert::Right, Sslrootcert::Wrong])
            .by(Reply::AXIS, [Reply::Accept, Reply::Refuse]),
        Cube::new()
            .by(Then::AXIS, [Then::Cancel])
            .by(Sslrootcert::AXIS, [Sslrootcert::Right])
            .by(Sslnegotiation::AXIS, [Sslnegotiation::Direct])
            .by(Sslmode::AXIS, STRICT),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_as_large_as_promised() {
        assert!(Suite::Core.cells().len() >= 150, "{}", Suite::Core.cells().len());
        assert!(Suite::Full.cells().len() >= 1300, "{}", Suite::Full.cells().len());
    }

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
}
