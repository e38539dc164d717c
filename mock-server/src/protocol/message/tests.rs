//! Messages as values: from JSON and back, and over the wire to postgres-protocol's client side.

use std::sync::LazyLock;

use bytes::BytesMut;
use postgres_protocol::message::backend::Message as Answer;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::*;
use crate::protocol::{
    body::ErrorField,
    pg_type::PgType,
    value::{Byte, Bytes, FormatCode, TypeOid, Value, Version},
};

fn parsed(json: Json) -> BackendMessage {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn written(message: &BackendMessage) -> Vec<u8> {
    let mut out = Vec::new();
    message.write(&mut out);
    out
}

/// What stands in JSON, as another client's parser reads it.
fn read(json: Json) -> Answer {
    let mut buffer = BytesMut::from(written(&parsed(json)).as_slice());
    let answer = Answer::parse(&mut buffer).expect("a message").expect("a whole one");
    assert!(buffer.is_empty());
    answer
}

/// What is wrong with a message, as its writer is told.
fn refused(json: Json) -> String {
    serde_json::from_value::<BackendMessage>(json).expect_err("no message").to_string()
}

/// Every message's name, from the schema.
fn names() -> Vec<String> {
    let schema = schemars::schema_for!(BackendMessage);
    let names = schema.pointer("/oneOf/0/enum").and_then(Json::as_array).expect("names");
    names.iter().map(|name| name.as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_message_is_its_name_where_its_fields_are_left_out() {
    let names = names();
    assert_eq!(names.len(), 33);
    for name in names {
        let message = parsed(json!(name));
        assert_eq!(parsed(json!({ &name: {} })), message);
        let bytes = written(&message);
        let length = u32::try_from(bytes.len() - 1).expect("a short message");
        assert_eq!(bytes[1..5], length.to_be_bytes(), "{name}");
        // The reader knows all but these.
        if !matches!(bytes[0], b'v' | b'V' | b'W') {
            let mut buffer = BytesMut::from(bytes.as_slice());
            assert!(Answer::parse(&mut buffer).expect(&name).is_some(), "{name}");
        }
    }
    assert_eq!(
        serde_json::to_value(BackendMessage::NoData(NoFields::default())).expect("JSON"),
        json!("no_data")
    );
    assert_eq!(
        serde_json::to_value(parsed(json!({"no_data": {"length": 5}}))).expect("JSON"),
        json!({"no_data": {"length": 5}})
    );
}

#[test]
fn a_login_is_read_by_another_client() {
    match read(json!({"authentication_md5_password": {"salt": {"hex": "ff 00 01 02"}}})) {
        Answer::AuthenticationMd5Password(body) => assert_eq!(body.salt(), [255, 0, 1, 2]),
        _ => panic!("not MD5"),
    }
    match read(json!({"authentication_sasl": {"mechanisms": ["A", "B"]}})) {
        Answer::AuthenticationSasl(body) => {
            assert_eq!(body.mechanisms().collect::<Vec<_>>().expect("names"), ["A", "B"]);
        }
        _ => panic!("not SASL"),
    }
    match read(json!({"authentication_sasl_continue": {"data": "r=x"}})) {
        Answer::AuthenticationSaslContinue(body) => assert_eq!(body.data(), b"r=x"),
        _ => panic!("not SASL"),
    }
    match read(json!({"authentication_sasl_final": {"data": "v=x"}})) {
        Answer::AuthenticationSaslFinal(body) => assert_eq!(body.data(), b"v=x"),
        _ => panic!("not SASL"),
    }
    match read(json!({"backend_key_data": {"process_id": -7, "key": {"hex": "00000100"}}})) {
        Answer::BackendKeyData(body) => {
            assert_eq!((body.process_id(), body.secret_key()), (-7, 256));
        }
        _ => panic!("no BackendKeyData"),
    }
    match read(json!({"parameter_status": {"name": "n", "value": "v"}})) {
        Answer::ParameterStatus(body) => {
            assert_eq!((body.name().expect("text"), body.value().expect("text")), ("n", "v"));
        }
        _ => panic!("no ParameterStatus"),
    }
    match read(json!({"ready_for_query": {"status": "T"}})) {
        Answer::ReadyForQuery(body) => assert_eq!(body.status(), b'T'),
        _ => panic!("no ReadyForQuery"),
    }
    let version = json!({"negotiate_protocol_version": {"newest": "3.2", "unrecognized": ["a"]}});
    assert_eq!(written(&parsed(version)), b"v\0\0\0\x0e\0\x03\0\x02\0\0\0\x01a\0");
}

#[test]
fn rows_are_read_by_another_client() {
    let columns = json!([
        {"name": "n", "type": "int4"},
        {"type_oid": 99_999, "type_size": 7, "type_modifier": 8, "format": "binary"},
        {"type": "int2", "type_oid": 1, "table_oid": 2, "number": 3, "format": -1},
    ]);
    match read(json!({"row_description": {"columns": columns}})) {
        Answer::RowDescription(body) => {
            let fields: Vec<_> = body
                .fields()
                .map(|field| {
                    let kind = (field.type_oid(), field.type_size(), field.type_modifier());
                    let table = (field.table_oid(), field.column_id());
                    Ok((field.name().to_owned(), kind, table, field.format()))
                })
                .collect()
                .expect("columns");
            let text = |text: &str| text.to_owned();
            let wanted = [
                (text("n"), (23, 4, -1), (0, 0), 0),
                (text("?column?"), (99_999, 7, 8), (0, 0), 1),
                (text("?column?"), (1, 2, -1), (2, 3), -1),
            ];
            assert_eq!(fields, wanted);
        }
        _ => panic!("no RowDescription"),
    }
    match read(json!({"data_row": {"values": ["1", null, {"hex": "ff"}, ""]}})) {
        Answer::DataRow(body) => {
            let ranges: Vec<_> = body.ranges().collect().expect("values");
            let values: Vec<_> =
                ranges.into_iter().map(|range| range.map(|range| &body.buffer()[range])).collect();
            assert_eq!(values, [Some(&b"1"[..]), None, Some(b"\xff"), Some(b"")]);
        }
        _ => panic!("no DataRow"),
    }
    match read(json!({"parameter_description": {"types": ["int4", 7]}})) {
        Answer::ParameterDescription(body) => {
            assert_eq!(body.parameters().collect::<Vec<_>>().expect("oids"), [23, 7]);
        }
        _ => panic!("no ParameterDescription"),
    }
    match read(json!({"command_complete": {"tag": "INSERT 0 1"}})) {
        Answer::CommandComplete(body) => assert_eq!(body.tag().expect("text"), "INSERT 0 1"),
        _ => panic!("no CommandComplete"),
    }
    let call = json!({"function_call_response": {"value": "x"}});
    assert_eq!(written(&parsed(call)), b"V\0\0\0\x09\0\0\0\x01x");
}

#[test]
fn copies_and_notifications_are_read_by_another_client() {
    let copy = json!({"format": "binary", "columns": ["text", 1]});
    for name in ["copy_in_response", "copy_out_response"] {
        let (format, columns): (u8, Vec<_>) = match read(json!({ name: copy })) {
            Answer::CopyInResponse(body) => {
                (body.format(), body.column_formats().collect().expect("columns"))
            }
            Answer::CopyOutResponse(body) => {
                (body.format(), body.column_formats().collect().expect("columns"))
            }
            _ => panic!("no copy"),
        };
        assert_eq!((format, columns), (1, vec![0, 1]));
    }
    let both = written(&parsed(json!({ "copy_both_response": copy })));
    assert_eq!(both, b"W\0\0\0\x0b\x01\0\x02\0\0\0\x01");
    match read(json!({"copy_data": {"data": "row"}})) {
        Answer::CopyData(body) => assert_eq!(body.data(), b"row"),
        _ => panic!("no CopyData"),
    }
    match read(json!({"notification_response": {"channel": "c", "payload": "p"}})) {
        Answer::NotificationResponse(body) => {
            let texts = (body.channel().expect("text"), body.message().expect("text"));
            assert_eq!((body.process_id(), texts), (1, ("c", "p")));
        }
        _ => panic!("no NotificationResponse"),
    }
}

#[test]
fn errors_have_friendly_fields_and_any_others() {
    let fields = |json: Json| -> Vec<(u8, String)> {
        let fields = match read(json) {
            Answer::ErrorResponse(body) => body.fields().map(owned).collect(),
            Answer::NoticeResponse(body) => body.fields().map(owned).collect(),
            _ => panic!("no error"),
        };
        fields.expect("fields")
    };
    let text = |pairs: &[(u8, &str)]| -> Vec<(u8, String)> {
        pairs.iter().map(|&(code, text)| (code, text.to_owned())).collect()
    };
    let error = json!({
        "severity": "FATAL", "sqlstate": "28P01", "message": "no", "hint": "go",
        "others": [{"code": "F", "value": "auth.c"}],
    });
    let wanted = [
        (b'S', "FATAL"),
        (b'V', "FATAL"),
        (b'C', "28P01"),
        (b'M', "no"),
        (b'H', "go"),
        (b'F', "auth.c"),
    ];
    assert_eq!(fields(json!({ "error_response": error })), text(&wanted));
    assert_eq!(fields(json!({ "notice_response": error })), text(&wanted));
    let usual = [(b'S', "ERROR"), (b'V', "ERROR"), (b'C', "XX000"), (b'M', "")];
    assert_eq!(fields(json!("error_response")), text(&usual));
    let nothing = json!({"severity": null, "sqlstate": null, "message": null});
    assert_eq!(fields(json!({ "error_response": nothing })), []);
}

fn owned(
    field: postgres_protocol::message::backend::ErrorField<'_>,
) -> std::io::Result<(u8, String)> {
    Ok((field.type_(), String::from_utf8_lossy(field.value_bytes()).into_owned()))
}

#[test]
fn counts_and_lengths_may_disagree() {
    for (json, wanted) in [
        (json!({"bind_complete": {"length": 3}}), &b"2\0\0\0\x03"[..]),
        (json!({"no_data": {"length": -1}}), b"n\xff\xff\xff\xff"),
        (json!({"data_row": {"values": ["1"], "count": 0}}), b"D\0\0\0\x0b\0\0\0\0\0\x011"),
        (
            json!({"data_row": {"values": [{"text": "1", "length": 100}]}}),
            b"D\0\0\0\x0b\0\x01\0\0\0\x641",
        ),
        (json!({"data_row": {"values": [{"length": -2}]}}), b"D\0\0\0\x0a\0\x01\xff\xff\xff\xfe"),
        (json!({"row_description": {"count": 65535}}), b"T\0\0\0\x06\xff\xff"),
        (json!({"parameter_description": {"count": 2}}), b"t\0\0\0\x06\0\x02"),
        (json!({"copy_in_response": {"count": 1}}), b"G\0\0\0\x07\0\0\x01"),
        (
            json!({"negotiate_protocol_version": {"newest": "0.2", "count": -1}}),
            b"v\0\0\0\x0c\0\0\0\x02\xff\xff\xff\xff",
        ),
        (json!({"command_complete": {"tag": "a\u{0}b"}}), b"C\0\0\0\x08a\0b\0"),
    ] {
        assert_eq!(written(&parsed(json.clone())), wanted, "{json}");
    }
}

/// The schema of a message.
fn schema() -> jsonschema::Validator {
    let schema = schemars::schema_for!(BackendMessage);
    jsonschema::validator_for(schema.as_value()).expect("a schema")
}

#[test]
fn the_schema_knows_what_is_no_message() {
    let schema = schema();
    for json in [
        json!("no_data"),
        json!({"no_data": {}}),
        json!({"data_row": {"values": [null, "1", {"hex": "0a 0B"}, {"text": "1", "length": 2}]}}),
        json!({"ready_for_query": {"status": "T"}}),
        json!({"copy_in_response": {"format": "binary", "columns": ["text", 7]}}),
        json!({"parameter_description": {"types": ["int4", 7]}}),
        json!({"negotiate_protocol_version": {"newest": "3.2"}}),
    ] {
        assert!(schema.is_valid(&json) && written(&parsed(json.clone())).len() > 4, "{json}");
    }
    for json in [
        json!("no_such_message"),
        json!({"no_data": {"lenght": 4}}),
        json!({"no_data": {}, "copy_done": {}}),
        json!({"data_row": {"values": [1]}}),
        json!({"data_row": {"values": [{"hex": "0"}]}}),
        json!({"copy_data": {"data": {"hex": "xx"}}}),
        json!({"ready_for_query": {"status": "IT"}}),
        json!({"copy_in_response": {"format": "bin"}}),
        json!({"parameter_description": {"types": ["int5"]}}),
        json!({"negotiate_protocol_version": {"newest": "3"}}),
    ] {
        assert!(!schema.is_valid(&json), "{json}");
        let _ = refused(json);
    }
}

#[test]
fn what_is_no_message_is_refused_in_words() {
    for (json, wanted) in [
        (json!("no_such_message"), "unknown variant `no_such_message`"),
        (json!({"row_description": {"colums": []}}), "unknown field `colums`"),
        (json!({"row_description": {"columns": [{"type": "int5"}]}}), "unknown variant `int5`"),
        (json!({"data_row": {"values": [1]}}), "integer `1`, expected null, a string, {\"hex\""),
        (json!({"data_row": {"values": [{"hex": "0"}]}}), "expected hex digits, two a byte"),
        (json!({"data_row": {"values": [{"hex": "é"}]}}), "expected hex digits, two a byte"),
        (json!({"data_row": {"values": [{}]}}), "wanted `text`, `hex` or `length`"),
        (json!({"data_row": {"values": [{"hex": "", "text": ""}]}}), "got both"),
        (json!({"copy_data": {"data": {"hax": ""}}}), "unknown field `hax`, expected one of `hex`"),
        (json!({"ready_for_query": {"status": "IT"}}), "expected one ASCII character"),
        (json!({"ready_for_query": {"status": 256}}), "expected one ASCII character"),
        (json!({"copy_in_response": {"format": 256}}), "`text`, `binary` or an Int8"),
        (json!({"copy_in_response": {"columns": ["bin"]}}), "`text`, `binary` or an Int16"),
        (json!({"negotiate_protocol_version": {"newest": "3"}}), "a version such as \"3.2\""),
        (json!({"no_data": {}, "copy_done": {}}), "wanted one message, got"),
        (json!({"no_data": 7}), "integer `7`, expected an object of fields"),
        (json!({}), "a message: its name"),
        (json!(7), "a message: its name"),
    ] {
        let error = refused(json.clone());
        assert!(error.contains(wanted), "{json}: {error}");
    }
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        ".{0,8}".prop_map(Bytes::from),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Bytes::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let length = || prop::option::weighted(0.2, any::<i32>());
    (prop::option::of(bytes()), length()).prop_map(|(bytes, length)| Value { bytes, length })
}

fn format() -> impl Strategy<Value = FormatCode> {
    any::<i16>().prop_map(FormatCode)
}

fn list<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(of, 0..4)
}

fn column() -> impl Strategy<Value = Column> {
    let numbers = (any::<i32>(), any::<u32>(), any::<i16>());
    (
        bytes(),
        prop::sample::select(PgType::ALL),
        any::<(Option<u32>, Option<i16>)>(),
        numbers,
        format(),
    )
        .prop_map(|(name, known, (type_oid, type_size), numbers, format)| {
            let (type_modifier, table_oid, number) = numbers;
            let r#type = known;
            Column { name, r#type, type_oid, type_size, type_modifier, table_oid, number, format }
        })
}

/// Any message, some of whose counts are wrong, and whose length is what is given.
fn message(length: Option<i32>) -> impl Strategy<Value = BackendMessage> {
    use BackendMessage as Message;

    let count = || prop::option::weighted(0.2, any::<u16>());
    let field =
        || (any::<u8>(), bytes()).prop_map(|(code, value)| ErrorField { code: Byte(code), value });
    let texts = || prop::array::uniform5(prop::option::of(bytes()));
    let error = || {
        (texts(), list(field())).prop_map(move |(texts, others)| {
            let [severity, sqlstate, message, detail, hint] = texts;
            ErrorFields { severity, sqlstate, message, detail, hint, others, length }
        })
    };
    let copy = || {
        (any::<u8>(), list(format()), count()).prop_map(move |(format, columns, count)| {
            CopyResponse { format: FormatCode(format), columns, count, length }
        })
    };
    let plain = prop::sample::select(vec![
        Message::AuthenticationOk as fn(NoFields) -> Message,
        Message::AuthenticationSspi,
        Message::BindComplete,
        Message::CopyDone,
        Message::NoData,
    ]);
    let version = any::<(u16, u16)>().prop_map(|(major, minor)| Version { major, minor });
    prop_oneof![
        plain.prop_map(move |message| message(NoFields { length })),
        bytes()
            .prop_map(move |salt| Message::AuthenticationMd5Password(Md5Password { salt, length })),
        list(bytes())
            .prop_map(move |mechanisms| Message::AuthenticationSasl(Sasl { mechanisms, length })),
        bytes().prop_map(move |data| Message::AuthenticationSaslContinue(Data { data, length })),
        bytes().prop_map(move |data| Message::CopyData(Data { data, length })),
        (any::<i32>(), bytes()).prop_map(move |(process_id, key)| {
            Message::BackendKeyData(BackendKeyData { process_id, key, length })
        }),
        bytes().prop_map(move |tag| Message::CommandComplete(CommandComplete { tag, length })),
        copy().prop_map(Message::CopyInResponse),
        copy().prop_map(Message::CopyBothResponse),
        (list(value()), count()).prop_map(move |(values, count)| {
            Message::DataRow(DataRow { values, count, length })
        }),
        error().prop_map(Message::ErrorResponse),
        error().prop_map(Message::NoticeResponse),
        value().prop_map(move |value| {
            Message::FunctionCallResponse(FunctionCallResponse { value, length })
        }),
        (version, list(bytes()), any::<Option<i32>>()).prop_map(
            move |(newest, unrecognized, count)| {
                Message::NegotiateProtocolVersion(NegotiateProtocolVersion {
                    newest,
                    unrecognized,
                    count,
                    length,
                })
            }
        ),
        (any::<i32>(), bytes(), bytes()).prop_map(move |(process_id, channel, payload)| {
            Message::NotificationResponse(NotificationResponse {
                process_id,
                channel,
                payload,
                length,
            })
        }),
        (list(any::<u32>().prop_map(TypeOid)), count()).prop_map(move |(types, count)| {
            Message::ParameterDescription(ParameterDescription { types, count, length })
        }),
        (bytes(), bytes()).prop_map(move |(name, value)| {
            Message::ParameterStatus(ParameterStatus { name, value, length })
        }),
        any::<u8>().prop_map(move |status| {
            Message::ReadyForQuery(ReadyForQuery { status: Byte(status), length })
        }),
        (list(column()), count()).prop_map(move |(columns, count)| {
            Message::RowDescription(RowDescription { columns, count, length })
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_in_json_is_read_back(
        message in any::<Option<i32>>().prop_flat_map(message),
    ) {
        let json = serde_json::to_string(&message).expect("JSON");
        static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(schema);
        let value = serde_json::from_str(&json).expect("JSON");
        prop_assert!(SCHEMA.is_valid(&value), "{}", json);
        prop_assert_eq!(serde_json::from_str::<BackendMessage>(&json).expect("a message"), message);
    }

    #[test]
    fn a_length_is_true_unless_another_is_asked_for(
        honest in message(None),
        length in any::<i32>(),
        before in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut out = before.clone();
        honest.write(&mut out);
        prop_assert_eq!(&out[..before.len()], &before);
        let bytes = &out[before.len()..];
        prop_assert_eq!(&bytes[1..5], u32::try_from(bytes.len() - 1).expect("short").to_be_bytes());

        let mut json = serde_json::to_value(&honest).expect("JSON");
        if let Json::String(name) = &json {
            json = json!({ name: {} });
        }
        let (_, body) = json.as_object_mut().and_then(|object| object.iter_mut().next()).expect("a body");
        body["length"] = json!(length);
        let wrong = written(&parsed(json));
        prop_assert_eq!(&wrong[1..5], length.to_be_bytes());
        prop_assert_eq!((wrong[0], &wrong[5..]), (bytes[0], &bytes[5..]));
    }
}

#[test]
fn many_times_the_same_is_written_in_short() {
    let long = json!({"parameter_status": {"name": "a", "value": {"repeat": "b", "times": 100}}});
    let message = parsed(long.clone());
    assert_eq!(written(&message).len(), 1 + 4 + 2 + 101);
    assert_eq!(serde_json::to_value(&message).expect("JSON"), long);
    let row = json!({"data_row": {"values": [{"repeat": "1", "times": 64, "length": 3}, "1"]}});
    assert_eq!(serde_json::to_value(parsed(row.clone())).expect("JSON"), row);
    let huge = json!({"copy_data": {"data": {"repeat": "ab", "times": 16_000_000}}});
    assert!(refused(huge).contains("at most"));
}
