//! What tokio-postgres is to log in with.

use super::reader::Reader;
use super::values::Binding;

/// The part that tokio-postgres does. Its stream is negotiated before it gets it, which it knows as direct TLS.
pub(super) fn login(read: &Reader<'_>, binding: Binding) -> tokio_postgres::Config {
    use tokio_postgres::config;
    let mut login = tokio_postgres::Config::new();
    login
        .ssl_mode(config::SslMode::Require)
        .ssl_negotiation(config::SslNegotiation::Direct)
        .channel_binding(match binding {
            Binding::Disable => config::ChannelBinding::Disable,
            Binding::Prefer => config::ChannelBinding::Prefer,
            Binding::Require => config::ChannelBinding::Require,
        });
    if let Some(user) = read.named("user") {
        login.user(user);
    }
    // To libpq an empty password is none.
    if let Some(password) = read.named("password") {
        login.password(password);
    }
    if let Some(dbname) = read.named("dbname") {
        login.dbname(dbname);
    }
    if let Some(options) = read.named("options") {
        login.options(options);
    }
    if let Some(name) =
        read.named("application_name").or_else(|| read.named("fallback_application_name"))
    {
        login.application_name(name);
    }
    login
}
