//! The honest logins that are swept.

use pgtls_mock_server::axes::{Auth, TlsVersions};

use crate::axes::{Axes, Sslmode, Sslnegotiation, Sslrootcert};

/// The honest logins of every mode that a stack can be asked for, as `can_be_asked` says: with a
/// password and by SCRAM; and where the mode begins with TLS, by SCRAM with channel binding, over TLS
/// 1.2, whose certificates travel in clear, and by direct negotiation.
///
/// Where a mode verifies, the client is given the right root; where not, it is given none.
#[must_use]
pub fn logins(can_be_asked: impl Fn(&Axes) -> bool) -> Vec<Axes> {
    let modes = Sslmode::BY_STRICTNESS.into_iter().filter(|mode| *mode != Sslmode::Unset);
    modes.flat_map(of_mode).filter(can_be_asked).collect()
}

fn of_mode(sslmode: Sslmode) -> Vec<Axes> {
    let verifies = matches!(sslmode, Sslmode::VerifyCa | Sslmode::VerifyFull);
    let sslrootcert = if verifies { Sslrootcert::Right } else { Sslrootcert::None };
    let with_password = Axes { sslmode, sslrootcert, ..Axes::default() };
    let by = |auth: Auth| {
        let mut axes = with_password.clone();
        axes.server.auth = auth;
        axes
    };
    let mut logins = vec![by(Auth::Password), by(Auth::ScramSha256)];
    if !matches!(sslmode, Sslmode::Disable | Sslmode::Allow) {
        logins.push(by(Auth::ScramSha256Plus));
        let mut older = with_password.clone();
        older.server.tls = TlsVersions::Tls12;
        logins.push(older);
    }
    if verifies || sslmode == Sslmode::Require {
        let sslnegotiation = Sslnegotiation::Direct;
        logins.push(Axes { sslnegotiation, ..with_password });
    }
    logins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(logins: &[Axes]) -> Vec<String> {
        logins.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mode_is_logged_into_in_every_way_that_it_has() {
        let all = logins(|_| true);
        // Two ways in plaintext, four where TLS comes first, five where it may come at once.
        assert_eq!(all.len(), 2 * 2 + 4 + 3 * 5);
        let names = names(&all);
        for wanted in [
            "sslmode=disable",
            "auth=scram-sha-256,sslmode=allow",
            "default",
            "auth=scram-sha-256-plus,sslmode=require",
            "tls=1.2,sslmode=verify-ca,sslrootcert=right",
            "sslmode=verify-full,sslnegotiation=direct,sslrootcert=right",
        ] {
            assert!(names.iter().any(|name| name == wanted), "{wanted}: {names:#?}");
        }
    }

    #[test]
    fn what_a_stack_cannot_be_asked_is_not_swept() {
        let plain = logins(|axes| axes.sslmode == Sslmode::Disable);
        assert_eq!(names(&plain), ["sslmode=disable", "auth=scram-sha-256,sslmode=disable"]);
        assert_eq!(logins(|_| false), []);
    }
}
