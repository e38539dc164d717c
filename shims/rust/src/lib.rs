//! The shim contract, version 1, for a driver in Rust: reading, refusing, answering.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    fmt::Debug,
    io::{self, Write as _},
    path::PathBuf,
    process, thread,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Every sslmode of libpq.
pub const SSLMODES: [&str; 6] =
    ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// How many requests are at work at a time: most of them may wait for a silent server, and yet a
/// processor has work; where the process dies, they are few enough to be asked again one by one.
const CONCURRENCY: usize = 16;

/// How much text of one answer is told, in bytes: a hostile server sends more than a line of the
/// contract holds.
const LONGEST: usize = 1 << 16;

/// As much as the first thread of a process has: what a driver decodes may be nested.
const STACK: usize = 8 << 20;

/// Who the driver is and what it can: its part of the answer to the first question.
#[derive(Debug, Serialize)]
pub struct Hello {
    /// The driver's name.
    pub name: &'static str,
    /// Its version.
    pub version: String,
    /// Its TLS library and that one's version.
    pub tls: String,
    /// The major version of the libpq inside, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libpq: Option<i32>,
    /// What can be asked of it.
    pub supports: Supports,
}

/// What a driver takes; what it does not is refused before it is asked.
#[derive(Debug, Serialize)]
pub struct Supports {
    /// The modes by name.
    pub sslmode: Vec<&'static str>,
    /// `postgres`, `direct`.
    pub sslnegotiation: Vec<&'static str>,
    /// `file`, `system`.
    pub sslrootcert: Vec<&'static str>,
    /// `prefer`, `disable`, `require`.
    pub channel_binding: Vec<&'static str>,
    /// It can be told the server's address apart from its name: only then is it asked for a name
    /// that does not resolve.
    pub hostaddr: bool,
    /// It takes a client certificate.
    pub sslcert: bool,
    /// It takes a revocation list.
    pub sslcrl: bool,
    /// It can send a cancel request.
    pub cancel: bool,
}

/// One connect call. An absent key leaves the driver's own default.
#[derive(Debug, Deserialize)]
pub struct Request {
    id: u64,
    /// The name to connect to and to verify.
    pub host: String,
    /// Where that host is. A driver that cannot be told resolves the name itself.
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
    /// The query to run: `SELECT` and a number, which PostgreSQL makes an int4.
    pub query: String,
    /// The mode by name.
    pub sslmode: Option<String>,
    /// A file's path, or `system`.
    pub sslrootcert: Option<String>,
    /// `direct`.
    pub sslnegotiation: Option<String>,
    /// `disable` or `require`.
    pub channel_binding: Option<String>,
    /// The client certificate's path, PEM.
    pub sslcert: Option<PathBuf>,
    /// Its key's path, PEM (PKCS #8).
    pub sslkey: Option<PathBuf>,
    /// A revocation list's path, PEM.
    pub sslcrl: Option<PathBuf>,
    then: Option<String>,
    /// The types of the columns that are to be read as the driver's natural values; without any,
    /// the number is asked for alone.
    #[serde(default)]
    pub fetch: Vec<ColumnType>,
}

/// A column's type by its name in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "they are PostgreSQL's")]
pub enum ColumnType {
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Bool,
    Bytea,
    Text,
    Timestamp,
    Timestamptz,
    Date,
    Uuid,
    Json,
    Jsonb,
    #[serde(rename = "int4[]")]
    Int4Array,
    #[serde(rename = "text[]")]
    TextArray,
    Hstore,
}

impl Request {
    /// Whether a cancel request is to follow the query.
    #[must_use]
    pub fn cancels(&self) -> bool {
        self.then.is_some()
    }
}

/// The rows of a query that ran, every value as text.
pub type Rows = Vec<Vec<String>>;

/// A value as text: numbers in decimal, others in any form.
pub fn text(value: Option<impl Debug>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("{value:?}"))
}

/// Why a connect call gave no rows.
#[derive(Debug)]
pub enum Refusal {
    /// The driver offers applications no way to ask for this. No connection was made.
    Unsupported(String),
    /// The driver failed.
    Failed {
        /// The error's kind: its SQLSTATE, variant or type.
        class: String,
        /// Every text that the application would see.
        message: String,
    },
}

impl Refusal {
    /// A driver's error, with the texts of all its causes that its own does not hold already.
    pub fn failed(class: impl Into<String>, error: &dyn Error) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        Self::Failed { class: class.into(), message }
    }
}

/// The variant that a value of an enum with derived `Debug` is.
#[must_use]
pub fn variant(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    text.split(|part: char| !part.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// The version of a package in a `Cargo.lock`.
#[must_use]
pub fn locked(lock: &str, package: &str) -> String {
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = lock.split_once(&entry).and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or("unknown").to_owned()
}

/// Answers questions until stdin ends, several at a time: `worker` is called once in each of so
/// many threads, for what connects, queries and closes there.
///
/// What goes wrong with stdin, stdout or a question ends the process with status 1; a panic of the
/// driver ends it as one in `main` would, with status 101.
pub fn serve<C>(hello: &Hello, worker: impl Fn() -> io::Result<C> + Sync)
where
    C: FnMut(&Request) -> Result<Rows, Refusal>,
{
    thread::scope(|scope| {
        for _ in 0..CONCURRENCY {
            let work = || {
                let _ends_with_it = EndsTheProcess;
                worker()
                    .and_then(|connect| answer_all(hello, connect))
                    .unwrap_or_else(|error| die(&error));
            };
            let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            thread.map(drop).unwrap_or_else(|error| die(&error));
        }
    });
}

fn answer_all(
    hello: &Hello,
    mut connect: impl FnMut(&Request) -> Result<Rows, Refusal>,
) -> io::Result<()> {
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "lowercase")]
    enum Question {
        Hello {},
        Connect(Box<Request>),
    }

    let mut line = String::new();
    loop {
        line.clear();
        // One thread reads at a time, and works on what it has read.
        if io::stdin().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer = match serde_json::from_str(&line)? {
            Question::Hello {} => {
                let mut answer = json!({"type": "hello", "contract": 1});
                merge(&mut answer, serde_json::to_value(hello)?);
                answer["supports"]["concurrency"] = CONCURRENCY.into();
                answer
            }
            Question::Connect(request) => {
                let outcome = match hello.supports.refusal(&request) {
                    Some(reason) => Err(Refusal::Unsupported(reason)),
                    None => connect(&request),
                };
                result(request.id, outcome)
            }
        };
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{answer}")?;
        stdout.flush()?;
    }
}

/// Held by a thread that may panic while the others wait.
struct EndsTheProcess;

impl Drop for EndsTheProcess {
    fn drop(&mut self) {
        if thread::panicking() {
            process::exit(101);
        }
    }
}

fn die(error: &io::Error) -> ! {
    eprintln!("{error}");
    process::exit(1)
}

/// No driver here tells an application whether its connection is encrypted: `tls` is null.
fn result(id: u64, outcome: Result<Rows, Refusal>) -> Value {
    let mut answer = json!({"type": "result", "id": id});
    merge(
        &mut answer,
        match outcome {
            Ok(rows) => json!({"outcome": "connected", "tls": null, "rows": told(rows)}),
            Err(Refusal::Unsupported(reason)) => {
                json!({"outcome": "unsupported", "reason": reason})
            }
            Err(Refusal::Failed { class, mut message }) => {
                cut(&mut message, LONGEST);
                json!({"outcome": "failed", "error": {"class": class, "message": message}})
            }
        },
    );
    answer
}

/// What of the rows a line of the contract takes.
fn told(rows: Rows) -> Rows {
    let mut left = LONGEST;
    let mut told = Rows::new();
    for row in rows {
        let mut texts = Vec::new();
        for mut text in row {
            cut(&mut text, left);
            left = left.saturating_sub(text.len() + 1);
            texts.push(text);
            if left == 0 {
                break;
            }
        }
        told.push(texts);
        left = left.saturating_sub(1);
        if left == 0 {
            break;
        }
    }
    told
}

fn cut(text: &mut String, length: usize) {
    text.truncate(
        (0..=length.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0),
    );
}

fn merge(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
}

impl Supports {
    /// Why a request cannot be put to the driver. The reason names no path: reasons are compared
    /// from run to run.
    fn refusal(&self, request: &Request) -> Option<String> {
        let lacks = |key: &str, taken: &[&str], asked: Option<&str>| {
            asked.filter(|asked| !taken.contains(asked)).map(|asked| format!("no {key}={asked}"))
        };
        let root =
            request.sslrootcert.as_deref().map(|root| if root == "system" { root } else { "file" });
        let missing =
            |key: &str, taken: bool, asked: bool| (asked && !taken).then(|| format!("no {key}"));
        lacks("sslmode", &self.sslmode, request.sslmode.as_deref())
            .or_else(|| {
                lacks("sslnegotiation", &self.sslnegotiation, request.sslnegotiation.as_deref())
            })
            .or_else(|| lacks("sslrootcert", &self.sslrootcert, root))
            .or_else(|| {
                lacks("channel_binding", &self.channel_binding, request.channel_binding.as_deref())
            })
            .or_else(|| missing("sslcert", self.sslcert, request.sslcert.is_some()))
            .or_else(|| missing("sslcrl", self.sslcrl, request.sslcrl.is_some()))
            .or_else(|| missing("cancel", self.cancel, request.cancels()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_each_cause_once() {
        // sqlx's errors quote their cause, tokio-postgres's do not.
        for (text, told) in [("outer, by inner", "outer, by inner"), ("outer", "outer: inner")] {
            let error = Outer(text, io::Error::other("inner"));
            let Refusal::Failed { class, message } = Refusal::failed("X", &error) else {
                panic!("not a failure")
            };
            assert_eq!((class.as_str(), message.as_str()), ("X", told));
        }
    }

    #[test]
    fn what_the_driver_lacks_is_refused() {
        let supports = Supports {
            sslmode: vec!["require"],
            sslnegotiation: vec!["postgres"],
            sslrootcert: vec!["file"],
            channel_binding: vec!["prefer"],
            hostaddr: false,
            sslcert: false,
            sslcrl: false,
            cancel: false,
        };
        for (key, value, reason) in [
            ("sslmode", "require", None),
            ("sslmode", "nonsense", Some("no sslmode=nonsense")),
            ("sslnegotiation", "direct", Some("no sslnegotiation=direct")),
            ("sslrootcert", "/root.pem", None),
            ("sslrootcert", "system", Some("no sslrootcert=system")),
            ("channel_binding", "require", Some("no channel_binding=require")),
            ("hostaddr", "127.0.0.1", None),
            ("sslcert", "/cert.pem", Some("no sslcert")),
            ("sslcrl", "/crl.pem", Some("no sslcrl")),
            ("then", "cancel", Some("no cancel")),
        ] {
            let mut request = json!({
                "id": 1, "host": "localhost", "port": 1, "user": "any", "password": "", "dbname": "postgres",
                "timeout_ms": 1, "query": "SELECT 1",
            });
            merge(&mut request, json!({ key: value }));
            let request = serde_json::from_value(request).expect("a request");
            assert_eq!(supports.refusal(&request).as_deref(), reason, "{key}={value}");
        }
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"sqlx\"\nversion = \"0.9.0\"\n\n[[package]]\nname = \"sqlx-core\"\nversion = \"1\"\n";
        assert_eq!(
            (locked(lock, "sqlx").as_str(), locked(lock, "rustls").as_str()),
            ("0.9.0", "unknown")
        );
    }

    #[test]
    fn no_more_is_told_than_a_line_takes() {
        let rows = told(vec![vec!["\u{7ff}".repeat(LONGEST); 3]; 3]);
        assert_eq!(rows, [["\u{7ff}".repeat(LONGEST / 2)]]);
        assert_eq!(told(vec![Vec::new(); 2 * LONGEST]).len(), LONGEST);
    }

    #[test]
    fn values_are_texts() {
        assert_eq!((text(Some(48151)), text(None::<i32>)), ("48151".to_owned(), "NULL".to_owned()));
    }

    #[test]
    fn a_variant_is_named_without_its_fields() {
        assert_eq!(variant(&Some(1)), "Some");
        assert_eq!(variant(&None::<u8>), "None");
    }

    #[derive(Debug)]
    struct Outer(&'static str, io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.1)
        }
    }
}
