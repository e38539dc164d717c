//! The axes of the client: what it is told.

use pgtls_mock_server::axis;

axis! {
    /// The mode that the client is told.
    "sslmode" Sslmode {
        /// TLS, else plaintext: libpq's default.
        Prefer = "prefer",
        /// Plaintext.
        Disable = "disable",
        /// Plaintext, else TLS.
        Allow = "allow",
        /// TLS.
        Require = "require",
        /// TLS, and the chain is verified.
        VerifyCa = "verify-ca",
        /// TLS, and the chain and the name are verified.
        VerifyFull = "verify-full",
        /// Left out; judged by libpq's default.
        Unset = "unset",
    }
}

axis! {
    /// Who speaks first of TLS.
    "sslnegotiation" Sslnegotiation {
        /// SSLRequest.
        Postgres = "postgres",
        /// A ClientHello at once.
        Direct = "direct",
    }
}

axis! {
    /// What the client is told to trust.
    "sslrootcert" Sslrootcert {
        /// Nothing is said.
        None = "none",
        /// The authority of the server's certificates.
        Right = "right",
        /// Another authority.
        Wrong = "wrong",
        /// A file that does not exist.
        Missing = "missing",
        /// A file that holds the very certificate the server shows.
        Server = "server",
        /// `system`, and the system store holds the right authority.
        System = "system",
        /// `system`, and the system store is empty.
        SystemEmpty = "system-empty",
    }
}

axis! {
    /// Channel binding, as the client is told.
    "channel-binding" ChannelBinding {
        /// Where it can be had: libpq's default.
        Prefer = "prefer",
        /// Never.
        Disable = "disable",
        /// Or no login.
        Require = "require",
    }
}

axis! {
    /// The client's certificate.
    "client-cert" ClientCert {
        /// None.
        None = "none",
        /// Issued by the authority that the server trusts.
        Right = "right",
        /// Issued by another authority.
        Wrong = "wrong",
    }
}

axis! {
    /// What the client does after the query.
    "then" Then {
        /// It closes the connection.
        Close = "close",
        /// It sends a cancel request by its own means, and closes.
        Cancel = "cancel",
    }
}

impl Sslmode {
    /// Every mode, from the one that the client is left with to the strictest: as a table reads from
    /// left to right.
    pub const BY_STRICTNESS: [Self; 7] = [
        Self::Unset,
        Self::Disable,
        Self::Allow,
        Self::Prefer,
        Self::Require,
        Self::VerifyCa,
        Self::VerifyFull,
    ];
}
