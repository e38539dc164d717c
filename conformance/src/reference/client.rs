//! libpq's side: what it is told, which methods it tries, what it accepts.

use super::{server::AskedProof, version::Version};
use crate::{
    axes::{Axes, Certificate, ChannelBinding, Key, Sslmode, Sslnegotiation, Sslrootcert},
    names,
};

/// A way to speak to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Plain,
    Ssl,
}

/// libpq with its connection options parsed.
#[derive(Debug)]
pub(super) struct Client {
    version: Version,
    mode: Sslmode,
    pub(super) direct: bool,
    root: Root,
    binding: ChannelBinding,
}

/// What the chain is verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    /// No file: no verification, or an error under `verify-*`.
    Absent,
    /// A file, or from libpq 16 on the system store. A revocation list counts only with a file:
    /// `initialize_SSL` loads it nowhere else.
    Right { revocation: bool },
    /// The server's own certificate.
    Pinned,
    /// A file or a store without the server's authority.
    Useless,
}

impl Client {
    /// Parses the options; `None` if libpq refuses them before it connects.
    pub(super) fn configure(axes: &Axes, version: Version) -> Option<Self> {
        let knows_system = version >= Version::V16;
        let system = matches!(axes.sslrootcert, Sslrootcert::System | Sslrootcert::SystemEmpty);
        let direct = axes.sslnegotiation == Sslnegotiation::Direct;
        let mode = match axes.sslmode {
            Sslmode::Unset if system && knows_system => Sslmode::VerifyFull,
            Sslmode::Unset => Sslmode::Prefer,
            mode => mode,
        };
        let weak = matches!(mode, Sslmode::Disable | Sslmode::Allow | Sslmode::Prefer);
        if system && knows_system && mode != Sslmode::VerifyFull {
            return None;
        }
        // Before libpq 17 the option does not exist.
        if direct && (weak || version < Version::V17) {
            return None;
        }
        let root = match axes.sslrootcert {
            Sslrootcert::None | Sslrootcert::Missing => Root::Absent,
            Sslrootcert::System | Sslrootcert::SystemEmpty if !knows_system => Root::Absent,
            Sslrootcert::Right => Root::Right { revocation: true },
            Sslrootcert::System => Root::Right { revocation: false },
            Sslrootcert::Server => Root::Pinned,
            Sslrootcert::Wrong | Sslrootcert::SystemEmpty => Root::Useless,
        };
        Some(Self { version, mode, direct, root, binding: axes.channel_binding })
    }

    /// The methods in the order in which they are tried.
    pub(super) fn methods(&self) -> Vec<Method> {
        match self.mode {
            Sslmode::Disable => vec![Method::Plain],
            Sslmode::Allow => vec![Method::Plain, Method::Ssl],
            Sslmode::Prefer | Sslmode::Unset => vec![Method::Ssl, Method::Plain],
            _ => vec![Method::Ssl],
        }
    }

    /// libpq up to 16, in `allow`'s second attempt, goes on in plaintext after `N`.
    pub(super) fn takes_no_for_plaintext(&self) -> bool {
        self.version <= Version::V16 && self.mode == Sslmode::Allow
    }

    /// `verify-*` without a root file: an error once `S` was received.
    pub(super) fn lacks_root_file(&self) -> bool {
        self.root == Root::Absent && matches!(self.mode, Sslmode::VerifyCa | Sslmode::VerifyFull)
    }

    /// Whether the chain, its dates and its usage pass, or are not looked at.
    ///
    /// The root file decides, not the mode.
    pub(super) fn accepts_chain(&self, axes: &Axes) -> bool {
        let certificate = axes.server.certificate;
        match self.root {
            Root::Absent => true,
            Root::Useless => false,
            // Only what is self-signed can end a chain.
            Root::Pinned => certificate == Certificate::SelfSigned,
            Root::Right { revocation } => match certificate {
                Certificate::SelfSigned
                | Certificate::Expired
                | Certificate::NotYetValid
                | Certificate::UnknownCa
                | Certificate::ClientAuthOnly
                | Certificate::MissingIntermediate => false,
                Certificate::Revoked => !revocation,
                _ => true,
            },
        }
    }

    /// Whether the name passes, or is not looked at.
    pub(super) fn accepts_name(&self, axes: &Axes) -> bool {
        self.mode != Sslmode::VerifyFull
            || names::matches(&axes.server.certificate.names(), axes.host.name())
    }

    pub(super) fn requires_binding(&self) -> bool {
        self.binding == ChannelBinding::Require
    }

    /// Whether the client can give that proof, and wants to.
    pub(super) fn can_prove(&self, proof: AskedProof, key: Key, encrypted: bool) -> bool {
        let plus = proof == AskedProof::ScramMaybePlus && encrypted;
        if plus && self.binding != ChannelBinding::Disable {
            // tls-server-end-point wants the hash that the certificate's signature names, and
            // Ed25519 names none (RFC 5929, section 4.1).
            key != Key::Ed25519
        } else {
            !self.requires_binding()
        }
    }

    pub(super) fn cancels_over_tls(&self) -> bool {
        self.version >= Version::V17
    }
}
