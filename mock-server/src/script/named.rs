//! Named scripts: what each value of the axes `reply`, `access`, `auth` and `scram` has the server
//! do. A new value is one entry here.

use std::sync::LazyLock;

use super::{Conversation, Script, Step, Steps};
use crate::axes::ServerAxes;

/// Defines an axis whose values are scripts: each with its name and its JSON, in which what is left
/// out is the honest server's.
macro_rules! scripted_axis {
    (
        $(#[$meta:meta])*
        $axis:literal $type:ident {
            $( $(#[$value_meta:meta])* $value:ident = $name:literal => $json:expr, )*
        }
    ) => {
        crate::axis! {
            $(#[$meta])*
            $axis $type {
                $( $(#[$value_meta])* $value = $name, )*
            }
        }

        impl $type {
            /// What stands for the value.
            fn conversation(self) -> &'static Conversation {
                static PARSED: LazyLock<Vec<Conversation>> =
                    LazyLock::new(|| [$($json),*].into_iter().map(conversation).collect());
                // The values stand in the table's order.
                &PARSED[self as usize]
            }
        }
    };
}

/// A login as it would end: whoever takes it for one believes that the session has begun.
macro_rules! injected_login {
    () => {
        r#"
            "authentication_ok",
            {"parameter_status": {"name": "server_version", "value": "18.4"}},
            {"parameter_status": {"name": "client_encoding", "value": "UTF8"}},
            {"ready_for_query": {"status": "I"}}
        "#
    };
}

macro_rules! too_many_clients {
    () => {
        r#"{"error_response": {
            "severity": "FATAL", "sqlstate": "53300",
            "message": "{canary}: sorry, too many clients already"
        }}"#
    };
}

macro_rules! not_tls {
    () => {
        r#"{"text": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"}"#
    };
}

scripted_axis! {
    /// The answer to an SSLRequest, or to a ClientHello that comes without one.
    "reply" Reply {
        /// `S`, then an honest handshake.
        Accept = "accept" => "{}",
        /// `N`: TLS is off in the server.
        Refuse = "refuse" => r#"{
            "ssl_request": [{"send": [{"text": "N"}]}],
            "client_hello": ["close"]
        }"#,
        /// `E` and an ErrorResponse that carries a canary text, then close.
        Error = "error" => concat!(r#"{
            "ssl_request": [{"send": ["#, too_many_clients!(), r#"]}, "close"],
            "client_hello": [{"send": ["#, too_many_clients!(), r#"]}, "close"]
        }"#),
        /// A byte that is none of S, N, E.
        Garbage = "garbage" => r#"{
            "ssl_request": [{"send": [{"text": "?"}]}],
            "client_hello": [{"send": [{"text": "?"}]}, "close"]
        }"#,
        /// The connection is closed in good order (FIN).
        Close = "close" => r#"{"ssl_request": ["close"], "client_hello": ["close"]}"#,
        /// The connection is reset (RST).
        Reset = "reset" => r#"{"ssl_request": ["reset"], "client_hello": ["reset"]}"#,
        /// Nothing at all.
        Silent = "silent" => r#"{"ssl_request": ["silence"], "client_hello": ["silence"]}"#,
        /// `S` and plaintext AuthenticationOk, ParameterStatus, ReadyForQuery in one segment.
        Stuffed = "stuffed" => concat!(r#"{
            "ssl_request": [{"send": [{"text": "S"}, "#, injected_login!(), r#"]}, "handshake"],
            "client_hello": [{"send": ["#, injected_login!(), r#"]}, "close"]
        }"#),
        /// `S`; the same plaintext once the ClientHello begins to arrive.
        StuffedLate = "stuffed-late" => concat!(r#"{
            "ssl_request": [
                {"send": [{"text": "S"}]},
                {"wait": "byte"},
                {"send": ["#, injected_login!(), r#"]},
                "handshake"
            ],
            "client_hello": [{"send": ["#, injected_login!(), r#"]}, "close"]
        }"#),
        /// `N` and the same plaintext in one segment.
        RefuseStuffed = "refuse-stuffed" => concat!(r#"{
            "ssl_request": [{"send": [{"text": "N"}, "#, injected_login!(), r#"]}],
            "client_hello": [{"send": [{"text": "N"}, "#, injected_login!(), r#"]}, "close"]
        }"#),
        /// `S`, then a fatal handshake_failure alert.
        TlsAlert = "tls-alert" => r#"{
            "ssl_request": [
                {"send": [{"text": "S"}]},
                {"wait": "client_hello"},
                {"send": [{"alert": {"description": 40}}]},
                "close"
            ],
            "client_hello": [{"send": [{"alert": {"description": 40}}]}, "close"]
        }"#,
        /// `S`, then bytes that are not TLS.
        TlsGarbage = "tls-garbage" => concat!(r#"{
            "ssl_request": [
                {"send": [{"text": "S"}]},
                {"wait": "client_hello"},
                {"send": ["#, not_tls!(), r#"]},
                "close"
            ],
            "client_hello": [{"send": ["#, not_tls!(), r#"]}, "close"]
        }"#),
        /// `S`, then nothing.
        TlsSilent = "tls-silent" => r#"{
            "ssl_request": [{"send": [{"text": "S"}]}, {"wait": "client_hello"}, "silence"],
            "client_hello": ["silence"]
        }"#,
        /// `S`, then the connection is closed after the ClientHello.
        TlsClose = "tls-close" => r#"{
            "ssl_request": [{"send": [{"text": "S"}]}, {"wait": "client_hello"}, "close"],
            "client_hello": ["close"]
        }"#,
    }
}

scripted_axis! {
    /// The pg_hba rule for the user.
    "access" Access {
        /// `host`: with TLS or without.
        Any = "any" => r#"{"startup": []}"#,
        /// `hostssl`.
        SslOnly = "ssl-only" => r#"{
            "startup": [{"if": {"is": "plaintext", "then": [{"reject": "no_pg_hba_entry"}]}}]
        }"#,
        /// `hostnossl`.
        NosslOnly = "nossl-only" => r#"{
            "startup": [{"if": {"is": "encrypted", "then": [{"reject": "no_pg_hba_entry"}]}}]
        }"#,
    }
}

macro_rules! scram_behind_the_offer {
    () => {
        r#"
            {"expect": "sasl_initial_response"},
            {"send": [{"authentication_sasl_continue": {
                "data": "r={client_nonce}{server_nonce},s={salt},i=4096"
            }}]},
            {"expect": "sasl_response"},
            {"send": [
                {"authentication_sasl_final": {"data": "v={server_signature}"}},
                "welcome"
            ]}
        "#
    };
}

scripted_axis! {
    /// How the server wants the client to prove who it is.
    "auth" Auth {
        /// Cleartext, so that a leak shows.
        Password = "password" => r#"{
            "startup": [
                {"send": ["authentication_cleartext_password"]},
                {"expect": "password"},
                {"send": ["welcome"]}
            ]
        }"#,
        /// No proof.
        Trust = "trust" => r#"{"startup": [{"send": ["welcome"]}]}"#,
        /// MD5.
        Md5 = "md5" => r#"{
            "startup": [
                {"send": [{"authentication_md5_password": {"salt": "{md5_salt}"}}]},
                {"expect": "md5"},
                {"send": ["welcome"]}
            ]
        }"#,
        /// SCRAM-SHA-256, and never -PLUS.
        ScramSha256 = "scram-sha-256" => concat!(r#"{
            "startup": [
                {"send": [{"authentication_sasl": {"mechanisms": ["SCRAM-SHA-256"]}}]},"#,
                scram_behind_the_offer!(), r#"
            ]
        }"#),
        /// Over TLS SCRAM-SHA-256-PLUS and SCRAM-SHA-256, in plaintext the latter alone.
        ScramSha256Plus = "scram-sha-256-plus" => concat!(r#"{
            "startup": [
                {"if": {
                    "is": "encrypted",
                    "then": [{"send": [{"authentication_sasl": {
                        "mechanisms": ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
                    }}]}],
                    "else": [{"send": [{"authentication_sasl": {
                        "mechanisms": ["SCRAM-SHA-256"]
                    }}]}]
                }},"#,
                scram_behind_the_offer!(), r#"
            ]
        }"#),
        /// A client certificate is asked for and needed. Such a rule is a hostssl rule.
        Cert = "cert" => r#"{
            "tls": {"client_certificate": true},
            "startup": [
                {"if": {"is": "plaintext", "then": [{"reject": "no_pg_hba_entry"}]}},
                {"expect": "client_certificate"},
                {"send": ["welcome"]}
            ]
        }"#,
    }
}

/// What stands for a value: it is part of the program, and a test reads all.
fn conversation(json: &str) -> Conversation {
    serde_json::from_str(json).unwrap_or_else(|error| unreachable!("{error} in {json}"))
}

impl Script {
    /// The script that the values of these axes come to, the same on each connection.
    ///
    /// ```
    /// use pgtls_mock_server::{axes::{Reply, ServerAxes}, script::Script};
    ///
    /// let script = Script::of(&ServerAxes { reply: Reply::Refuse, ..ServerAxes::default() });
    /// assert!(!script.outline(0).shakes_hands());
    /// ```
    #[must_use]
    pub fn of(axes: &ServerAxes) -> Self {
        let mut whole = axes.reply.conversation().clone();
        let access = axes.access.conversation();
        let auth = axes.auth.conversation();
        whole.startup = access.startup.iter().chain(&*auth.startup).cloned().collect();
        whole.tls.certificate = axes.certificate;
        whole.tls.key = axes.key;
        whole.tls.versions = axes.tls;
        whole.tls.client_certificate = auth.tls.client_certificate;
        Self::always(whole)
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> Self {
        steps.into_iter().collect::<Vec<_>>().into()
    }
}

/// A named script.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Named {
    /// The axis and its value, such as `reply=stuffed`.
    pub name: String,
    /// What the server does, all other axes at their defaults.
    pub script: Script,
}

/// Every named script, in the order of the axes and of their values.
#[must_use]
pub fn all() -> Vec<Named> {
    let honest = ServerAxes::default();
    let named = |axis: &str, value: &str, axes: ServerAxes| Named {
        name: format!("{axis}={value}"),
        script: Script::of(&axes),
    };
    let replies = Reply::ALL
        .iter()
        .map(|&reply| named(Reply::AXIS, reply.name(), ServerAxes { reply, ..honest }));
    let accesses = Access::ALL
        .iter()
        .map(|&access| named(Access::AXIS, access.name(), ServerAxes { access, ..honest }));
    let auths =
        Auth::ALL.iter().map(|&auth| named(Auth::AXIS, auth.name(), ServerAxes { auth, ..honest }));
    replies.chain(accesses).chain(auths).chain(super::scram::all()).collect()
}

/// The script of that name: `reply=stuffed`, or `stuffed` where no other axis has such a value.
#[must_use]
pub fn find(name: &str) -> Option<Script> {
    let all = all();
    let exact = all.iter().find(|named| named.name == name);
    let mut by_value = all
        .iter()
        .filter(|named| named.name.split_once('=').is_some_and(|(_, value)| value == name));
    let found = exact.or_else(|| by_value.next().filter(|_| by_value.next().is_none()));
    found.map(|named| named.script.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_script_survives_its_json() {
        let all = all();
        assert!(all.len() > 30);
        for Named { name, script } in all {
            assert_eq!(Script::from_json(&script.to_json()).as_ref(), Ok(&script), "{name}");
            assert_eq!(find(&name).as_ref(), Some(&script), "{name}");
        }
    }

    #[test]
    fn a_value_alone_is_a_name_where_it_is_the_only_one() {
        assert_eq!(find("stuffed"), find("reply=stuffed"));
        assert_eq!((find("error"), find("no-such")), (None, None));
    }

    #[test]
    fn the_default_is_the_honest_server() {
        let honest = Script::of(&ServerAxes::default());
        assert_eq!(honest, Script::always(Conversation::default()));
        assert_eq!(Script::from_json(r#"{"connections": [{}]}"#), Ok(honest));
    }
}
