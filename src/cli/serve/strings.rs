//! Connection strings in each provider's own forms, and what to do before they work.

use std::path::Path;

use pgtls_conformance::{axes::Sslmode, providers::Profile};
use pgtls_mock_server::{MockServer, pki::CLIENT_USER};

/// What the provider's console would show for this server, line by line.
pub(super) fn of(profile: Profile, server: &MockServer, root: &Path) -> Vec<String> {
    let conninfo = |more: &[(&str, &str)]| conninfo(server, &server.host(), more);
    let root = root.to_string_lossy();
    let mut lines = Vec::new();
    match profile {
        Profile::AzureFlexible => {
            let full = [("sslmode", "verify-full"), ("sslrootcert", &*root)];
            lines.push(format!("psql \"{}\"", conninfo(&[("sslmode", "require")])));
            lines.push(format!("psql \"{}\"", conninfo(&full)));
            lines.push(format!("{}?sslmode=require", server.base_url()));
            lines.push(server.url("verify-full"));
            let jdbc =
                format!("jdbc:postgresql://{}:{}/postgres", server.host(), server.address().port());
            let login = format!("user={CLIENT_USER}&password={}", server.password());
            let url = server.url("verify-full");
            let (_, tls) = url.split_once('?').unwrap_or_default();
            lines.push(format!("{jdbc}?{login}&{tls}"));
        }
        Profile::Tembo => {
            lines.push("the instance's own name:".to_owned());
            lines.push(format!("psql '{}'", server.url("require")));
            lines.push(format!("psql '{}'", server.url("verify-full")));
            if let Some(domain) = profile.custom_domain() {
                let address = server.address().ip().to_string();
                let custom = |mode| {
                    let more =
                        [("hostaddr", &*address), ("sslmode", mode), ("sslrootcert", &*root)];
                    format!("psql \"{}\"", self::conninfo(server, domain, &more))
                };
                lines.push(
                    "a custom domain (verify-full fails, the name is not in the certificate):"
                        .to_owned(),
                );
                lines.push(custom("verify-ca"));
                lines.push(custom("verify-full"));
            }
        }
        Profile::Timescale => {
            let url = server.base_url().replacen("postgresql://", "postgres://", 1);
            let place = format!("{}:{}", server.host(), server.address().port());
            lines.push(format!("psql \"{url}?sslmode=require\""));
            lines.push("with a stricter mode, once the signed certificate is in place:".to_owned());
            lines.push(format!(
                "openssl s_client -showcerts -partial_chain -starttls postgres -connect {place} < /dev/null 2>/dev/null | awk '/BEGIN CERTIFICATE/,/END CERTIFICATE/{{ print }}' > bundle.crt"
            ));
            lines.push("mkdir -p ~/.postgresql && cp bundle.crt ~/.postgresql/root.crt".to_owned());
            lines.push(format!("psql \"{url}?sslmode=verify-full\""));
        }
        Profile::Dap => {
            lines.push(format!("export SSL_CERT_FILE={root}"));
            lines.push(server.base_url());
            let modes = Sslmode::ALL.iter().filter(|mode| **mode != Sslmode::Unset);
            lines.extend(modes.map(|mode| format!("{}?ssl={mode}", server.base_url())));
        }
        // Without forms of its own, those of every server do.
        _ => {}
    }
    lines
}

/// A key=value string for this server and no other setting than these.
fn conninfo(server: &MockServer, host: &str, more: &[(&str, &str)]) -> String {
    let port = server.address().port().to_string();
    let login = [
        ("host", host),
        ("port", &port),
        ("dbname", "postgres"),
        ("user", CLIENT_USER),
        ("password", server.password()),
    ];
    crate::conninfo::conninfo(login.iter().chain(more).copied())
}
