//! The suites: which cells are asked of every stack, enumerated by rule.

use indexmap::IndexSet;

use crate::axes::{
    Access, Auth, Axes, Certificate, ChannelBinding, ClientCert, Host, Key, Reply, Sslmode,
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

/// A product of axes; those that nobody multiplied by stand at their default.
#[derive(Debug, Clone)]
pub(crate) struct Cube(Vec<Axes>);

impl Cube {
    pub(crate) fn new() -> Self {
        Self::at(Axes::default())
    }

    /// The one cell with these settings.
    pub(crate) fn at(axes: Axes) -> Self {
        Self(vec![axes])
    }

    /// Multiplies by these values of the axis that `set` sets.
    pub(crate) fn by<V: Clone>(self, set: fn(&mut Axes, V), values: &[V]) -> Self {
        let with = |cell: &Axes, value: &V| {
            let mut cell = cell.clone();
            set(&mut cell, value.clone());
            cell
        };
        Self(
            self.0
                .iter()
                .flat_map(|cell| values.iter().map(move |value| with(cell, value)))
                .collect(),
        )
    }

    pub(crate) fn cells(self) -> Vec<Axes> {
        self.0
    }
}

/// The axes as what a cube is multiplied by.
pub(crate) mod axis {
    use crate::axes::{
        Access, Auth, Axes, Certificate, ChannelBinding, ClientCert, Host, Key, Reply, Sslmode,
        Sslnegotiation, Sslrootcert, Then, TlsVersions,
    };

    macro_rules! setters {
        ($($name:ident: $axis:ty = $($field:ident).+;)*) => {
            $(pub(crate) fn $name(axes: &mut Axes, value: $axis) { axes.$($field).+ = value; })*
        };
    }

    setters! {
        reply: Reply = server.reply;
        certificate: Certificate = server.certificate;
        key: Key = server.key;
        access: Access = server.access;
        auth: Auth = server.auth;
        tls: TlsVersions = server.tls;
        sslmode: Sslmode = sslmode;
        sslnegotiation: Sslnegotiation = sslnegotiation;
        sslrootcert: Sslrootcert = sslrootcert;
        host: Host = host;
        channel_binding: ChannelBinding = channel_binding;
        client_cert: ClientCert = client_cert;
        then: Then = then;
    }
}

const MODES: [Sslmode; 7] = Sslmode::BY_STRICTNESS;

const STRICT: [Sslmode; 3] = [Sslmode::Require, Sslmode::VerifyCa, Sslmode::VerifyFull];

fn all_but<V: Copy + PartialEq>(all: &[V], without: V) -> Vec<V> {
    all.iter().copied().filter(|value| *value != without).collect()
}

fn modes() -> Cube {
    Cube::new().by(axis::sslmode, &MODES)
}

fn core() -> Vec<Cube> {
    use Sslrootcert as Root;
    vec![
        // What each mode does with each certificate, when the client was told whom to trust.
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL)
            .by(axis::sslmode, &MODES),
        // What each mode trusts.
        Cube::new().by(axis::sslrootcert, Root::ALL).by(axis::sslmode, &MODES),
        // What each mode does when the server says no, or worse.
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::reply, Reply::ALL)
            .by(axis::sslmode, &MODES),
        // Which way it retries.
        Cube::new()
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::access, &all_but(Access::ALL, Access::Any))
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(
                axis::certificate,
                &[Certificate::Valid, Certificate::Expired, Certificate::WrongHost],
            )
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::tls, &all_but(TlsVersions::ALL, TlsVersions::Tls12To13))
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &[Sslmode::Prefer, Sslmode::VerifyFull]),
        // Which binding it takes where the certificate names no hash for it (CVE-2026-54291).
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::key, &[Key::Ed25519])
            .by(axis::auth, &[Auth::ScramSha256Plus])
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &[Sslmode::Prefer, Sslmode::VerifyFull]),
    ]
}

fn full() -> Vec<Cube> {
    use Sslrootcert as Root;
    let mut cubes = core();
    cubes.extend([
        Cube::new()
            .by(axis::certificate, Certificate::ALL)
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, Root::ALL)
            .by(axis::sslmode, &MODES),
        Cube::new()
            .by(axis::sslmode, &[Sslmode::VerifyFull])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL)
            .by(axis::host, &hosts()),
        Cube::new()
            .by(axis::reply, Reply::ALL)
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, &[Root::None, Root::Right, Root::Wrong])
            .by(axis::sslmode, &MODES),
        modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::certificate, Certificate::ALL),
        modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::reply, Reply::ALL),
        modes()
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::access, Access::ALL)
            .by(axis::sslrootcert, Root::ALL),
        Cube::new()
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::key, Key::ALL)
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL)
            .by(axis::sslmode, &MODES),
        // What each login shows where TLS is refused, and where the client refuses it.
        modes()
            .by(axis::reply, &[Reply::Refuse])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL),
        modes()
            .by(axis::certificate, &[Certificate::Expired])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::auth, Auth::ALL)
            .by(axis::channel_binding, ChannelBinding::ALL),
        modes()
            .by(axis::sslrootcert, &[Root::None, Root::Right])
            .by(axis::tls, TlsVersions::ALL)
            .by(axis::key, Key::ALL),
        modes()
            .by(axis::sslnegotiation, Sslnegotiation::ALL)
            .by(axis::auth, &[Auth::Cert, Auth::Password])
            .by(axis::tls, &[TlsVersions::Tls12To13, TlsVersions::Tls12])
            .by(axis::sslrootcert, &[Root::Right])
            .by(axis::client_cert, ClientCert::ALL),
    ]);
    cubes
}

/// Host names for the name check: the certificates' own, and each way to come close.
fn hosts() -> [Host; 9] {
    [
        "localhost",
        "127.0.0.1",
        "LOCALHOST",
        "wrong.example",
        "a.wild.example",
        "wild.example",
        "a.b.wild.example",
        "127.1",
        "::1",
    ]
    .map(|name| name.parse().expect("a host's name"))
}

fn cancel() -> Vec<Cube> {
    vec![
        modes()
            .by(axis::then, &[Then::Cancel])
            .by(axis::sslrootcert, &[Sslrootcert::None, Sslrootcert::Right, Sslrootcert::Wrong])
            .by(axis::reply, &[Reply::Accept, Reply::Refuse]),
        Cube::new()
            .by(axis::then, &[Then::Cancel])
            .by(axis::sslrootcert, &[Sslrootcert::Right])
            .by(axis::sslnegotiation, &[Sslnegotiation::Direct])
            .by(axis::sslmode, &STRICT),
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
