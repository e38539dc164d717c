//! Named scripts: what each value of the axes `reply`, `access`, `auth` and `scram` has the server
//! do. A new value is one entry here.

use std::sync::LazyLock;

use super::language::Conversation;

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
            pub(super) fn conversation(self) -> &'static Conversation {
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
