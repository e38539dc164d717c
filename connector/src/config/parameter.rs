//! Every connection parameter that libpq 18 knows, with its environment variable and what we make of it.

/// What becomes of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    /// It has its effect.
    Yes,
    /// Only the values listed are taken, because with them the parameter asks for nothing that we do not do.
    Only(&'static [&'static str]),
    /// Refused whatever its value: ignoring it would do something else than was asked.
    No,
}

/// One parameter: its name in connection strings, its environment variable, its support.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) key: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

const fn yes(key: &'static str, variable: &'static str) -> Known {
    Known { key, variable: Some(variable), support: Support::Yes }
}

const fn plain(key: &'static str) -> Known {
    Known { key, variable: None, support: Support::Yes }
}

const fn only(
    key: &'static str,
    variable: Option<&'static str>,
    values: &'static [&'static str],
) -> Known {
    Known { key, variable, support: Support::Only(values) }
}

const fn no(key: &'static str, variable: Option<&'static str>) -> Known {
    Known { key, variable, support: Support::No }
}

/// The parameters, in the order of libpq's documentation (section "Parameter Key Words"), and `keepalives_retries`,
/// tokio-postgres's name for `keepalives_count`.
pub(super) const PARAMETERS: &[Known] = &[
    yes("host", "PGHOST"),
    yes("hostaddr", "PGHOSTADDR"),
    yes("port", "PGPORT"),
    yes("dbname", "PGDATABASE"),
    yes("user", "PGUSER"),
    yes("password", "PGPASSWORD"),
    no("passfile", Some("PGPASSFILE")),
    no("require_auth", Some("PGREQUIREAUTH")),
    yes("channel_binding", "PGCHANNELBINDING"),
    yes("connect_timeout", "PGCONNECT_TIMEOUT"),
    only("client_encoding", Some("PGCLIENTENCODING"), &["UTF8", "UTF-8", "utf8", "utf-8"]),
    yes("options", "PGOPTIONS"),
    yes("application_name", "PGAPPNAME"),
    plain("fallback_application_name"),
    plain("keepalives"),
    plain("keepalives_idle"),
    plain("keepalives_interval"),
    plain("keepalives_count"),
    plain("keepalives_retries"),
    plain("tcp_user_timeout"),
    only("replication", None, &["false", "off", "no", "0"]),
    only("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"]),
    yes("sslmode", "PGSSLMODE"),
    yes("sslnegotiation", "PGSSLNEGOTIATION"),
    only("sslcompression", Some("PGSSLCOMPRESSION"), &["0", "1"]),
    yes("sslcert", "PGSSLCERT"),
    yes("sslkey", "PGSSLKEY"),
    no("sslkeylogfile", None),
    no("sslpassword", None),
    only("sslcertmode", Some("PGSSLCERTMODE"), &["disable", "allow"]),
    yes("sslrootcert", "PGSSLROOTCERT"),
    yes("sslcrl", "PGSSLCRL"),
    yes("sslcrldir", "PGSSLCRLDIR"),
    yes("sslsni", "PGSSLSNI"),
    no("requirepeer", Some("PGREQUIREPEER")),
    yes("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    yes("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    only("min_protocol_version", Some("PGMINPROTOCOLVERSION"), &["3.0"]),
    only("max_protocol_version", Some("PGMAXPROTOCOLVERSION"), &["3.0", "3.2", "latest"]),
    no("krbsrvname", Some("PGKRBSRVNAME")),
    no("gsslib", Some("PGGSSLIB")),
    no("gssdelegation", Some("PGGSSDELEGATION")),
    no("scram_client_key", None),
    no("scram_server_key", None),
    no("service", Some("PGSERVICE")),
    no("servicefile", Some("PGSERVICEFILE")),
    yes("target_session_attrs", "PGTARGETSESSIONATTRS"),
    yes("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    no("oauth_issuer", None),
    no("oauth_client_id", None),
    no("oauth_client_secret", None),
    no("oauth_scope", None),
];

/// The parameter of this name; names are case-sensitive, as in libpq.
pub(super) fn known(key: &str) -> Option<&'static Known> {
    PARAMETERS.iter().find(|known| known.key == key)
}
