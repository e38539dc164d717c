//! Products of axes, which the suites are sums of.

use crate::axes::{Axes, Sslmode};

/// Every mode, in the order in which a table reads.
pub(crate) const MODES: [Sslmode; 7] = Sslmode::BY_STRICTNESS;

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

    /// Every mode, and nothing else.
    pub(crate) fn of_modes() -> Self {
        Self::new().by(axis::sslmode, &MODES)
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

/// All values but one.
pub(crate) fn all_but<V: Copy + PartialEq>(all: &[V], without: V) -> Vec<V> {
    all.iter().copied().filter(|value| *value != without).collect()
}
