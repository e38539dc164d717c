//! What stands in each of the server's messages, by field, as JSON has it.
//!
//! Whatever is left out has a plausible value. Every message has a `length`, and every list a
//! `count`, that are written in place of the true ones, however wrong they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    pg_type::PgType,
    value::{Byte, Bytes, FormatCode, TypeOid, Value, Version},
};

/// A message without fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct NoFields {
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// AuthenticationMD5Password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct Md5Password {
    /// The salt: four bytes from an honest server.
    pub salt: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for Md5Password {
    fn default() -> Self {
        Self { salt: "salt".into(), length: None }
    }
}

/// AuthenticationSASL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct Sasl {
    /// The mechanisms, the preferred one first.
    pub mechanisms: Vec<Bytes>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for Sasl {
    fn default() -> Self {
        Self { mechanisms: vec!["SCRAM-SHA-256".into()], length: None }
    }
}

/// Data up to the message's end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct Data {
    /// The data.
    pub data: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// BackendKeyData.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct BackendKeyData {
    /// The process that a CancelRequest names.
    pub process_id: i32,
    /// The key that it has to know: 4 bytes in protocol 3.0, up to 256 in 3.2.
    pub key: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for BackendKeyData {
    fn default() -> Self {
        Self { process_id: 1, key: "key!".into(), length: None }
    }
}

/// CommandComplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct CommandComplete {
    /// What was done, such as `SELECT 1`.
    pub tag: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for CommandComplete {
    fn default() -> Self {
        Self { tag: "SELECT 1".into(), length: None }
    }
}

/// CopyInResponse, CopyOutResponse and CopyBothResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct CopyResponse {
    /// How the whole of the copy is written: text (0), binary (1) or another byte.
    pub format: FormatCode<u8>,
    /// How each column is.
    pub columns: Vec<FormatCode>,
    /// Written in place of the number of columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// DataRow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct DataRow {
    /// The columns' values.
    pub values: Vec<Value>,
    /// Written in place of the number of values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// ErrorResponse and NoticeResponse. A field that is `null` is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct ErrorFields {
    /// How bad it is (`S`, and the same again as `V`).
    pub severity: Option<Bytes>,
    /// The SQLSTATE (`C`): five characters from an honest server.
    pub sqlstate: Option<Bytes>,
    /// What happened (`M`).
    pub message: Option<Bytes>,
    /// More on it (`D`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Bytes>,
    /// What to do about it (`H`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Bytes>,
    /// Any other fields, behind those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<ErrorField>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for ErrorFields {
    fn default() -> Self {
        Self {
            severity: Some("ERROR".into()),
            sqlstate: Some("XX000".into()),
            message: Some("".into()),
            detail: None,
            hint: None,
            others: Vec::new(),
            length: None,
        }
    }
}

impl ErrorFields {
    /// Its fields with their codes, in the order in which they are sent.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let named = [
            (b'S', &self.severity),
            (b'V', &self.severity),
            (b'C', &self.sqlstate),
            (b'M', &self.message),
            (b'D', &self.detail),
            (b'H', &self.hint),
        ];
        let named = named.into_iter().filter_map(|(code, text)| Some((code, text.as_ref()?)));
        let others = self.others.iter().map(|field| (field.code.0, &field.value));
        named.chain(others).map(|(code, text)| (code, text.as_ref()))
    }
}

/// A field of ErrorResponse or NoticeResponse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorField {
    /// Its code, such as `F` for the file.
    pub code: Byte,
    /// Its text.
    pub value: Bytes,
}

/// FunctionCallResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct FunctionCallResponse {
    /// What the function gave.
    pub value: Value,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// NegotiateProtocolVersion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct NegotiateProtocolVersion {
    /// The newest version that the server speaks, as a whole: the minor number alone, of which
    /// older documentation speaks, is `"0.2"`.
    pub newest: Version,
    /// The protocol options (`_pq_.…`) that it does not know.
    pub unrecognized: Vec<Bytes>,
    /// Written in place of the number of options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<i32>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for NegotiateProtocolVersion {
    fn default() -> Self {
        let newest = Version { major: 3, minor: 0 };
        Self { newest, unrecognized: Vec::new(), count: None, length: None }
    }
}

/// NotificationResponse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct NotificationResponse {
    /// The process that notifies.
    pub process_id: i32,
    /// The channel.
    pub channel: Bytes,
    /// What it says.
    pub payload: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for NotificationResponse {
    fn default() -> Self {
        Self { process_id: 1, channel: "channel".into(), payload: "".into(), length: None }
    }
}

/// ParameterDescription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct ParameterDescription {
    /// The parameters' types.
    pub types: Vec<TypeOid>,
    /// Written in place of the number of types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// ParameterStatus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct ParameterStatus {
    /// The parameter's name.
    pub name: Bytes,
    /// Its value.
    pub value: Bytes,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for ParameterStatus {
    fn default() -> Self {
        Self { name: "client_encoding".into(), value: "UTF8".into(), length: None }
    }
}

/// ReadyForQuery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct ReadyForQuery {
    /// Whether a transaction is open: no (`I`), yes (`T`), or yes and it failed (`E`); or any
    /// other byte.
    pub status: Byte,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

impl Default for ReadyForQuery {
    fn default() -> Self {
        Self { status: Byte(b'I'), length: None }
    }
}

/// RowDescription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct RowDescription {
    /// The columns.
    pub columns: Vec<Column>,
    /// Written in place of the number of columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u16>,
    /// Written in place of the message's true length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<i32>,
}

/// A column of RowDescription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "an object of fields")]
pub struct Column {
    /// Its name.
    pub name: Bytes,
    /// Its type, if it is a usual one.
    pub r#type: PgType,
    /// Written in place of that type's oid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_oid: Option<u32>,
    /// Written in place of that type's size in bytes; negative if it varies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_size: Option<i16>,
    /// The type's modifier, such as the length of a `varchar(n)` and 4; -1 for none.
    #[serde(skip_serializing_if = "is_no_modifier")]
    pub type_modifier: i32,
    /// The oid of the table that the column is of; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub table_oid: u32,
    /// The column's number in that table; 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub number: i16,
    /// How its values are written.
    #[serde(skip_serializing_if = "is_text")]
    pub format: FormatCode,
}

impl Default for Column {
    fn default() -> Self {
        Self {
            name: "?column?".into(),
            r#type: PgType::Text,
            type_oid: None,
            type_size: None,
            type_modifier: NO_MODIFIER,
            table_oid: 0,
            number: 0,
            format: FormatCode::text(),
        }
    }
}

/// Where a type has none.
const NO_MODIFIER: i32 = -1;

fn is_no_modifier(modifier: &i32) -> bool {
    *modifier == NO_MODIFIER
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}

fn is_text(format: &FormatCode) -> bool {
    *format == FormatCode::text()
}
