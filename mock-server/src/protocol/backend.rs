//! The server's messages: each function appends one to a buffer.
//!
//! A string ends where its first NUL stands: the format has no way to carry one. Nothing here
//! panics; what would not fit a count field (more than 65,535 columns) is left out.

/// An authentication request, or the end of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authentication<'a> {
    /// AuthenticationOk.
    Ok,
    /// AuthenticationCleartextPassword.
    CleartextPassword,
    /// AuthenticationMD5Password with its salt.
    Md5Password([u8; 4]),
    /// AuthenticationSASL with the mechanisms, the preferred one first.
    Sasl(&'a [&'a str]),
    /// AuthenticationSASLContinue with the server's message.
    SaslContinue(&'a [u8]),
    /// AuthenticationSASLFinal with the server's message.
    SaslFinal(&'a [u8]),
}

/// How bad an error is, or how important a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Fatal,
    Warning,
}

/// The longest message of a report, in bytes: many quote the client, whose texts may be long.
const MAX_WORDS: usize = 1000;

/// The content of ErrorResponse and NoticeResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The SQLSTATE: five characters.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// More on it.
    pub(crate) detail: Option<String>,
}

/// Whether a transaction is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TransactionStatus {
    /// None is (`I`).
    #[default]
    Idle,
    /// One is (`T`).
    Open,
    /// One is, and it failed (`E`).
    Failed,
}

/// A column of RowDescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its type's oid.
    pub(crate) type_oid: u32,
    /// Its type's size in bytes; negative if it varies.
    pub(crate) type_size: i16,
    /// How its values are written.
    pub(crate) format: super::frontend::Format,
}

impl Report {
    /// An error after which the session goes on.
    #[must_use]
    pub(crate) fn error(code: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if super::cut(&mut message, MAX_WORDS) {
            message.push('…');
        }
        Self { severity: Severity::Error, code, message, detail: None }
    }

    /// An error that ends the session.
    #[must_use]
    pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Fatal, ..Self::error(code, message) }
    }

    /// The same, and it ends the session.
    #[must_use]
    pub(crate) fn made_fatal(self) -> Self {
        Self { severity: Severity::Fatal, ..self }
    }

    /// The same with a detail.
    #[must_use]
    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}

impl Severity {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
            Self::Warning => "WARNING",
        }
    }
}

impl TransactionStatus {
    /// Its byte in ReadyForQuery.
    #[must_use]
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::Open => b'T',
            Self::Failed => b'E',
        }
    }
}

/// Appends any Authentication message.
pub(crate) fn authentication(out: &mut Vec<u8>, authentication: Authentication<'_>) {
    message(out, b'R', |body| {
        let code: i32 = match authentication {
            Authentication::Ok => 0,
            Authentication::CleartextPassword => 3,
            Authentication::Md5Password(_) => 5,
            Authentication::Sasl(_) => 10,
            Authentication::SaslContinue(_) => 11,
            Authentication::SaslFinal(_) => 12,
        };
        int32(body, code);
        match authentication {
            Authentication::Md5Password(salt) => body.extend(salt),
            Authentication::SaslContinue(data) | Authentication::SaslFinal(data) => {
                body.extend(data);
            }
            Authentication::Sasl(mechanisms) => {
                for mechanism in mechanisms {
                    string(body, mechanism);
                }
                body.push(0);
            }
            Authentication::Ok | Authentication::CleartextPassword => {}
        }
    });
}

/// Appends ParameterStatus.
pub(crate) fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    message(out, b'S', |body| {
        string(body, name);
        string(body, value);
    });
}

/// Appends BackendKeyData: the key has 4 bytes in protocol 3.0, and up to 256 in 3.2.
pub(crate) fn backend_key_data(out: &mut Vec<u8>, process_id: i32, key: &[u8]) {
    message(out, b'K', |body| {
        int32(body, process_id);
        body.extend(key);
    });
}

/// Appends NegotiateProtocolVersion: the newest version that the server speaks within the
/// client's major one, and the protocol options that it does not know. Sent as PostgreSQL sends
/// it: the whole version, not the minor number alone that older documentation speaks of.
pub(crate) fn negotiate_protocol_version(out: &mut Vec<u8>, newest: (u16, u16), unknown: &[&str]) {
    message(out, b'v', |body| {
        body.extend(newest.0.to_be_bytes());
        body.extend(newest.1.to_be_bytes());
        int32(body, i32::try_from(unknown.len()).unwrap_or(i32::MAX));
        for option in unknown {
            string(body, option);
        }
    });
}

/// Appends ReadyForQuery.
pub(crate) fn ready_for_query(out: &mut Vec<u8>, status: TransactionStatus) {
    message(out, b'Z', |body| body.push(status.byte()));
}

/// Appends ErrorResponse.
pub(crate) fn error_response(out: &mut Vec<u8>, report: &Report) {
    message(out, b'E', |body| fields(body, report));
}

/// Appends NoticeResponse.
pub(crate) fn notice_response(out: &mut Vec<u8>, report: &Report) {
    message(out, b'N', |body| fields(body, report));
}

/// Appends RowDescription.
pub(crate) fn row_description(out: &mut Vec<u8>, columns: &[Column<'_>]) {
    message(out, b'T', |body| {
        for column in counted(body, columns) {
            string(body, column.name);
            int32(body, 0);
            int16(body, 0);
            body.extend(column.type_oid.to_be_bytes());
            int16(body, column.type_size);
            int32(body, -1);
            int16(body, column.format as i16);
        }
    });
}

/// Appends DataRow; `None` is NULL.
pub(crate) fn data_row(out: &mut Vec<u8>, values: &[Option<&[u8]>]) {
    message(out, b'D', |body| {
        for value in counted(body, values) {
            match value {
                None => int32(body, -1),
                Some(value) => {
                    int32(body, i32::try_from(value.len()).unwrap_or(i32::MAX));
                    body.extend(*value);
                }
            }
        }
    });
}

/// Appends ParameterDescription.
pub(crate) fn parameter_description(out: &mut Vec<u8>, type_oids: &[u32]) {
    message(out, b't', |body| {
        for oid in counted(body, type_oids) {
            body.extend(oid.to_be_bytes());
        }
    });
}

/// Appends CommandComplete with its tag, such as `SELECT 1`.
pub(crate) fn command_complete(out: &mut Vec<u8>, tag: &str) {
    message(out, b'C', |body| string(body, tag));
}

/// Appends ParseComplete.
pub(crate) fn parse_complete(out: &mut Vec<u8>) {
    message(out, b'1', |_| {});
}

/// Appends BindComplete.
pub(crate) fn bind_complete(out: &mut Vec<u8>) {
    message(out, b'2', |_| {});
}

/// Appends CloseComplete.
pub(crate) fn close_complete(out: &mut Vec<u8>) {
    message(out, b'3', |_| {});
}

/// Appends NoData.
pub(crate) fn no_data(out: &mut Vec<u8>) {
    message(out, b'n', |_| {});
}

/// Appends PortalSuspended.
pub(crate) fn portal_suspended(out: &mut Vec<u8>) {
    message(out, b's', |_| {});
}

/// Appends EmptyQueryResponse.
pub(crate) fn empty_query_response(out: &mut Vec<u8>) {
    message(out, b'I', |_| {});
}

/// Appends a message: its type, its length, what `write` appends.
fn message(out: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(tag);
    let start = out.len();
    out.extend([0; 4]);
    write(out);
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Appends the count of `items`, and gives as many of them as it can count.
fn counted<'a, T>(body: &mut Vec<u8>, items: &'a [T]) -> &'a [T] {
    let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
    body.extend(count.to_be_bytes());
    &items[..usize::from(count)]
}

fn fields(body: &mut Vec<u8>, report: &Report) {
    let severity = report.severity.name();
    let present = [
        (b'S', Some(severity)),
        (b'V', Some(severity)),
        (b'C', Some(report.code)),
        (b'M', Some(report.message.as_str())),
        (b'D', report.detail.as_deref()),
    ];
    for (kind, text) in present {
        if let Some(text) = text {
            body.push(kind);
            string(body, text);
        }
    }
    body.push(0);
}

fn string(body: &mut Vec<u8>, text: &str) {
    body.extend(text.bytes().take_while(|&byte| byte != 0));
    body.push(0);
}

fn int16(body: &mut Vec<u8>, value: i16) {
    body.extend(value.to_be_bytes());
}

fn int32(body: &mut Vec<u8>, value: i32) {
    body.extend(value.to_be_bytes());
}
