//! The server's messages: each function appends one to a buffer.
//!
//! Texts are written byte for byte with a NUL behind them: who has one from outside sees to it that
//! it holds none. Nothing here panics; what would not fit a count field (more than 65,535 columns)
//! is left out.

use super::report::Report;

/// The codes of the Authentication messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthenticationCode {
    Ok = 0,
    KerberosV5 = 2,
    CleartextPassword = 3,
    Md5Password = 5,
    Gss = 7,
    GssContinue = 8,
    Sspi = 9,
    Sasl = 10,
    SaslContinue = 11,
    SaslFinal = 12,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column<'a> {
    /// Its name.
    pub(crate) name: &'a [u8],
    /// The oid of the table that it is of; 0 for none.
    pub(crate) table_oid: u32,
    /// Its number in that table; 0 for none.
    pub(crate) number: i16,
    /// Its type's oid.
    pub(crate) type_oid: u32,
    /// Its type's size in bytes; negative if it varies.
    pub(crate) type_size: i16,
    /// Its type's modifier; -1 for none.
    pub(crate) type_modifier: i32,
    /// How its values are written.
    pub(crate) format: i16,
}

/// A value of DataRow or FunctionCallResponse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    /// Its bytes; `None` is NULL.
    pub(crate) bytes: Option<&'a [u8]>,
    /// Written in place of its true length.
    pub(crate) length: Option<i32>,
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        Self { bytes, length: None }
    }
}

/// What the client is to do in a COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyDirection {
    /// To send.
    In,
    /// To receive.
    Out,
    /// Both.
    Both,
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

/// Appends any Authentication message but AuthenticationSASL: its code and its data.
pub(crate) fn authentication_request(out: &mut Vec<u8>, code: AuthenticationCode, data: &[u8]) {
    message(out, b'R', |body| {
        int32(body, code as i32);
        body.extend(data);
    });
}

/// Appends AuthenticationSASL.
pub(crate) fn authentication_sasl(out: &mut Vec<u8>, mechanisms: &[impl AsRef<[u8]>]) {
    message(out, b'R', |body| {
        int32(body, AuthenticationCode::Sasl as i32);
        for mechanism in mechanisms {
            string(body, mechanism);
        }
        body.push(0);
    });
}

/// Appends ParameterStatus.
pub(crate) fn parameter_status(out: &mut Vec<u8>, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
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
    negotiate_protocol_version_counted(out, newest, unknown, None);
}

/// The same, with a number of options that may disagree.
pub(crate) fn negotiate_protocol_version_counted(
    out: &mut Vec<u8>,
    newest: (u16, u16),
    unknown: &[impl AsRef<[u8]>],
    count: Option<i32>,
) {
    message(out, b'v', |body| {
        body.extend(newest.0.to_be_bytes());
        body.extend(newest.1.to_be_bytes());
        int32(body, count.unwrap_or_else(|| i32::try_from(unknown.len()).unwrap_or(i32::MAX)));
        for option in unknown {
            string(body, option);
        }
    });
}

/// Appends ReadyForQuery.
pub(crate) fn ready_for_query(out: &mut Vec<u8>, status: TransactionStatus) {
    ready_for_query_status(out, status.byte());
}

/// Appends ReadyForQuery with any status.
pub(crate) fn ready_for_query_status(out: &mut Vec<u8>, status: u8) {
    message(out, b'Z', |body| body.push(status));
}

/// Appends ErrorResponse.
pub(crate) fn error_response(out: &mut Vec<u8>, report: &Report) {
    error_response_fields(out, report.fields());
}

/// Appends ErrorResponse with any fields: their codes and texts.
pub(crate) fn error_response_fields<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (u8, &'a [u8])>,
) {
    message(out, b'E', |body| report_fields(body, fields));
}

/// Appends NoticeResponse.
pub(crate) fn notice_response(out: &mut Vec<u8>, report: &Report) {
    notice_response_fields(out, report.fields());
}

/// Appends NoticeResponse with any fields: their codes and texts.
pub(crate) fn notice_response_fields<'a>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (u8, &'a [u8])>,
) {
    message(out, b'N', |body| report_fields(body, fields));
}

/// Appends RowDescription; a `count` stands in place of the number of columns.
pub(crate) fn row_description(out: &mut Vec<u8>, columns: &[Column<'_>], count: Option<u16>) {
    message(out, b'T', |body| {
        for column in counted(body, columns, count) {
            string(body, column.name);
            body.extend(column.table_oid.to_be_bytes());
            int16(body, column.number);
            body.extend(column.type_oid.to_be_bytes());
            int16(body, column.type_size);
            int32(body, column.type_modifier);
            int16(body, column.format);
        }
    });
}

/// Appends DataRow; `None` is NULL, and a `count` stands in place of the number of values.
pub(crate) fn data_row<'a, V>(out: &mut Vec<u8>, values: &[V], count: Option<u16>)
where
    V: Copy + Into<Value<'a>>,
{
    message(out, b'D', |body| {
        for value in counted(body, values, count) {
            nullable(body, (*value).into());
        }
    });
}

/// Appends FunctionCallResponse.
pub(crate) fn function_call_response(out: &mut Vec<u8>, value: Value<'_>) {
    message(out, b'V', |body| nullable(body, value));
}

/// Appends ParameterDescription; a `count` stands in place of the number of parameters.
pub(crate) fn parameter_description(out: &mut Vec<u8>, type_oids: &[u32], count: Option<u16>) {
    message(out, b't', |body| {
        for oid in counted(body, type_oids, count) {
            body.extend(oid.to_be_bytes());
        }
    });
}

/// Appends NotificationResponse.
pub(crate) fn notification_response(
    out: &mut Vec<u8>,
    process_id: i32,
    channel: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
) {
    message(out, b'A', |body| {
        int32(body, process_id);
        string(body, channel);
        string(body, payload);
    });
}

/// Appends CommandComplete with its tag, such as `SELECT 1`.
pub(crate) fn command_complete(out: &mut Vec<u8>, tag: impl AsRef<[u8]>) {
    message(out, b'C', |body| string(body, tag));
}

/// Appends CopyInResponse, CopyOutResponse or CopyBothResponse; a `count` stands in place of the
/// number of columns.
pub(crate) fn copy_response(
    out: &mut Vec<u8>,
    direction: CopyDirection,
    format: u8,
    columns: &[i16],
    count: Option<u16>,
) {
    let tag = match direction {
        CopyDirection::In => b'G',
        CopyDirection::Out => b'H',
        CopyDirection::Both => b'W',
    };
    message(out, tag, |body| {
        body.push(format);
        for &column in counted(body, columns, count) {
            int16(body, column);
        }
    });
}

/// Appends CopyData.
pub(crate) fn copy_data(out: &mut Vec<u8>, data: &[u8]) {
    message(out, b'd', |body| body.extend(data));
}

/// Appends CopyDone.
pub(crate) fn copy_done(out: &mut Vec<u8>) {
    message(out, b'c', |_| {});
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

/// Writes a length over that of a whole message, however wrong it is.
pub(crate) fn set_length(message: &mut [u8], length: i32) {
    if let Some(field) = message.get_mut(1..5) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

/// Appends the count of `items`, and gives as many of them as it can count; or a `count` that was
/// asked for, and gives them all.
fn counted<'a, T>(body: &mut Vec<u8>, items: &'a [T], count: Option<u16>) -> &'a [T] {
    if let Some(count) = count {
        body.extend(count.to_be_bytes());
        return items;
    }
    let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
    body.extend(count.to_be_bytes());
    &items[..usize::from(count)]
}

fn nullable(body: &mut Vec<u8>, value: Value<'_>) {
    let length = match value.bytes {
        None => -1,
        Some(bytes) => i32::try_from(bytes.len()).unwrap_or(i32::MAX),
    };
    int32(body, value.length.unwrap_or(length));
    body.extend(value.bytes.unwrap_or_default());
}

fn report_fields<'a>(body: &mut Vec<u8>, fields: impl IntoIterator<Item = (u8, &'a [u8])>) {
    for (code, text) in fields {
        body.push(code);
        string(body, text);
    }
    body.push(0);
}

fn string(body: &mut Vec<u8>, text: impl AsRef<[u8]>) {
    body.extend(text.as_ref());
    body.push(0);
}

fn int16(body: &mut Vec<u8>, value: i16) {
    body.extend(value.to_be_bytes());
}

fn int32(body: &mut Vec<u8>, value: i32) {
    body.extend(value.to_be_bytes());
}
