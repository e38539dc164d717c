//! The shim contract as this client reads it, in types of its own.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

/// A question.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Question {
    /// Who are you?
    Hello {
        /// The version that the runner speaks.
        contract: u32,
    },
    /// Connect, run the query, close.
    Connect(Box<Connect>),
}

/// One connect call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    pub(crate) id: u64,
    pub(crate) host: String,
    pub(crate) hostaddr: Option<String>,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) dbname: String,
    pub(crate) timeout_ms: u64,
    pub(crate) query: String,
    pub(crate) sslmode: Option<String>,
    pub(crate) sslrootcert: Option<String>,
    pub(crate) sslnegotiation: Option<String>,
    pub(crate) channel_binding: Option<String>,
    pub(crate) sslcert: Option<String>,
    pub(crate) sslkey: Option<String>,
    pub(crate) sslcrl: Option<String>,
    pub(crate) then: Option<String>,
    /// Whatever the types of its columns, a row is read as texts.
    #[serde(rename = "fetch")]
    pub(crate) _fetch: Option<IgnoredAny>,
}

/// How a connect call ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The query ran, over TLS or not, and gave this.
    Connected { tls: bool, rows: Vec<Vec<String>> },
    /// It failed, with this text.
    Failed(String),
    /// It was not tried.
    Unsupported(String),
}

/// The answer to `hello`.
pub(crate) fn hello(contract: u32) -> Value {
    json!({
        "type": "hello",
        "contract": contract,
        "name": "test-client",
        "version": "1",
        "tls": openssl::version::version(),
        "supports": {
            "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
            "sslnegotiation": ["postgres", "direct"],
            "sslrootcert": ["file", "system"],
            "channel_binding": ["prefer", "disable", "require"],
            "hostaddr": true,
            "sslcert": true,
            "sslcrl": true,
            "cancel": true,
        },
    })
}

/// The answer to a connect call.
pub(crate) fn result(id: u64, outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Connected { tls, rows } => {
            json!({"type": "result", "id": id, "outcome": "connected", "tls": tls, "rows": rows})
        }
        Outcome::Failed(message) => json!({
            "type": "result", "id": id, "outcome": "failed",
            "error": {"class": "TestClientError", "message": message},
        }),
        Outcome::Unsupported(reason) => {
            json!({"type": "result", "id": id, "outcome": "unsupported", "reason": reason})
        }
    }
}
