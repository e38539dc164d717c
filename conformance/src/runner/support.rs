//! Whether a stack can be asked for a cell, by what it said of itself. Pure.

use crate::{
    Written,
    axes::{
        Axes, Certificate, ChannelBinding, ClientCert, Sslmode, Sslnegotiation, Sslrootcert, Then,
    },
    shim::{RootStore, Supports},
};

/// Why the stack cannot be asked, or `None` if it can.
pub(super) fn reason_against(supports: &Supports, axes: &Axes) -> Option<String> {
    let mode = axes.sslmode;
    if mode != Sslmode::Unset && !has(&supports.sslmode, mode) {
        return Some(format!("no sslmode={mode}"));
    }
    let negotiation = axes.sslnegotiation;
    if negotiation == Sslnegotiation::Direct && !has(&supports.sslnegotiation, negotiation) {
        return Some(format!("no sslnegotiation={negotiation}"));
    }
    let store = match axes.sslrootcert {
        Sslrootcert::None => None,
        Sslrootcert::System | Sslrootcert::SystemEmpty => Some(RootStore::System),
        _ => Some(RootStore::File),
    };
    match store.filter(|store| !has(&supports.sslrootcert, *store)) {
        Some(RootStore::System) => return Some("no sslrootcert=system".to_owned()),
        Some(_) => return Some("no sslrootcert".to_owned()),
        None => {}
    }
    let binding = axes.channel_binding;
    if binding != ChannelBinding::Prefer && !has(&supports.channel_binding, binding) {
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

fn has<T: PartialEq>(list: &[Written<T>], wanted: T) -> bool {
    list.iter().any(|value| *value == wanted)
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
