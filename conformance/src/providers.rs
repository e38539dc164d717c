//! Profiles: how the servers of well-known providers behave, as settings of the axes.

use crate::{
    axes::{Access, Auth, Certificate, Reply, ServerAxes, Sslmode, Sslrootcert, TlsVersions},
    suite::Cube,
};

pgtls_mock_server::axis! {
    /// A provider's server.
    "profile" Profile {
        /// Azure Database for PostgreSQL, flexible server.
        AzureFlexible = "azure-flexible",
        /// Tembo Cloud.
        Tembo = "tembo",
        /// Timescale Cloud.
        Timescale = "timescale",
        /// The server of the DAP client's documentation.
        Dap = "dap",
    }
}

impl Profile {
    /// The server axes that the profile stands for, at its start.
    #[must_use]
    pub fn server(self) -> ServerAxes {
        let honest = ServerAxes::default();
        match self {
            Self::AzureFlexible => {
                ServerAxes { access: Access::SslOnly, auth: Auth::ScramSha256Plus, ..honest }
            }
            Self::Tembo => ServerAxes {
                access: Access::SslOnly,
                auth: Auth::ScramSha256Plus,
                certificate: Certificate::WrongHost,
                ..honest
            },
            Self::Timescale => {
                ServerAxes { auth: Auth::ScramSha256, certificate: Certificate::SelfSigned, ..honest }
            }
            Self::Dap => ServerAxes { auth: Auth::ScramSha256, ..honest },
        }
    }

    fn cubes(self) -> Vec<Cube> {
        let server = self.server();
        let modes = || {
            Cube::new()
                .by(Access::AXIS, [server.access])
                .by(Auth::AXIS, [server.auth])
                .by(Sslmode::AXIS, Sslmode::ALL)
        };
        match self {
            // TLS 1.2 and up, an old server for contrast, and require_secure_transport off.
            Self::AzureFlexible => vec![
                modes()
                    .by(TlsVersions::AXIS, TlsVersions::ALL)
                    .by(Sslrootcert::AXIS, [Sslrootcert::None, Sslrootcert::Right]),
                modes().by(Access::AXIS, [Access::Any]).by(Sslrootcert::AXIS, [Sslrootcert::Right]),
            ],
            // The instance's own name, and a custom domain that the certificate does not have.
            Self::Tembo => vec![
                modes()
                    .by(Sslrootcert::AXIS, [Sslrootcert::None, Sslrootcert::Right, Sslrootcert::Wrong])
                    .by(Certificate::AXIS, [Certificate::Valid, Certificate::WrongHost]),
            ],
            // Before the signed certificate, after it, and the reset in between.
            Self::Timescale => vec![
                modes()
                    .by(Certificate::AXIS, [Certificate::SelfSigned, Certificate::WithIntermediate])
                    .by(Sslrootcert::AXIS, [Sslrootcert::None, Sslrootcert::Right, Sslrootcert::Server]),
                modes().by(Reply::AXIS, [Reply::Reset]).by(Sslrootcert::AXIS, [Sslrootcert::Right]),
            ],
            Self::Dap => vec![
                modes()
                    .by(Sslrootcert::AXIS, [Sslrootcert::None, Sslrootcert::System, Sslrootcert::SystemEmpty]),
            ],
        }
    }
}

pub(crate) fn cubes() -> Vec<Cube> {
    Profile::ALL.iter().flat_map(|profile| profile.cubes()).collect()
}
