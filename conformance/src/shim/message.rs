//! The shim contract's messages, version 1: one JSON object a line, both ways.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{column_type::ColumnType, supports::Supports};
use crate::words::with_causes;

/// The version of the contract.
pub const CONTRACT: u32 = 1;

/// What the runner asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Request {
    /// The first question: who are you?
    Hello {
        /// The contract's version, 1.
        contract: u32,
    },
    /// Connect, run the query, close.
    Connect(Box<Connect>),
}

/// One connect call. An absent key leaves the driver's own default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Connect {
    /// Comes back with the answer.
    pub id: u64,
    /// The name to connect to and to verify.
    pub host: String,
    /// Where that host is; a stack that cannot be told resolves the name itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostaddr: Option<String>,
    /// The TCP port.
    pub port: u16,
    /// The user that logs in.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The database.
    pub dbname: String,
    /// The connect timeout in milliseconds.
    pub timeout_ms: u64,
    /// The query to run: `SELECT` and a number, or what [`fetch`](Self::fetch) asks for.
    pub query: String,
    /// The types of the answer's columns, which the client is to read as its driver's natural values:
    /// the first is int4 and holds the number. Absent: the number alone, read as the stack likes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<ColumnType>,
    /// Absent only for `unset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslmode: Option<String>,
    /// A file's path, or `system`; absent only for `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslrootcert: Option<String>,
    /// `direct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslnegotiation: Option<String>,
    /// `disable` or `require`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_binding: Option<String>,
    /// The client certificate's path, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslcert: Option<PathBuf>,
    /// Its key's path, PEM (PKCS #8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslkey: Option<PathBuf>,
    /// A revocation list's path, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sslcrl: Option<PathBuf>,
    /// What to do after the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<FollowUp>,
}

impl Connect {
    /// The same with columns of these types behind the number; without any, as it was.
    #[must_use]
    pub fn fetching(mut self, number: i32, columns: &[ColumnType]) -> Self {
        if !columns.is_empty() {
            self.query = ColumnType::query(number, columns);
            self.fetch = [&[ColumnType::Int4], columns].concat();
        }
        self
    }

    /// The settings by libpq's names, for drivers that know these; what is absent is left out.
    pub fn settings(&self) -> impl Iterator<Item = (&'static str, String)> {
        let path =
            |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        // Whole seconds, of which libpq takes 0 for "for ever".
        let seconds = self.timeout_ms.div_ceil(1000).max(1);
        [
            ("host", Some(self.host.clone())),
            ("hostaddr", self.hostaddr.clone()),
            ("port", Some(self.port.to_string())),
            ("user", Some(self.user.clone())),
            ("password", Some(self.password.clone())),
            ("dbname", Some(self.dbname.clone())),
            ("connect_timeout", Some(seconds.to_string())),
            ("sslmode", self.sslmode.clone()),
            ("sslrootcert", self.sslrootcert.clone()),
            ("sslnegotiation", self.sslnegotiation.clone()),
            ("channel_binding", self.channel_binding.clone()),
            ("sslcert", path(&self.sslcert)),
            ("sslkey", path(&self.sslkey)),
            ("sslcrl", path(&self.sslcrl)),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
    }
}

/// What may follow the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FollowUp {
    /// Send a cancel request for this connection by the driver's own means.
    Cancel,
}

/// What a shim answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Response {
    /// The answer to the first question.
    Hello(Hello),
    /// The answer to a connect call.
    Result(Answer),
}

impl Hello {
    /// A stack of which nothing but its driver's name and version is told.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { contract: CONTRACT, name: name.into(), version: version.into(), ..Self::default() }
    }
}

/// Who the stack is and what it can.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// The contract's version that the shim speaks.
    pub contract: u32,
    /// The driver's name.
    pub name: String,
    /// The driver's version.
    pub version: String,
    /// The TLS library and its version.
    #[serde(default)]
    pub tls: String,
    /// What can be asked of it.
    #[serde(default)]
    pub supports: Supports,
    /// The major version of the libpq inside, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libpq: Option<u16>,
}

/// How a connect call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The request's.
    pub id: u64,
    /// The outcome and what belongs to it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a connect call, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// The query ran.
    Connected {
        /// Whether the driver says the connection is encrypted; null where it does not tell.
        #[serde(default)]
        tls: Option<bool>,
        /// The query's rows, every value as text.
        rows: Vec<Vec<String>>,
    },
    /// It failed.
    Failed {
        /// What the application sees.
        error: ClientError,
    },
    /// The stack cannot do what it was asked, and has made no connection.
    Unsupported {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// It failed, with every text of the error and its causes.
    #[must_use]
    pub fn failed(class: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let error = ClientError { class: class.into(), message: with_causes(error) };
        Self::Failed { error }
    }

    /// The stack cannot do what it was asked, and has made no connection.
    #[must_use]
    pub fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported { reason: reason.into() }
    }
}

/// An error as the application sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientError {
    /// The error's class or code, in the driver's own terms.
    #[serde(default)]
    pub class: String,
    /// Every text the application would see.
    #[serde(default)]
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_own_examples_are_read() {
        for line in [
            r#"{"type":"hello","contract":1,"name":"asyncpg","version":"0.32.0","tls":"OpenSSL 3.0.19","supports":{"sslmode":["disable","allow","prefer","require","verify-ca","verify-full"],"sslnegotiation":["postgres","direct"],"sslrootcert":["file","system"],"channel_binding":["prefer"],"hostaddr":false,"sslcert":true,"sslcrl":false,"cancel":false}}"#,
            r#"{"type":"result","id":7,"outcome":"connected","tls":true,"rows":[["48151"]]}"#,
            r#"{"type":"result","id":7,"outcome":"connected","tls":null,"rows":[["48151"]]}"#,
            r#"{"type":"result","id":7,"outcome":"failed","error":{"class":"SSLCertVerificationError","message":"…"}}"#,
            r#"{"type":"result","id":7,"outcome":"unsupported","reason":"no sslmode=allow"}"#,
        ] {
            let response: Response = serde_json::from_str(line).expect(line);
            let again: Response =
                serde_json::from_str(&serde_json::to_string(&response).expect("text"))
                    .expect("itself");
            assert_eq!(again, response);
        }
        let connect = r#"{"type":"connect","id":7,"host":"localhost","hostaddr":"127.0.0.1","port":40123,"user":"any","password":"…","dbname":"postgres","timeout_ms":2000,"query":"SELECT 48151","sslmode":"verify-full","sslrootcert":"/abs/root.pem","sslnegotiation":"direct","channel_binding":"require","sslcert":"…","sslkey":"…","sslcrl":"…","then":"cancel"}"#;
        let request: Request = serde_json::from_str(connect).expect("a request");
        assert_eq!(serde_json::to_string(&request).expect("text"), connect);
    }

    #[test]
    fn columns_are_asked_for_by_their_types() {
        let request = Connect::default().fetching(4711, &[ColumnType::Int4Array]);
        assert_eq!(request.query, "SELECT 4711::int4, '{1,NULL,3}'::int4[]");
        let text = serde_json::to_string(&request).expect("text");
        assert!(text.contains(r#""fetch":["int4","int4[]"]"#), "{text}");
        let request: Connect = serde_json::from_str(&text).expect("itself");
        assert_eq!(request.fetch, [ColumnType::Int4, ColumnType::Int4Array]);
        assert_eq!(Connect::default().fetching(4711, &[]), Connect::default());
    }

    #[test]
    fn settings_are_those_that_are_there() {
        let request = Connect {
            host: "localhost".to_owned(),
            sslmode: Some("require".to_owned()),
            sslkey: Some("/a/key".into()),
            ..Connect::default()
        };
        let settings: Vec<_> = request.settings().collect();
        let has = |key, value: &str| settings.contains(&(key, value.to_owned()));
        assert!(has("host", "localhost") && has("sslmode", "require") && has("sslkey", "/a/key"));
        assert!(has("connect_timeout", "1"), "0 is no timeout at all: {settings:?}");
        assert!(!settings.iter().any(|(key, _)| ["sslcert", "hostaddr"].contains(key)));
    }

    #[test]
    fn an_absent_key_stays_absent() {
        let request = Request::Connect(Box::default());
        let text = serde_json::to_string(&request).expect("text");
        assert!(!text.contains("sslmode") && !text.contains("null"), "{text}");
    }
}
