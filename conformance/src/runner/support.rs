//! Whether a stack can be asked for a cell, by what it said of itself. Pure.

use crate::{
    axes::{
        Axes, Certificate, ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert, Then,
    },
    shim::Supports,
};

/// Why the stack cannot be asked, or `None` if it can.
pub(super) fn reason_against(supports: &Supports, axes: &Axes) -> Option<String> {
    let has = |list: &[String], wanted: &str| list.iter().any(|value| value == wanted);
    let mode = axes.sslmode.name();
    if axes.sslmode != Sslmode::Unset && !has(&supports.sslmode, mode) {
        return Some(format!("no sslmode={mode}"));
    }
    if axes.sslnegotiation == Sslnegotiation::Direct && !has(&supports.sslnegotiation, "direct") {
        return Some("no sslnegotiation=direct".to_owned());
    }
    let store = match axes.sslrootcert {
        Sslrootcert::None => None,
        Sslrootcert::System | Sslrootcert::SystemEmpty => Some("system"),
        _ => Some("file"),
    };
    if let Some(store) = store.filter(|store| !has(&supports.sslrootcert, store)) {
        return Some(match store {
            "system" => "no sslrootcert=system".to_owned(),
            _ => "no sslrootcert".to_owned(),
        });
    }
    let binding = axes.channel_binding.name();
    if axes.channel_binding != ChannelBinding::Prefer && !has(&supports.channel_binding, binding) {
        return Some(format!("no channel_binding={binding}"));
    }
    if axes.client_cert != ClientCert::None && !supports.sslcert {
        return Some("no client certificates".to_owned());
    }
    if axes.server.certificate == Certificate::Revoked && !supports.sslcrl {
        return Some("no sslcrl".to_owned());
    }
    if !axes.host.resolves_by_itself() && !supports.hostaddr {
        return Some("no hostaddr, so no other host name".to_owned());
    }
    if axes.then == Then::Cancel && !supports.cancel {
        return Some("no cancel requests".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stack_does_not_name_it_is_not_asked() {
        let nothing = Supports::default();
        for (terms, reason) in [
            ("default", Some("no sslmode=prefer")),
            ("sslmode=unset", None),
            ("sslmode=unset,sslrootcert=right", Some("no sslrootcert")),
            ("sslmode=unset,sslrootcert=system", Some("no sslrootcert=system")),
            ("sslmode=unset,sslnegotiation=direct", Some("no sslnegotiation=direct")),
            ("sslmode=unset,channel-binding=require", Some("no channel_binding=require")),
            ("sslmode=unset,client-cert=wrong", Some("no client certificates")),
            ("sslmode=unset,certificate=revoked", Some("no sslcrl")),
            ("sslmode=unset,host=a.example", Some("no hostaddr, so no other host name")),
            ("sslmode=unset,host=127.0.0.1", None),
            ("sslmode=unset,then=cancel", Some("no cancel requests")),
        ] {
            let axes = terms.parse().expect("axes");
            assert_eq!(reason_against(&nothing, &axes).as_deref(), reason, "{terms}");
        }
    }
}
