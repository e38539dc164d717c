//! The sequence of attempts at one address: a pure function of the mode and of what happened.

use crate::SslMode;

/// How the session is to be carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Plain,
    Tls,
}

/// What ended a phase of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// No socket, or nothing more within the connect timeout.
    Unreachable,
    /// `N` in answer to the SSLRequest.
    Refused,
    /// TLS did not come about: credentials, handshake, certificate, name, ALPN.
    HandshakeFailed,
    /// An ErrorResponse before AuthenticationOk.
    Rejected,
    /// The same with SQLSTATE 57P03 (cannot_connect_now), or a session that is not the wanted one.
    Unsuitable,
    /// All else: a wrong answer, a closed connection, plaintext behind `S`, an error after AuthenticationOk,
    /// and whatever we ourselves refuse.
    Broken,
}

/// What to do then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Go on here by the plan's new method.
    SameConnection,
    /// Open another connection to this address for the plan's new method.
    NewConnection,
    /// This address is of no use.
    OtherAddress,
    /// This host is of no use.
    OtherHost,
    /// No other host would change it.
    Fail,
}

/// The methods still allowed at one address; the first is the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    method: Method,
    fallback: Option<Method>,
}

impl Plan {
    /// libpq's order for this mode.
    pub(crate) fn new(mode: SslMode) -> Plan {
        let (method, fallback) = match mode {
            SslMode::Disable => (Method::Plain, None),
            SslMode::Allow => (Method::Plain, Some(Method::Tls)),
            SslMode::Prefer => (Method::Tls, Some(Method::Plain)),
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => (Method::Tls, None),
        };
        Plan { method, fallback }
    }

    /// One method and no other: plaintext for Unix sockets, TLS for the cancel request of a TLS session.
    pub(crate) fn only(method: Method) -> Plan {
        Plan { method, fallback: None }
    }

    /// By what to try now.
    pub(crate) fn method(&self) -> Method {
        self.method
    }

    /// What to do after `event`; moves on to the next method where that is the answer.
    pub(crate) fn after(&mut self, event: Event) -> Next {
        let otherwise = match event {
            Event::Unreachable => return Next::OtherAddress,
            Event::Unsuitable => return Next::OtherHost,
            Event::Broken => return Next::Fail,
            Event::Refused => Next::SameConnection,
            Event::HandshakeFailed | Event::Rejected => Next::NewConnection,
        };
        match self.fallback.take() {
            Some(method) => {
                self.method = method;
                otherwise
            }
            None => Next::Fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SslMode; 6] = [
        SslMode::Disable,
        SslMode::Allow,
        SslMode::Prefer,
        SslMode::Require,
        SslMode::VerifyCa,
        SslMode::VerifyFull,
    ];

    fn after(mode: SslMode, event: Event) -> (Next, Method) {
        let mut plan = Plan::new(mode);
        let next = plan.after(event);
        (next, plan.method())
    }

    #[test]
    fn modes_begin_as_libpqs() {
        let first: Vec<Method> = ALL.iter().map(|&mode| Plan::new(mode).method()).collect();
        assert_eq!(
            first,
            [Method::Plain, Method::Plain, Method::Tls, Method::Tls, Method::Tls, Method::Tls]
        );
    }

    #[test]
    fn n_goes_on_in_plaintext_on_the_same_connection_only_under_prefer() {
        assert_eq!(after(SslMode::Prefer, Event::Refused), (Next::SameConnection, Method::Plain));
        for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            assert_eq!(after(mode, Event::Refused).0, Next::Fail, "{mode}");
        }
        let mut allow = Plan::new(SslMode::Allow);
        assert_eq!(allow.after(Event::Rejected), Next::NewConnection);
        assert_eq!(allow.method(), Method::Tls);
        assert_eq!(allow.after(Event::Refused), Next::Fail);
    }

    #[test]
    fn a_failed_handshake_makes_a_new_connection_only_where_a_method_is_left() {
        assert_eq!(
            after(SslMode::Prefer, Event::HandshakeFailed),
            (Next::NewConnection, Method::Plain)
        );
        for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            assert_eq!(after(mode, Event::HandshakeFailed).0, Next::Fail, "{mode}");
        }
        let mut allow = Plan::new(SslMode::Allow);
        allow.after(Event::Rejected);
        assert_eq!(allow.after(Event::HandshakeFailed), Next::Fail);
    }

    #[test]
    fn a_rejected_login_tries_the_other_method_once() {
        assert_eq!(after(SslMode::Allow, Event::Rejected), (Next::NewConnection, Method::Tls));
        assert_eq!(after(SslMode::Prefer, Event::Rejected), (Next::NewConnection, Method::Plain));
        for mode in [SslMode::Disable, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            assert_eq!(after(mode, Event::Rejected).0, Next::Fail, "{mode}");
        }
        for mode in [SslMode::Allow, SslMode::Prefer] {
            let mut plan = Plan::new(mode);
            plan.after(Event::Rejected);
            assert_eq!(plan.after(Event::Rejected), Next::Fail, "{mode}");
        }
        let mut refused = Plan::new(SslMode::Prefer);
        refused.after(Event::Refused);
        assert_eq!(refused.after(Event::Rejected), Next::Fail);
    }

    #[test]
    fn the_rest_does_not_depend_on_the_mode() {
        for mode in ALL {
            let method = Plan::new(mode).method();
            assert_eq!(after(mode, Event::Broken), (Next::Fail, method), "{mode}");
            assert_eq!(after(mode, Event::Unreachable), (Next::OtherAddress, method), "{mode}");
            assert_eq!(after(mode, Event::Unsuitable), (Next::OtherHost, method), "{mode}");
        }
    }

    #[test]
    fn no_event_brings_plaintext_under_require_and_stronger() {
        let events = [
            Event::Unreachable,
            Event::Refused,
            Event::HandshakeFailed,
            Event::Rejected,
            Event::Unsuitable,
            Event::Broken,
        ];
        for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
            for first in events {
                for second in events {
                    let mut plan = Plan::new(mode);
                    plan.after(first);
                    plan.after(second);
                    assert_eq!(plan.method(), Method::Tls, "{mode} {first:?} {second:?}");
                }
            }
        }
    }
}
