//! The codec against hand-made bytes and against postgres-protocol's client side.

use bytes::BytesMut;
use postgres_protocol::{
    IsNull,
    message::{backend::Message as Answer, frontend as theirs},
};
use proptest::prelude::*;
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::{
    Error, backend,
    frontend::{self, Bind, Format, Message, Target},
    startup::{self, CancelRequest, Packet, StartupMessage, first_packet},
};

/// A packet with its length in front.
fn packet(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short packet");
    [&length.to_be_bytes(), body].concat()
}

/// A message with its type and length in front.
fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], packet(body).as_slice()].concat()
}

/// What another's client writes.
fn written(write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    write(&mut buffer).expect("a message");
    buffer.to_vec()
}

#[test]
fn requests_are_told_apart_by_their_codes() {
    for (body, wanted) in [
        (80_877_103_u32.to_be_bytes().to_vec(), Packet::SslRequest),
        (80_877_104_u32.to_be_bytes().to_vec(), Packet::GssEncRequest),
        (
            [&80_877_102_u32.to_be_bytes()[..], &[0, 0, 0, 7, 1, 2, 3, 4]].concat(),
            Packet::Cancel(CancelRequest { process_id: 7, key: vec![1, 2, 3, 4] }),
        ),
        (
            [&80_877_102_u32.to_be_bytes()[..], &[0xff; 4], &[9; 256]].concat(),
            Packet::Cancel(CancelRequest { process_id: -1, key: vec![9; 256] }),
        ),
    ] {
        let bytes = packet(&body);
        assert_eq!(first_packet(&bytes), Ok(Some((wanted, bytes.len()))));
    }
}

#[test]
fn another_clients_startup_is_read() {
    let parameters = [("user", "any"), ("database", "post gres"), ("user", "other")];
    let bytes = written(|buffer| theirs::startup_message(parameters, buffer));
    let Ok(Some((Packet::Startup(startup), size))) = first_packet(&bytes) else {
        panic!("no StartupMessage")
    };
    assert_eq!((startup.protocol, size), ((3, 0), bytes.len()));
    assert_eq!(startup.parameters().collect::<Vec<_>>(), parameters);
    assert_eq!(startup.parameter("user"), Some("other"));
    assert_eq!(startup.parameter("User"), None);

    let bytes = written(|buffer| {
        theirs::ssl_request(buffer);
        Ok(())
    });
    assert_eq!(first_packet(&bytes), Ok(Some((Packet::SslRequest, 8))));
    let bytes = written(|buffer| {
        theirs::cancel_request(7, 0x0102_0304, buffer);
        Ok(())
    });
    let cancel = CancelRequest { process_id: 7, key: vec![1, 2, 3, 4] };
    assert_eq!(first_packet(&bytes), Ok(Some((Packet::Cancel(cancel), 16))));
}

#[test]
fn versions_are_the_servers_to_judge() {
    for (version, protocol) in
        [([0, 3, 0, 2], (3, 2)), ([0, 3, 0x27, 0x0f], (3, 9999)), ([0, 2, 0, 0], (2, 0))]
    {
        let bytes = packet(&[&version[..], &[0]].concat());
        let startup = StartupMessage::new(protocol, &[]);
        assert_eq!(first_packet(&bytes), Ok(Some((Packet::Startup(startup), 9))));
    }
}

#[test]
fn a_first_packet_is_awaited_until_it_is_whole() {
    let bytes = written(|buffer| theirs::startup_message([("user", "any")], buffer));
    for end in 0..bytes.len() {
        assert_eq!(first_packet(&bytes[..end]), Ok(None), "{end}");
    }
    let more = [bytes.as_slice(), b"more"].concat();
    let size = first_packet(&more).expect("a packet").map(|(_, size)| size);
    assert_eq!(size, Some(bytes.len()));
}

#[test]
fn what_cannot_become_a_first_packet_is_refused_at_once() {
    let length = |got| Error::Length { message: "first packet", wanted: "8 to 10000", got };
    for (bytes, wanted) in [
        (vec![0, 0, 0, 7], length(7)),
        (vec![0, 0, 0, 0], length(0)),
        (vec![0, 0, 0x27, 0x11], length(10_001)),
        // A ClientHello.
        (vec![0x16, 3, 1, 2], length(0x1603_0102)),
        (packet(&80_877_105_u32.to_be_bytes()), Error::RequestCode(80_877_105)),
    ] {
        assert_eq!(first_packet(&bytes), Err(wanted));
    }
    for body in [
        &b"\x04\xd2\x16\x2f\0"[..],    // SSLRequest with a byte more
        b"\x04\xd2\x16\x2e\0\0\0\x01", // CancelRequest without a key
        b"\0\x03\0\0",                 // no final NUL
        b"\0\x03\0\0user",             // a name without end
        b"\0\x03\0\0user\0any",        // a value without end
        b"\0\x03\0\0user\0any\0",      // no final NUL
        b"\0\x03\0\0user\0any\0\0\0",  // something behind it
    ] {
        let result = first_packet(&packet(body));
        assert!(matches!(result, Err(Error::Body { .. })), "{result:?}");
    }
    let mut long = vec![0; startup::MAX_LENGTH];
    long[..8].copy_from_slice(b"\0\0\x27\x10\0\x03\0\0");
    assert!(first_packet(&long).is_err_and(|error| matches!(error, Error::Body { .. })));
}

#[test]
fn another_clients_messages_are_read() {
    let text = |text: &str| text.to_owned();
    let cases = [
        (written(|buffer| theirs::query("SELECT 1", buffer)), Message::Query(text("SELECT 1"))),
        (
            written(|buffer| theirs::parse("s", "SELECT $1", [23, 0], buffer)),
            Message::Parse {
                statement: text("s"),
                query: text("SELECT $1"),
                parameter_types: vec![23, 0],
            },
        ),
        (
            written(|buffer| {
                let write = |value: Option<&[u8]>, buffer: &mut BytesMut| {
                    Ok(value.map_or(IsNull::Yes, |value| {
                        buffer.extend_from_slice(value);
                        IsNull::No
                    }))
                };
                theirs::bind("p", "s", [1, 0], [Some(&b"\0\x01"[..]), None], write, [1], buffer)
                    .map_err(|_| std::io::Error::other("no message"))
            }),
            Message::Bind(Bind {
                portal: text("p"),
                statement: text("s"),
                parameter_formats: vec![Format::Binary, Format::Text],
                parameters: 2,
                oid: None,
                result_formats: vec![Format::Binary],
            }),
        ),
        (
            written(|buffer| theirs::execute("p", 5, buffer)),
            Message::Execute { portal: text("p"), max_rows: 5 },
        ),
        (
            written(|buffer| theirs::describe(b'S', "s", buffer)),
            Message::Describe(Target::Statement(text("s"))),
        ),
        (
            written(|buffer| theirs::close(b'P', "p", buffer)),
            Message::Close(Target::Portal(text("p"))),
        ),
        (
            written(|buffer| theirs::password_message(b"secret", buffer)),
            Message::Proof(b"secret\0".to_vec().into()),
        ),
        (written(|buffer| theirs::copy_fail("why", buffer)), Message::CopyFail(text("why"))),
        (
            written(|buffer| {
                theirs::copy_done(buffer);
                Ok(())
            }),
            Message::CopyDone,
        ),
        (
            written(|buffer| {
                theirs::flush(buffer);
                Ok(())
            }),
            Message::Flush,
        ),
        (
            written(|buffer| {
                theirs::sync(buffer);
                Ok(())
            }),
            Message::Sync,
        ),
        (
            written(|buffer| {
                theirs::terminate(buffer);
                Ok(())
            }),
            Message::Terminate,
        ),
        (framed(b'd', b"data"), Message::CopyData(4)),
        (framed(b'F', b"any"), Message::FunctionCall(3)),
        (framed(b'?', b"any"), Message::Unknown { tag: b'?', size: 3 }),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(frontend::message(&bytes), Ok(Some((wanted.clone(), bytes.len()))));
        assert_eq!(wanted.tag(), bytes[0]);
        for end in 0..bytes.len() {
            assert_eq!(frontend::message(&bytes[..end]), Ok(None), "{wanted:?} {end}");
        }
    }
}

#[test]
fn proofs_are_read_by_who_knows_what_they_are() {
    let proof = |bytes: Vec<u8>| match frontend::message(&bytes) {
        Ok(Some((Message::Proof(proof), _))) => proof,
        other => panic!("{other:?}"),
    };
    let initial = proof(written(|buffer| {
        theirs::sasl_initial_response("SCRAM-SHA-256", b"n,,n=,r=x", buffer)
    }));
    let parts = initial.sasl_initial().expect("a SASLInitialResponse");
    assert_eq!(
        (parts.mechanism.as_str(), parts.response),
        ("SCRAM-SHA-256", Some(&b"n,,n=,r=x"[..]))
    );
    let without = proof(framed(b'p', b"SCRAM-SHA-256\0\xff\xff\xff\xff"));
    assert_eq!(without.sasl_initial().expect("a SASLInitialResponse").response, None);
    let response = proof(written(|buffer| theirs::sasl_response(b"c=biws", buffer)));
    assert_eq!(response.bytes(), b"c=biws");
    assert!(response.sasl_initial().is_err() && response.password().is_err());

    assert_eq!(proof(framed(b'p', b"pass\0")).password(), Ok(&b"pass"[..]));
    assert_eq!(proof(framed(b'p', b"\0")).password(), Ok(&b""[..]));
    for wrong in [&b""[..], b"pass", b"pa\0ss\0"] {
        assert!(proof(framed(b'p', wrong)).password().is_err());
    }
}

#[test]
fn no_proof_is_ever_shown() {
    let secret = "correct horse";
    let body = format!("SCRAM-SHA-256\0\0\0\0\x0d{secret}");
    for bytes in [framed(b'p', format!("{secret}\0").as_bytes()), framed(b'p', body.as_bytes())] {
        let Ok(Some((message, _))) = frontend::message(&bytes) else { panic!("no message") };
        let Message::Proof(proof) = &message else { panic!("no proof") };
        let shown = format!("{message:?} {} {:?}", message.summary(), proof.sasl_initial());
        assert!(!shown.contains("horse"), "{shown}");
        assert!(!shown.contains(&format!("{:?}", secret.as_bytes())[1..20]), "{shown}");
    }
    let mut body = b"\0s\0\0\0\0\x01\0\0\0\x0d".to_vec();
    body.extend(secret.as_bytes());
    body.extend([0, 0]);
    let Ok(Some((bind, _))) = frontend::message(&framed(b'B', &body)) else { panic!("no Bind") };
    assert_eq!(bind.summary(), "unnamed from `s`, 1 parameters");
    assert!(!format!("{bind:?}").contains("horse"));
}

#[test]
fn summaries_are_one_short_line() {
    let long = Message::Query(format!("SELECT\n\t'{}'", "x".repeat(1000)));
    assert_eq!(long.name(), "Query");
    assert!(long.summary().starts_with("SELECT  'xxx") && long.summary().ends_with('…'));
    assert!(long.summary().chars().count() <= 201);
    assert_eq!(Message::Sync.summary(), "");
}

#[test]
fn lengths_that_cannot_be_are_refused_at_once() {
    for (tag, length) in [
        (b'Q', 3_u32),
        (b'Q', 0),
        (b'Q', u32::MAX),
        (b'Q', (1 << 20) + 1),
        (b'S', 10_001),
        (b'p', 65_536),
        (b'?', 10_001),
    ] {
        let bytes = [&[tag][..], &length.to_be_bytes()].concat();
        let result = frontend::message(&bytes);
        assert!(matches!(result, Err(Error::Length { .. })), "{tag} {length}: {result:?}");
    }
}

#[test]
fn a_wrong_body_costs_one_message() {
    for (tag, body) in [
        (b'Q', &b"no end"[..]),
        (b'Q', b"two\0strings\0"),
        (b'S', b"x"),
        (b'D', b"Xname\0"),
        (b'E', b"p\0\0\0"),
        (b'P', b"s\0q\0\0\x02\0\0\0\x17"),
        (b'B', b"p\0s\0\0\0\0\x01\0\0\0\x05abc\0\0"),
        (b'B', b"p\0s\0\0\0\0\x01\xff\xff\xff\xfe\0\0"),
        (b'B', b"p\0s\0\0\x01\0\x02\0\0\0\0"),
        (b'B', b"p\0s\0\xff\xff"),
    ] {
        let bytes = [framed(tag, body), framed(b'H', b"")].concat();
        let Ok(Some((Message::Malformed { tag: own, error }, size))) = frontend::message(&bytes)
        else {
            panic!("{}", body.escape_ascii())
        };
        assert_eq!((own, size), (tag, 5 + body.len()));
        assert!(!error.to_string().is_empty());
        assert_eq!(frontend::message(&bytes[size..]), Ok(Some((Message::Flush, 5))));
    }
}

/// Reads one message by another's parser, and sees that it is all there is.
fn read(write: impl FnOnce(&mut Vec<u8>)) -> Answer {
    let mut out = Vec::new();
    write(&mut out);
    let mut buffer = BytesMut::from(out.as_slice());
    let answer = Answer::parse(&mut buffer).expect("a message").expect("a whole one");
    assert!(buffer.is_empty());
    answer
}

#[test]
fn the_start_of_a_session_is_written_as_another_client_reads_it() {
    match read(|out| backend::parameter_status(out, "name", "value")) {
        Answer::ParameterStatus(body) => {
            assert_eq!(
                (body.name().expect("text"), body.value().expect("text")),
                ("name", "value")
            );
        }
        _ => panic!("no ParameterStatus"),
    }
    match read(|out| backend::backend_key_data(out, 7, &[0, 0, 1, 0])) {
        Answer::BackendKeyData(body) => {
            assert_eq!((body.process_id(), body.secret_key()), (7, 256));
        }
        _ => panic!("no BackendKeyData"),
    }
    for (status, byte) in [
        (backend::TransactionStatus::Idle, b'I'),
        (backend::TransactionStatus::Open, b'T'),
        (backend::TransactionStatus::Failed, b'E'),
    ] {
        match read(|out| backend::ready_for_query(out, status)) {
            Answer::ReadyForQuery(body) => assert_eq!(body.status(), byte),
            _ => panic!("no ReadyForQuery"),
        }
    }
    let mut out = Vec::new();
    backend::negotiate_protocol_version(&mut out, (3, 2), &["_pq_.a"]);
    assert_eq!(out, framed(b'v', b"\0\x03\0\x02\0\0\0\x01_pq_.a\0"));
}

#[test]
fn reports_carry_their_fields() {
    let report = super::report::Report::fatal("28P01", "no\0t").with_detail("why\0?");
    for write in [backend::error_response, backend::notice_response] {
        let fields: Vec<(u8, String)> = match read(|out| write(out, &report)) {
            Answer::ErrorResponse(body) => fields(body.fields()),
            Answer::NoticeResponse(body) => fields(body.fields()),
            _ => panic!("no report"),
        };
        let wanted =
            [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', "28P01"), (b'M', "no"), (b'D', "why")];
        assert_eq!(fields, wanted.map(|(kind, text)| (kind, text.to_owned())));
    }
}

fn fields(fields: postgres_protocol::message::backend::ErrorFields<'_>) -> Vec<(u8, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.map(|field| Ok((field.type_(), text(field.value_bytes())))).collect().expect("fields")
}

#[test]
fn rows_are_written_as_another_client_reads_them() {
    let column = |name, format| backend::Column {
        name,
        table_oid: 0,
        number: 0,
        type_oid: 23,
        type_size: 4,
        type_modifier: -1,
        format: format as i16,
    };
    let columns = [column(b"a", Format::Text), column(b"b", Format::Binary)];
    match read(|out| backend::row_description(out, &columns, None)) {
        Answer::RowDescription(body) => {
            let fields: Vec<_> = body
                .fields()
                .map(|field| {
                    let kind = (field.type_oid(), field.type_size(), field.type_modifier());
                    Ok((field.name().to_owned(), kind, field.format()))
                })
                .collect()
                .expect("columns");
            let wanted = [("a".to_owned(), (23, 4, -1), 0), ("b".to_owned(), (23, 4, -1), 1)];
            assert_eq!(fields, wanted);
        }
        _ => panic!("no RowDescription"),
    }
    match read(|out| backend::data_row(out, &[Some(&b"1"[..]), None, Some(b"")], None)) {
        Answer::DataRow(body) => {
            let ranges: Vec<_> = body.ranges().collect().expect("values");
            let values: Vec<_> =
                ranges.into_iter().map(|range| range.map(|range| &body.buffer()[range])).collect();
            assert_eq!(values, [Some(&b"1"[..]), None, Some(&b""[..])]);
        }
        _ => panic!("no DataRow"),
    }
    match read(|out| backend::parameter_description(out, &[23, 25], None)) {
        Answer::ParameterDescription(body) => {
            assert_eq!(body.parameters().collect::<Vec<_>>().expect("oids"), [23, 25]);
        }
        _ => panic!("no ParameterDescription"),
    }
    match read(|out| backend::command_complete(out, "SELECT 1")) {
        Answer::CommandComplete(body) => assert_eq!(body.tag().expect("text"), "SELECT 1"),
        _ => panic!("no CommandComplete"),
    }
    assert!(matches!(read(backend::parse_complete), Answer::ParseComplete));
    assert!(matches!(read(backend::bind_complete), Answer::BindComplete));
    assert!(matches!(read(backend::close_complete), Answer::CloseComplete));
    assert!(matches!(read(backend::no_data), Answer::NoData));
    assert!(matches!(read(backend::portal_suspended), Answer::PortalSuspended));
    assert!(matches!(read(backend::empty_query_response), Answer::EmptyQueryResponse));
}

#[test]
fn what_a_count_cannot_hold_is_left_out() {
    let values: Vec<Option<&[u8]>> = vec![None; 70_000];
    match read(|out| backend::data_row(out, &values, None)) {
        Answer::DataRow(body) => assert_eq!(body.ranges().count().expect("values"), 65_535),
        _ => panic!("no DataRow"),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        tag in prop::sample::select(b"BCDEFHPQSXcdfp?".to_vec()),
    ) {
        let _ = first_packet(&bytes);
        let _ = first_packet(&packet(&bytes));
        let _ = frontend::message(&bytes);
        if let Ok(Some((message, size))) = frontend::message(&framed(tag, &bytes)) {
            prop_assert_eq!(size, 5 + bytes.len());
            prop_assert_eq!(message.tag(), tag);
            let _ = (message.summary(), format!("{message:?}"));
        } else {
            prop_assert!(false, "a whole message was not read");
        }
    }

    #[test]
    fn a_prefix_never_changes_what_is_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(Some((whole, size))) = first_packet(&bytes) {
            prop_assert_eq!(first_packet(&bytes[..size]), Ok(Some((whole, size))));
        }
        if let Ok(Some((whole, size))) = frontend::message(&bytes) {
            prop_assert_eq!(frontend::message(&bytes[..size]), Ok(Some((whole, size))));
        }
    }
}
