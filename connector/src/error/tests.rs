//! An error and its sources tell everything, and nothing twice.

use std::io;

use super::*;

/// What a reporter prints that walks the sources.
fn report(error: &Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        told = format!("{told}: {cause}");
        source = cause.source();
    }
    told
}

fn attempt(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Attempt {
    let place = Place { host: "db".to_owned(), address: Some("192.0.2.1:5432".to_owned()) };
    Attempt::new(Some(place), true, Phase::Handshake, cause)
}

/// A library's error, with its reason below.
#[derive(Debug, thiserror::Error)]
#[error("the library gave up")]
struct Foreign(#[source] io::Error);

fn foreign() -> Foreign {
    Foreign(io::Error::new(io::ErrorKind::NotFound, "no such thing"))
}

#[test]
fn a_librarys_reason_stands_below() {
    let error = Error::one(attempt(foreign()));
    assert_eq!(error.to_string(), "db (192.0.2.1:5432) with TLS: TLS handshake");
    assert_eq!(
        report(&error),
        "db (192.0.2.1:5432) with TLS: TLS handshake: the library gave up: no such thing"
    );
    assert!(find::<Foreign>(error.source().expect("a source")).is_some());
}

#[test]
fn our_own_reason_is_told_in_the_text() {
    let error = Error::one(attempt(Fault::TlsRefused));
    assert_eq!(report(&error), error.to_string());
    assert!(error.is_tls_refused() && error.to_string().contains("does not speak TLS"));

    let mismatch = crate::names::Mismatch::NoNames;
    let error = Error::one(attempt(Fault::Name(mismatch.clone())));
    assert_eq!(report(&error).matches(&mismatch.to_string()).count(), 1, "{}", report(&error));

    let source = io::Error::new(io::ErrorKind::PermissionDenied, "not for you");
    let file = Fault::File { what: "cannot read", path: "/x".into(), source };
    let error = Error::one(attempt(file));
    assert!(!error.to_string().contains("not for you"), "{error}");
    assert!(report(&error).ends_with("cannot read /x: not for you"), "{}", report(&error));
}

#[test]
fn earlier_attempts_are_told_whole_and_the_last_one_as_ever() {
    let error = Error::all(vec![attempt(foreign()), attempt(foreign())], Fault::NoHost);
    let one = "db (192.0.2.1:5432) with TLS: TLS handshake";
    let below = "the library gave up: no such thing";
    assert_eq!(error.to_string(), format!("2 attempts failed: {one}: {below}; then {one}"));
    assert_eq!(report(&error), format!("{error}: {below}"));
}

#[test]
fn predicates_speak_of_the_last_attempt() {
    type Predicate = fn(&Error) -> bool;
    let predicates: [(&str, Predicate); 9] = [
        ("configuration", Error::is_configuration),
        ("credentials", Error::is_credentials),
        ("handshake", Error::is_handshake),
        ("injection", Error::is_injection),
        ("name mismatch", Error::is_name_mismatch),
        ("rejected", Error::is_rejected),
        ("timeout", Error::is_timeout),
        ("tls refused", Error::is_tls_refused),
        ("unreachable", Error::is_unreachable),
    ];
    let failed = |phase, fault: Fault| {
        let earlier = attempt(Fault::TlsRefused);
        let error =
            Error::all(vec![earlier, Attempt::new(None, true, phase, fault)], Fault::NoHost);
        let hold = predicates.iter().filter(|(_, holds)| holds(&error));
        hold.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let timeout = || Fault::TimedOut(std::time::Duration::from_secs(1));
    assert_eq!(failed(Phase::Configuration, Fault::NoHost), ["configuration"]);
    assert_eq!(failed(Phase::Resolve, Fault::NoAddress), ["unreachable"]);
    assert_eq!(failed(Phase::Connect, timeout()), ["timeout", "unreachable"]);
    assert_eq!(failed(Phase::Negotiate, Fault::TlsRefused), ["tls refused"]);
    assert_eq!(failed(Phase::Negotiate, Fault::Injected(1)), ["injection"]);
    assert_eq!(failed(Phase::Credentials, Fault::NoCertificate(String::new())), ["credentials"]);
    assert_eq!(failed(Phase::Handshake, Fault::NoPeerCertificate), ["handshake"]);
    assert_eq!(failed(Phase::Name, crate::names::Mismatch::NoNames.into()), ["name mismatch"]);
    assert_eq!(failed(Phase::Login, Fault::ClosedInLogin), [""; 0], "nobody rejected it");
    assert_eq!(failed(Phase::Login, timeout()), ["timeout"]);
}
