//! Every message of the server as a value, which JSON can say and the codec can write.
//!
//! <https://www.postgresql.org/docs/18/protocol-message-formats.html>

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, iter};

use schemars::{JsonSchema, Schema, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        self, DeserializeSeed, EnumAccess, MapAccess, Unexpected, VariantAccess, Visitor,
        value::{EnumAccessDeserializer, MapDeserializer, StrDeserializer},
    },
};

use super::{
    backend::{self, AuthenticationCode as Code, CopyDirection},
    body::{
        BackendKeyData, Column, CommandComplete, CopyResponse, Data, DataRow, ErrorFields,
        FunctionCallResponse, Md5Password, NegotiateProtocolVersion, NoFields,
        NotificationResponse, ParameterDescription, ParameterStatus, ReadyForQuery, RowDescription,
        Sasl,
    },
};

/// A message of the server.
///
/// In JSON an object with one key, the message's name, and its fields: `{"ready_for_query":
/// {"status": "T"}}`. Fields that are left out have plausible values; where all are, the name
/// alone does: `"ready_for_query"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(rename = "BackendMessage", transform = allow_names)]
pub enum BackendMessage {
    /// The login is over, and successful.
    AuthenticationOk(NoFields),
    /// Kerberos V5 is asked for, which no server does any more.
    AuthenticationKerberosV5(NoFields),
    /// The password itself is asked for.
    AuthenticationCleartextPassword(NoFields),
    /// The password's MD5 hash is asked for.
    AuthenticationMd5Password(Md5Password),
    /// GSSAPI is asked for.
    AuthenticationGss(NoFields),
    /// GSSAPI or SSPI goes on.
    AuthenticationGssContinue(Data),
    /// SSPI is asked for.
    AuthenticationSspi(NoFields),
    /// One of these SASL mechanisms is asked for.
    AuthenticationSasl(Sasl),
    /// A SASL exchange goes on.
    AuthenticationSaslContinue(Data),
    /// A SASL exchange ends.
    AuthenticationSaslFinal(Data),
    /// What a CancelRequest has to know.
    BackendKeyData(BackendKeyData),
    /// Bind is done.
    BindComplete(NoFields),
    /// Close is done.
    CloseComplete(NoFields),
    /// A command is done.
    CommandComplete(CommandComplete),
    /// A part of a COPY.
    CopyData(Data),
    /// The end of a COPY.
    CopyDone(NoFields),
    /// The client is to send a COPY.
    CopyInResponse(CopyResponse),
    /// The client is to receive a COPY.
    CopyOutResponse(CopyResponse),
    /// The client is to do both, for replication.
    CopyBothResponse(CopyResponse),
    /// A row.
    DataRow(DataRow),
    /// There was no command in the text.
    EmptyQueryResponse(NoFields),
    /// An error.
    ErrorResponse(ErrorFields),
    /// What a FunctionCall gave.
    FunctionCallResponse(FunctionCallResponse),
    /// The server speaks less than the client asked for.
    NegotiateProtocolVersion(NegotiateProtocolVersion),
    /// What was described gives no rows.
    NoData(NoFields),
    /// A notice or a warning.
    NoticeResponse(ErrorFields),
    /// What somebody notified of.
    NotificationResponse(NotificationResponse),
    /// The types of a statement's parameters.
    ParameterDescription(ParameterDescription),
    /// A setting that clients want to know.
    ParameterStatus(ParameterStatus),
    /// Parse is done.
    ParseComplete(NoFields),
    /// Execute gave as many rows as were asked for, and there are more.
    PortalSuspended(NoFields),
    /// The server waits for the next query.
    ReadyForQuery(ReadyForQuery),
    /// The columns of the rows to come.
    RowDescription(RowDescription),
}

impl BackendMessage {
    /// Appends the message as it goes over the wire.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_framed(out);
        if let Some(length) = self.length() {
            backend::set_length(&mut out[start..], length);
        }
    }

    /// With its true length.
    fn write_framed(&self, out: &mut Vec<u8>) {
        match self {
            Self::AuthenticationOk(_) => backend::authentication_request(out, Code::Ok, b""),
            Self::AuthenticationKerberosV5(_) => {
                backend::authentication_request(out, Code::KerberosV5, b"");
            }
            Self::AuthenticationCleartextPassword(_) => {
                backend::authentication_request(out, Code::CleartextPassword, b"");
            }
            Self::AuthenticationMd5Password(body) => {
                backend::authentication_request(out, Code::Md5Password, body.salt.as_ref());
            }
            Self::AuthenticationGss(_) => backend::authentication_request(out, Code::Gss, b""),
            Self::AuthenticationGssContinue(body) => {
                backend::authentication_request(out, Code::GssContinue, body.data.as_ref());
            }
            Self::AuthenticationSspi(_) => backend::authentication_request(out, Code::Sspi, b""),
            Self::AuthenticationSasl(body) => backend::authentication_sasl(out, &body.mechanisms),
            Self::AuthenticationSaslContinue(body) => {
                backend::authentication_request(out, Code::SaslContinue, body.data.as_ref());
            }
            Self::AuthenticationSaslFinal(body) => {
                backend::authentication_request(out, Code::SaslFinal, body.data.as_ref());
            }
            Self::BackendKeyData(body) => {
                backend::backend_key_data(out, body.process_id, body.key.as_ref());
            }
            Self::BindComplete(_) => backend::bind_complete(out),
            Self::CloseComplete(_) => backend::close_complete(out),
            Self::CommandComplete(body) => backend::command_complete(out, &body.tag),
            Self::CopyData(body) => backend::copy_data(out, body.data.as_ref()),
            Self::CopyDone(_) => backend::copy_done(out),
            Self::CopyInResponse(body) => write_copy(out, CopyDirection::In, body),
            Self::CopyOutResponse(body) => write_copy(out, CopyDirection::Out, body),
            Self::CopyBothResponse(body) => write_copy(out, CopyDirection::Both, body),
            Self::DataRow(body) => {
                let values: Vec<_> = body.values.iter().map(backend::Value::from).collect();
                backend::data_row(out, &values, body.count);
            }
            Self::EmptyQueryResponse(_) => backend::empty_query_response(out),
            Self::ErrorResponse(body) => backend::error_response_fields(out, body.fields()),
            Self::FunctionCallResponse(body) => {
                backend::function_call_response(out, (&body.value).into());
            }
            Self::NegotiateProtocolVersion(body) => {
                let newest = (body.newest.major, body.newest.minor);
                let unrecognized = &body.unrecognized;
                backend::negotiate_protocol_version_counted(out, newest, unrecognized, body.count);
            }
            Self::NoData(_) => backend::no_data(out),
            Self::NoticeResponse(body) => backend::notice_response_fields(out, body.fields()),
            Self::NotificationResponse(body) => {
                let process_id = body.process_id;
                backend::notification_response(out, process_id, &body.channel, &body.payload);
            }
            Self::ParameterDescription(body) => {
                let oids: Vec<u32> = body.types.iter().map(|oid| oid.0).collect();
                backend::parameter_description(out, &oids, body.count);
            }
            Self::ParameterStatus(body) => {
                backend::parameter_status(out, &body.name, &body.value);
            }
            Self::ParseComplete(_) => backend::parse_complete(out),
            Self::PortalSuspended(_) => backend::portal_suspended(out),
            Self::ReadyForQuery(body) => backend::ready_for_query_status(out, body.status.0),
            Self::RowDescription(body) => {
                let columns: Vec<_> = body.columns.iter().map(backend::Column::from).collect();
                backend::row_description(out, &columns, body.count);
            }
        }
    }

    /// The length that is to stand in place of the true one.
    pub(crate) const fn length(&self) -> Option<i32> {
        match self {
            Self::AuthenticationOk(body)
            | Self::AuthenticationKerberosV5(body)
            | Self::AuthenticationCleartextPassword(body)
            | Self::AuthenticationGss(body)
            | Self::AuthenticationSspi(body)
            | Self::BindComplete(body)
            | Self::CloseComplete(body)
            | Self::CopyDone(body)
            | Self::EmptyQueryResponse(body)
            | Self::NoData(body)
            | Self::ParseComplete(body)
            | Self::PortalSuspended(body) => body.length,
            Self::AuthenticationGssContinue(body)
            | Self::AuthenticationSaslContinue(body)
            | Self::AuthenticationSaslFinal(body)
            | Self::CopyData(body) => body.length,
            Self::CopyInResponse(body)
            | Self::CopyOutResponse(body)
            | Self::CopyBothResponse(body) => body.length,
            Self::ErrorResponse(body) | Self::NoticeResponse(body) => body.length,
            Self::AuthenticationMd5Password(body) => body.length,
            Self::AuthenticationSasl(body) => body.length,
            Self::BackendKeyData(body) => body.length,
            Self::CommandComplete(body) => body.length,
            Self::DataRow(body) => body.length,
            Self::FunctionCallResponse(body) => body.length,
            Self::NegotiateProtocolVersion(body) => body.length,
            Self::NotificationResponse(body) => body.length,
            Self::ParameterDescription(body) => body.length,
            Self::ParameterStatus(body) => body.length,
            Self::ReadyForQuery(body) => body.length,
            Self::RowDescription(body) => body.length,
        }
    }

    /// The name of a message that has no fields, or whose fields are as they usually are.
    fn bare_name(&self) -> Option<&'static str> {
        let name = match self {
            Self::AuthenticationOk(_) => "authentication_ok",
            Self::AuthenticationKerberosV5(_) => "authentication_kerberos_v5",
            Self::AuthenticationCleartextPassword(_) => "authentication_cleartext_password",
            Self::AuthenticationGss(_) => "authentication_gss",
            Self::AuthenticationSspi(_) => "authentication_sspi",
            Self::BindComplete(_) => "bind_complete",
            Self::CloseComplete(_) => "close_complete",
            Self::CopyDone(_) => "copy_done",
            Self::EmptyQueryResponse(_) => "empty_query_response",
            Self::NoData(_) => "no_data",
            Self::ParseComplete(_) => "parse_complete",
            Self::PortalSuspended(_) => "portal_suspended",
            Self::ReadyForQuery(body) if *body == ReadyForQuery::default() => "ready_for_query",
            _ => return None,
        };
        self.length().is_none().then_some(name)
    }
}

fn write_copy(out: &mut Vec<u8>, direction: CopyDirection, body: &CopyResponse) {
    let columns: Vec<i16> = body.columns.iter().map(|format| format.0).collect();
    backend::copy_response(out, direction, body.format.0, &columns, body.count);
}

impl<'a> From<&'a super::value::Value> for backend::Value<'a> {
    fn from(value: &'a super::value::Value) -> Self {
        Self { bytes: value.bytes.as_ref().map(AsRef::as_ref), length: value.length }
    }
}

impl<'a> From<&'a Column> for backend::Column<'a> {
    fn from(column: &'a Column) -> Self {
        Self {
            name: column.name.as_ref(),
            table_oid: column.table_oid,
            number: column.number,
            type_oid: column.type_oid.unwrap_or(column.r#type.oid()),
            type_size: column.type_size.unwrap_or(column.r#type.size()),
            type_modifier: column.type_modifier,
            format: column.format.0,
        }
    }
}

impl Serialize for BackendMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.bare_name() {
            Some(name) => serializer.serialize_str(name),
            None => Self::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for BackendMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MessageVisitor;

        impl<'de> Visitor<'de> for MessageVisitor {
            type Value = BackendMessage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message: its name, or {\"name\": {its fields}}")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<BackendMessage, E> {
                let no_fields = BTreeMap::<&str, &str>::new();
                self.visit_map(MapDeserializer::new(iter::once((name, no_fields))))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BackendMessage, A::Error> {
                let Some(name) = map.next_key::<String>()? else {
                    return Err(de::Error::invalid_type(Unexpected::Map, &self));
                };
                let entry = Entry { name: &name, map: &mut map };
                let message = BackendMessage::deserialize(EnumAccessDeserializer::new(entry))?;
                match map.next_key::<String>()? {
                    None => Ok(message),
                    Some(more) => Err(de::Error::custom(format_args!(
                        "wanted one message, got `{more}` beside `{name}`"
                    ))),
                }
            }
        }

        deserializer.deserialize_any(MessageVisitor)
    }
}

/// An entry of a map as a variant with its content.
struct Entry<'a, A> {
    name: &'a str,
    map: &'a mut A,
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Entry<'_, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), A::Error> {
        let variant = seed.deserialize(StrDeserializer::<A::Error>::new(self.name))?;
        Ok((variant, self))
    }
}

/// Every message has a body, which is an object.
impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Entry<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(de::Error::invalid_type(Unexpected::UnitVariant, &"a message's fields"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, A::Error> {
        Err(de::Error::invalid_type(Unexpected::TupleVariant, &"a message's fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, A::Error> {
        Err(de::Error::invalid_type(Unexpected::StructVariant, &"a message's fields"))
    }
}

/// Adds to the objects of a schema the names alone, each of which is an object's only key.
fn allow_names(schema: &mut Schema) {
    let Some(forms) = schema.get_mut("oneOf").and_then(|forms| forms.as_array_mut()) else {
        return;
    };
    let names: Vec<_> = forms
        .iter()
        .filter_map(|form| form.get("required")?.as_array()?.first().cloned())
        .collect();
    let names = json_schema!({
        "description": "A message whose fields are all left out.",
        "type": "string",
        "enum": names,
    });
    forms.insert(0, names.into());
}
