//! Profiles: how the servers of well-known providers behave, as settings of the axes.

use crate::{
    axes::{
        Access, Auth, Axes, Certificate, Key, Reply, ServerAxes, Sslmode, Sslrootcert, TlsVersions,
    },
    suite::cube::{Cube, axis},
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
        /// A server as the documentation of Instructure's DAP client has it.
        Dap = "dap",
    }
}

/// One situation that a provider's customers get into: the axes, but for the mode.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What the situation is, in a few words.
    pub title: &'static str,
    /// Its axes, the mode at its default.
    pub axes: Axes,
}

/// A host name that stands in no certificate.
const CUSTOM_DOMAIN: &str = "db.customer.example";

impl Profile {
    /// The server axes that the profile stands for, at its start.
    #[must_use]
    pub fn server(self) -> ServerAxes {
        let honest = ServerAxes::default();
        match self {
            // `require_secure_transport` is on; a leaf under an intermediate under a public root, RSA.
            Self::AzureFlexible => ServerAxes {
                access: Access::SslOnly,
                auth: Auth::ScramSha256Plus,
                certificate: Certificate::WithIntermediate,
                key: Key::Rsa2048,
                ..honest
            },
            // The certificate holds the instance's own name and nothing else.
            Self::Tembo => ServerAxes {
                access: Access::SslOnly,
                auth: Auth::ScramSha256Plus,
                certificate: Certificate::LocalhostOnly,
                ..honest
            },
            Self::Timescale => ServerAxes {
                auth: Auth::ScramSha256,
                certificate: Certificate::SelfSigned,
                ..honest
            },
            Self::Dap => ServerAxes { auth: Auth::ScramSha256, ..honest },
        }
    }

    /// The certificate that takes the place of the first one once the server has run for a while.
    #[must_use]
    pub const fn successor(self) -> Option<Certificate> {
        match self {
            Self::Timescale => Some(Certificate::WithIntermediate),
            _ => None,
        }
    }

    /// Whether the server sends its root along: a bundle made of what it sends is a root file then.
    #[must_use]
    pub const fn sends_root(self) -> bool {
        matches!(self, Self::Timescale)
    }

    /// A host name under which customers reach the server and which its certificate does not hold.
    #[must_use]
    pub const fn custom_domain(self) -> Option<&'static str> {
        match self {
            Self::Tembo => Some(CUSTOM_DOMAIN),
            _ => None,
        }
    }

    /// The situations that the provider's page tells of, and that the suite multiplies by the modes.
    #[must_use]
    pub fn scenes(self) -> Vec<Scene> {
        use Sslrootcert as Root;

        let server = self.server();
        let at = |server, sslrootcert| Axes { server, sslrootcert, ..Axes::default() };
        let scene = |title, axes| Scene { title, axes };
        match self {
            Self::AzureFlexible => vec![
                scene("No root named", at(server, Root::None)),
                scene("The root named by `sslrootcert`", at(server, Root::Right)),
                scene("Another root named, as after a change of roots", at(server, Root::Wrong)),
                scene(
                    "`require_secure_transport` off",
                    at(ServerAxes { access: Access::Any, ..server }, Root::Right),
                ),
                scene(
                    "`ssl_max_protocol_version` TLSv1.2",
                    at(ServerAxes { tls: TlsVersions::Tls12, ..server }, Root::Right),
                ),
                scene(
                    "`ssl_min_protocol_version` TLSv1.3",
                    at(ServerAxes { tls: TlsVersions::Tls13, ..server }, Root::Right),
                ),
            ],
            Self::Tembo => vec![
                scene("No root named", at(server, Root::None)),
                scene("The downloaded root, the instance's own name", at(server, Root::Right)),
                scene(
                    "The downloaded root, a custom domain",
                    Axes {
                        host: CUSTOM_DOMAIN.parse().expect("a host's name"),
                        ..at(server, Root::Right)
                    },
                ),
                scene(
                    "The downloaded root, the address in place of a name",
                    Axes {
                        host: "127.0.0.1".parse().expect("a host's name"),
                        ..at(server, Root::Right)
                    },
                ),
                scene("Another organisation's root", at(server, Root::Wrong)),
            ],
            Self::Timescale => {
                let signed = ServerAxes { certificate: Certificate::WithIntermediate, ..server };
                vec![
                    scene("Before the swap, no root file", at(server, Root::None)),
                    scene(
                        "Before the swap, the root of the signed certificate",
                        at(server, Root::Right),
                    ),
                    scene("Before the swap, a bundle by the recipe", at(server, Root::Server)),
                    scene(
                        "During the swap: the connection is reset",
                        at(ServerAxes { reply: Reply::Reset, ..signed }, Root::Right),
                    ),
                    scene("After the swap, no root file", at(signed, Root::None)),
                    scene("After the swap, a bundle by the recipe", at(signed, Root::Right)),
                    scene("After the swap, a bundle of before", at(signed, Root::Wrong)),
                    scene("After the swap, a bundle without its root", at(signed, Root::Server)),
                ]
            }
            Self::Dap => vec![
                scene("The CA in no store", at(server, Root::None)),
                scene("The CA known to the client", at(server, Root::Right)),
                scene(
                    "A certificate of another name, the CA known to the client",
                    at(ServerAxes { certificate: Certificate::WrongHost, ..server }, Root::Right),
                ),
                scene("The CA in the system store", at(server, Root::System)),
                scene("A system store without the CA", at(server, Root::SystemEmpty)),
                scene(
                    "A server without TLS",
                    at(ServerAxes { reply: Reply::Refuse, ..server }, Root::None),
                ),
                scene(
                    "A server that insists on TLS",
                    at(ServerAxes { access: Access::SslOnly, ..server }, Root::None),
                ),
            ],
        }
    }
}

impl Scene {
    /// The scene in every mode.
    fn cube(&self) -> Cube {
        Cube::at(self.axes.clone()).by(axis::sslmode, Sslmode::ALL)
    }
}

pub(crate) fn cubes() -> Vec<Cube> {
    Profile::ALL.iter().flat_map(|profile| profile.scenes()).map(|scene| scene.cube()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_scene_is_the_server_as_it_starts() {
        for profile in Profile::ALL {
            assert_eq!(profile.scenes()[0].axes.server, profile.server(), "{profile}");
        }
    }

    #[test]
    fn the_custom_domain_is_a_host_and_in_no_certificate() {
        let custom = |scene: &Scene| scene.axes.host.name() == CUSTOM_DOMAIN;
        assert_eq!(Profile::Tembo.scenes().iter().filter(|scene| custom(scene)).count(), 1);
        for certificate in Certificate::ALL {
            assert!(!certificate.names().dns.contains(&CUSTOM_DOMAIN), "{certificate}");
        }
    }
}
