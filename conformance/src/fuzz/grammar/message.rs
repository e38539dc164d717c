//! Every message of the server, each with its fields plausible or at their boundaries.
//!
//! To add one, write a function that draws it and an entry of the table.

use pgtls_mock_server::script::{
    BackendMessage as M, PgType,
    body::{
        BackendKeyData, Column, CommandComplete, CopyResponse, Data, DataRow, ErrorField,
        ErrorFields, FunctionCallResponse, Md5Password, NegotiateProtocolVersion, NoFields,
        NotificationResponse, ParameterDescription, ParameterStatus, ReadyForQuery, RowDescription,
        Sasl,
    },
    codes::{Byte, FormatCode, TypeOid, Version},
    value::Bytes,
};

use super::{super::draw::Draw, bytes, number, scram, value};
use crate::shim::ColumnType;

/// A kind of message.
pub(in crate::fuzz) struct Kind {
    /// Its name in scripts.
    pub(in crate::fuzz) name: &'static str,
    /// How often it is drawn where any may come.
    weight: u32,
    make: Make,
}

/// Draws a message; columns are those that the answer to the query has.
type Make = fn(&mut Draw, &[ColumnType]) -> M;

const fn kind(name: &'static str, weight: u32, make: Make) -> Kind {
    Kind { name, weight, make }
}

macro_rules! no_fields {
    ($variant:ident) => {
        |draw, _| M::$variant(NoFields { length: number::other_length(draw) })
    };
}

/// Every kind, in the order of [`BackendMessage`](M).
pub(in crate::fuzz) static KINDS: &[Kind] = &[
    kind("authentication_ok", 3, no_fields!(AuthenticationOk)),
    kind("authentication_kerberos_v5", 1, no_fields!(AuthenticationKerberosV5)),
    kind("authentication_cleartext_password", 3, no_fields!(AuthenticationCleartextPassword)),
    kind("authentication_md5_password", 3, |draw, _| {
        let salt = if draw.one_in(2) { "{md5_salt}".into() } else { bytes::short(draw) };
        M::AuthenticationMd5Password(Md5Password { salt, length: number::other_length(draw) })
    }),
    kind("authentication_gss", 1, no_fields!(AuthenticationGss)),
    kind("authentication_gss_continue", 1, |draw, _| M::AuthenticationGssContinue(data(draw))),
    kind("authentication_sspi", 1, no_fields!(AuthenticationSspi)),
    kind("authentication_sasl", 3, |draw, _| {
        let mechanisms = scram::mechanisms(draw);
        M::AuthenticationSasl(Sasl { mechanisms, length: number::other_length(draw) })
    }),
    kind("authentication_sasl_continue", 3, |draw, _| {
        let data = scram::server_first(draw).into();
        M::AuthenticationSaslContinue(Data { data, length: number::other_length(draw) })
    }),
    kind("authentication_sasl_final", 3, |draw, _| {
        let data = scram::server_final(draw).into();
        M::AuthenticationSaslFinal(Data { data, length: number::other_length(draw) })
    }),
    kind("backend_key_data", 2, |draw, _| {
        M::BackendKeyData(BackendKeyData {
            process_id: number::int32(draw),
            key: bytes::short(draw),
            length: number::other_length(draw),
        })
    }),
    kind("bind_complete", 2, no_fields!(BindComplete)),
    kind("close_complete", 1, no_fields!(CloseComplete)),
    kind("command_complete", 4, |draw, _| {
        M::CommandComplete(CommandComplete {
            tag: bytes::text(draw),
            length: number::other_length(draw),
        })
    }),
    kind("copy_data", 2, |draw, _| M::CopyData(data(draw))),
    kind("copy_done", 1, no_fields!(CopyDone)),
    kind("copy_in_response", 2, |draw, _| M::CopyInResponse(copy(draw))),
    kind("copy_out_response", 2, |draw, _| M::CopyOutResponse(copy(draw))),
    kind("copy_both_response", 2, |draw, _| M::CopyBothResponse(copy(draw))),
    kind("data_row", 8, |draw, columns| M::DataRow(data_row(draw, columns))),
    kind("empty_query_response", 2, no_fields!(EmptyQueryResponse)),
    kind("error_response", 4, |draw, _| M::ErrorResponse(error_fields(draw))),
    kind("function_call_response", 1, |draw, _| {
        let value = value::value(draw, ColumnType::Text, true);
        M::FunctionCallResponse(FunctionCallResponse { value, length: number::other_length(draw) })
    }),
    kind("negotiate_protocol_version", 3, |draw, _| {
        let part = |draw: &mut Draw| number::int16(draw).cast_unsigned();
        let newest = match draw.below(4) {
            0 => Version { major: 3, minor: 0 },
            1 => Version { major: 0, minor: 0 },
            2 => Version { major: 3, minor: part(draw) },
            _ => Version { major: part(draw), minor: part(draw) },
        };
        let unrecognized = (0..draw.below(3)).map(|_| bytes::text(draw)).collect();
        let count = draw.one_in(4).then(|| number::int32(draw));
        let length = number::other_length(draw);
        M::NegotiateProtocolVersion(NegotiateProtocolVersion {
            newest,
            unrecognized,
            count,
            length,
        })
    }),
    kind("no_data", 2, no_fields!(NoData)),
    kind("notice_response", 3, |draw, _| M::NoticeResponse(error_fields(draw))),
    kind("notification_response", 3, |draw, _| {
        M::NotificationResponse(NotificationResponse {
            process_id: number::int32(draw),
            channel: bytes::text(draw),
            payload: bytes::text(draw),
            length: number::other_length(draw),
        })
    }),
    kind("parameter_description", 3, |draw, _| {
        let types = (0..draw.below(4)).map(|_| TypeOid(type_oid(draw))).collect();
        let (count, length) = (number::other_count(draw), number::other_length(draw));
        M::ParameterDescription(ParameterDescription { types, count, length })
    }),
    kind("parameter_status", 4, |draw, _| {
        let name = match draw.below(3) {
            0 => bytes::text(draw),
            _ => draw.pick(PARAMETERS).into(),
        };
        let (value, length) = (bytes::text(draw), number::other_length(draw));
        M::ParameterStatus(ParameterStatus { name, value, length })
    }),
    kind("parse_complete", 2, no_fields!(ParseComplete)),
    kind("portal_suspended", 2, no_fields!(PortalSuspended)),
    kind("ready_for_query", 5, |draw, _| {
        let status = if draw.one_in(3) { draw.any() } else { draw.pick(b"ITE\0Xi") };
        M::ReadyForQuery(ReadyForQuery { status: Byte(status), length: number::other_length(draw) })
    }),
    kind("row_description", 8, |draw, columns| M::RowDescription(row_description(draw, columns))),
];

/// Settings that drivers read something into.
const PARAMETERS: &[&str] = &[
    "server_version",
    "client_encoding",
    "server_encoding",
    "DateStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "is_superuser",
    "session_authorization",
    "in_hot_standby",
    "default_transaction_read_only",
    "application_name",
    "search_path",
    "IntervalStyle",
    "scram_iterations",
];

/// Any message.
pub(in crate::fuzz) fn any(draw: &mut Draw, columns: &[ColumnType]) -> M {
    let kind = draw.weighted(KINDS, |kind| kind.weight);
    (kind.make)(draw, columns)
}

/// A message of that name; any where there is no such name.
pub(in crate::fuzz) fn named(name: &str, draw: &mut Draw, columns: &[ColumnType]) -> M {
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(kind) => (kind.make)(draw, columns),
        None => any(draw, columns),
    }
}

fn data(draw: &mut Draw) -> Data {
    Data { data: bytes::text(draw), length: number::other_length(draw) }
}

fn format(draw: &mut Draw) -> FormatCode {
    FormatCode(if draw.one_in(8) { number::int16(draw) } else { draw.pick(&[0, 1]) })
}

fn type_oid(draw: &mut Draw) -> u32 {
    match draw.below(4) {
        0 => draw.any(),
        1 => draw.pick(&[0, 1, 16_400, 0x7fff_ffff, 0x8000_0000, u32::MAX]),
        2 => draw.pick(PgType::ALL).array_oid(),
        _ => draw.pick(PgType::ALL).oid(),
    }
}

/// The oid that the honest session gives the type of an extension.
const HSTORE: u32 = 16_385;

/// The column that an honest server describes.
fn honest_column(column: ColumnType) -> Column {
    let known = |kind: PgType| Column { r#type: kind, ..Column::default() };
    let oid = |oid: u32| Column { type_oid: Some(oid), ..Column::default() };
    match column {
        ColumnType::Int4Array => oid(PgType::Int4.array_oid()),
        ColumnType::TextArray => oid(PgType::Text.array_oid()),
        ColumnType::Hstore => oid(HSTORE),
        column => known(PgType::in_sql(column.name()).unwrap_or_default()),
    }
}

fn row_description(draw: &mut Draw, columns: &[ColumnType]) -> RowDescription {
    let wrong = draw.below(8);
    let mut described: Vec<Column> = columns
        .iter()
        .map(|&column| Column { format: format(draw), ..honest_column(column) })
        .collect();
    match wrong {
        0 => {
            described.pop();
        }
        1 => described.extend((0..1 + draw.below(3)).map(|_| any_column(draw))),
        2 => described.iter_mut().for_each(|column| *column = any_column(draw)),
        3 | 4 => {
            let at = draw.below(described.len());
            if let Some(column) = described.get_mut(at) {
                *column = any_column(draw);
            }
        }
        _ => {}
    }
    RowDescription {
        columns: described,
        count: number::other_count(draw),
        length: number::other_length(draw),
    }
}

fn any_column(draw: &mut Draw) -> Column {
    Column {
        name: bytes::text(draw),
        type_oid: Some(type_oid(draw)),
        type_size: draw.one_in(3).then(|| number::int16(draw)),
        type_modifier: if draw.one_in(3) { number::int32(draw) } else { -1 },
        table_oid: if draw.one_in(4) { draw.any() } else { 0 },
        number: if draw.one_in(4) { number::int16(draw) } else { 0 },
        format: format(draw),
        ..Column::default()
    }
}

fn data_row(draw: &mut Draw, columns: &[ColumnType]) -> DataRow {
    let binary = draw.one_in(2);
    let mut values: Vec<_> =
        columns.iter().map(|&column| value::value(draw, column, binary)).collect();
    match draw.below(8) {
        0 => {
            values.pop();
        }
        1 => {
            let column = draw.pick(&ColumnType::ALL);
            values.push(value::value(draw, column, binary));
        }
        _ => {}
    }
    DataRow { values, count: number::other_count(draw), length: number::other_length(draw) }
}

fn copy(draw: &mut Draw) -> CopyResponse {
    CopyResponse {
        format: FormatCode(draw.pick(&[0, 1, 2, 255])),
        columns: (0..draw.below(3)).map(|_| format(draw)).collect(),
        count: number::other_count(draw),
        length: number::other_length(draw),
    }
}

/// The codes of fields that have a meaning, and some that have none.
const FIELD_CODES: &[u8] = b"SVCMDHPpqWscdtnFLRxz\xff\x01";

fn error_fields(draw: &mut Draw) -> ErrorFields {
    let some = |draw: &mut Draw, usual: &str| -> Option<Bytes> {
        match draw.below(6) {
            0 => None,
            1 => Some(bytes::text(draw)),
            _ => Some(usual.into()),
        }
    };
    let severity = draw.pick(&["ERROR", "FATAL", "PANIC", "WARNING", "NOTICE"]);
    let sqlstate =
        draw.pick(&["XX000", "28000", "28P01", "0A000", "57P01", "57P03", "42704", "00000"]);
    ErrorFields {
        severity: some(draw, severity),
        sqlstate: some(draw, sqlstate),
        message: some(draw, "{canary}: sorry"),
        others: (0..draw.below(3))
            .map(|_| ErrorField { code: Byte(draw.pick(FIELD_CODES)), value: bytes::text(draw) })
            .collect(),
        length: number::other_length(draw),
        ..ErrorFields::default()
    }
}

#[cfg(test)]
mod tests {
    use pgtls_mock_server::Seed;

    use super::*;

    #[test]
    fn every_message_of_the_language_is_made_under_its_name() {
        let schema = serde_json::to_value(schemars::schema_for!(M)).expect("a schema");
        let names =
            schema.pointer("/oneOf/0/enum").and_then(|names| names.as_array()).expect("names");
        let made: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let mut missing =
            names.iter().filter(|name| !made.contains(&name.as_str().unwrap_or_default()));
        assert_eq!(missing.next(), None);
        let mut draw = Draw::new(Seed::new(1));
        for kind in KINDS {
            let json =
                serde_json::to_value((kind.make)(&mut draw, &[ColumnType::Int4])).expect("JSON");
            let name =
                json.as_str().or_else(|| json.as_object()?.keys().next().map(String::as_str));
            assert_eq!(name, Some(kind.name));
        }
    }
}
