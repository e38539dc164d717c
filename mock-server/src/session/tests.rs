//! Sessions as the drivers hold them; every answer is read by postgres-protocol.

mod arbitrary;
mod extended;
mod values;

use bytes::BytesMut;
use postgres_protocol::message::backend::{ErrorFields, Message as Answer};
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::*;
use crate::protocol::{
    Error,
    frontend::{Bind, Format, Target},
    startup::StartupMessage,
};

fn session() -> Session {
    session_with(&[("user", "any"), ("database", "postgres")])
}

fn session_with(parameters: &[(&str, &str)]) -> Session {
    session_for(parameters_of(parameters), None)
}

fn session_for(parameters: Parameters, wanted: Option<i64>) -> Session {
    Session::new(parameters, wanted, Account::alone(4 << 20)).expect("room")
}

/// Answers a message to its end.
fn respond(session: &mut Session, message: &Message, out: &mut Vec<u8>) -> Respond {
    let mut respond = session.respond(message.clone(), out);
    while respond.flow == Flow::More {
        let next = session.proceed(out);
        respond = Respond { flow: next.flow, query_seen: next.query_seen.or(respond.query_seen) };
    }
    respond
}

fn parameters_of(parameters: &[(&str, &str)]) -> Parameters {
    Parameters::new(&StartupMessage::new((3, 0), parameters), true)
}

#[test]
fn a_session_looks_out_for_the_number_that_it_is_told() {
    let sql = Message::Query("SELECT 48151; SELECT 1".to_owned());
    for (wanted, seen) in [(None, Some(1)), (Some(48151), Some(48151)), (Some(2), None)] {
        let mut session = session_for(parameters_of(&[("user", "any")]), wanted);
        let mut out = Vec::new();
        let respond = respond(&mut session, &sql, &mut out);
        assert_eq!(respond, Respond { flow: Flow::Continue, query_seen: seen }, "{wanted:?}");
        assert!(out.ends_with(b"Z\0\0\0\x05I"));
    }
}

#[test]
fn what_the_server_says_of_itself_is_said_once() {
    let own = parameters_of(&[]);
    let shown = |name: &str| own.show(name).map(|(_, value)| value.to_owned());
    assert_eq!(shown("scram_iterations"), Some(crate::scram::DEFAULT_ITERATIONS.to_string()));
    let (major, minor) = parameters::SERVER_VERSION.split_once('.').expect("two numbers");
    assert_eq!(shown("server_version_num"), Some(format!("{major}{minor:0>4}")));
    assert_eq!(shown("ssl").as_deref(), Some("on"));
    let startup = StartupMessage::new((3, 0), &[]);
    let without = Parameters::new(&startup, false);
    assert_eq!(without.show("ssl"), Some(("ssl", "off")));
}

fn code(mut fields: ErrorFields<'_>) -> String {
    let code = fields.find(|field| Ok(field.type_() == b'C')).expect("fields").expect("a code");
    code.value_bytes().escape_ascii().to_string()
}

/// An answer in a few words, read by another's parser.
fn words(bytes: &[u8]) -> Vec<String> {
    let mut buffer = BytesMut::from(bytes);
    let mut words = Vec::new();
    while let Some(answer) = Answer::parse(&mut buffer).expect("a backend message") {
        words.push(match answer {
            Answer::ParseComplete => "parsed".to_owned(),
            Answer::BindComplete => "bound".to_owned(),
            Answer::CloseComplete => "closed".to_owned(),
            Answer::NoData => "no data".to_owned(),
            Answer::PortalSuspended => "suspended".to_owned(),
            Answer::EmptyQueryResponse => "empty".to_owned(),
            Answer::CommandComplete(body) => body.tag().expect("a tag").to_owned(),
            Answer::ReadyForQuery(body) => format!("ready {}", char::from(body.status())),
            Answer::ParameterStatus(body) => {
                format!("{}={}", body.name().expect("a name"), body.value().expect("a value"))
            }
            Answer::ParameterDescription(body) => {
                format!("takes {:?}", body.parameters().collect::<Vec<_>>().expect("oids"))
            }
            Answer::RowDescription(body) => {
                let columns: Vec<_> = body
                    .fields()
                    .map(|field| {
                        Ok(format!("{}:{}:{}", field.name(), field.type_oid(), field.format()))
                    })
                    .collect()
                    .expect("columns");
                format!("columns {}", columns.join(" "))
            }
            Answer::DataRow(body) => {
                let values: Vec<_> = body
                    .ranges()
                    .map(|range| {
                        Ok(match range {
                            Some(range) => body.buffer()[range].escape_ascii().to_string(),
                            None => "NULL".to_owned(),
                        })
                    })
                    .collect()
                    .expect("values");
                format!("row {}", values.join("|"))
            }
            Answer::ErrorResponse(body) => format!("error {}", code(body.fields())),
            Answer::NoticeResponse(body) => format!("notice {}", code(body.fields())),
            _ => panic!("an answer of another kind"),
        });
    }
    assert!(buffer.is_empty(), "half a message");
    words
}

fn answer(session: &mut Session, messages: &[Message]) -> (Vec<String>, Vec<i64>) {
    let mut out = Vec::new();
    let mut seen = Vec::new();
    for message in messages {
        let respond = respond(session, message, &mut out);
        assert_eq!(respond.flow, Flow::Continue, "{message:?}");
        seen.extend(respond.query_seen);
    }
    (words(&out), seen)
}

fn query(session: &mut Session, sql: &str) -> Vec<String> {
    answer(session, &[Message::Query(sql.to_owned())]).0
}

fn parse(statement: &str, query: &str) -> Message {
    Message::Parse {
        statement: statement.to_owned(),
        query: query.to_owned(),
        parameter_types: Vec::new(),
    }
}

fn bind(portal: &str, statement: &str) -> Bind {
    Bind {
        portal: portal.to_owned(),
        statement: statement.to_owned(),
        parameter_formats: Vec::new(),
        parameters: 0,
        oid: None,
        result_formats: Vec::new(),
    }
}

fn binary(bind: Bind) -> Message {
    Message::Bind(Bind { result_formats: vec![Format::Binary], ..bind })
}

fn describe(statement: &str) -> Message {
    Message::Describe(Target::Statement(statement.to_owned()))
}

fn describe_portal(portal: &str) -> Message {
    Message::Describe(Target::Portal(portal.to_owned()))
}

fn execute(portal: &str, max_rows: i32) -> Message {
    Message::Execute { portal: portal.to_owned(), max_rows }
}

#[test]
fn a_number_is_selected_however_it_is_written() {
    for (sql, column, value) in [
        ("SELECT 48151", "?column?:23:0", 48151),
        ("select\n48151 ;", "?column?:23:0", 48151),
        ("/* a */ SELECT /* b */ 48151 -- c", "?column?:23:0", 48151),
        ("SELECT 48151 AS x", "x:23:0", 48151),
        ("SELECT 48151 \"X y\"", "X y:23:0", 48151),
        ("SELECT 48151::int4", "int4:23:0", 48151),
        ("SELECT 48151::integer AS n", "n:23:0", 48151),
        ("SELECT CAST(48151 AS int)", "int4:23:0", 48151),
        ("SELECT (48151)", "?column?:23:0", 48151),
        ("SELECT 48151::bigint", "int8:20:0", 48151),
        ("SELECT '48151'::pg_catalog.int4", "int4:23:0", 48151),
        ("SELECT 7::int2", "int2:21:0", 7),
        ("SELECT -5", "?column?:23:0", -5),
        ("SELECT 4815162342", "?column?:20:0", 4_815_162_342),
        ("SELECT 48151 LIMIT 1", "?column?:23:0", 48151),
    ] {
        let mut session = session();
        let (words, seen) = answer(&mut session, &[Message::Query(sql.to_owned())]);
        let wanted = [
            format!("columns {column}"),
            format!("row {value}"),
            "SELECT 1".to_owned(),
            "ready I".to_owned(),
        ];
        assert_eq!((words.as_slice(), seen.as_slice()), (wanted.as_slice(), &[value][..]), "{sql}");
    }
}

#[test]
fn what_is_no_number_alone_is_not_taken_for_the_query() {
    for sql in [
        "SELECT 'a'",
        "SELECT 1, 2",
        "SELECT 1 FROM t",
        "SELECT version()",
        "SELECT 1.5",
        "SELECT NULL",
        "SHOW ssl",
        "SELECT true",
        "VALUES (1)",
    ] {
        let (_, seen) = answer(&mut session(), &[Message::Query(sql.to_owned())]);
        assert!(seen.is_empty(), "{sql}");
    }
}

#[test]
fn numbers_that_fit_no_type_are_refused() {
    for (sql, code) in [
        ("SELECT 70000::int2", "22003"),
        ("SELECT 4815162342::int4", "22003"),
        ("SELECT 'x'::int4", "22P02"),
    ] {
        assert_eq!(query(&mut session(), sql), [format!("error {code}"), "ready I".to_owned()]);
    }
}

#[test]
fn several_statements_are_answered_in_turn_up_to_the_first_that_fails() {
    let mut session = session();
    let (words, seen) = answer(
        &mut session,
        &[Message::Query("BEGIN; SELECT 1; SELECT 2; SHOW nothing; SELECT 3".to_owned())],
    );
    let wanted = [
        "BEGIN",
        "columns ?column?:23:0",
        "row 1",
        "SELECT 1",
        "columns ?column?:23:0",
        "row 2",
        "SELECT 1",
        "error 42704",
        "ready E",
    ];
    assert_eq!(
        (words.as_slice(), seen.as_slice()),
        (wanted.map(String::from).as_slice(), &[2][..])
    );
}

#[test]
fn an_empty_query_is_told_so() {
    for sql in ["", ";", " -- ping", "/* SQLx ping */"] {
        assert_eq!(query(&mut session(), sql), ["empty", "ready I"], "{sql}");
    }
}

#[test]
fn transactions_begin_end_and_fail() {
    let session = &mut session();
    for (sql, wanted) in [
        ("BEGIN", &["BEGIN", "ready T"][..]),
        ("begin isolation level serializable", &["notice 25001", "BEGIN", "ready T"]),
        ("SAVEPOINT a", &["SAVEPOINT", "ready T"]),
        ("COPY t FROM stdin", &["error 0A000", "ready E"]),
        ("SELECT 1", &["error 25P02", "ready E"]),
        ("INSERT INTO t VALUES (1)", &["error 25P02", "ready E"]),
        ("not sql", &["error 42601", "ready E"]),
        ("ROLLBACK TO SAVEPOINT a", &["ROLLBACK", "ready T"]),
        ("RELEASE a", &["RELEASE", "ready T"]),
        ("ROLLBACK TO a", &["error 3B001", "ready E"]),
        ("COMMIT", &["ROLLBACK", "ready I"]),
        ("COMMIT", &["notice 25P01", "COMMIT", "ready I"]),
        ("SAVEPOINT a", &["error 25P01", "ready I"]),
        ("START TRANSACTION READ ONLY", &["START TRANSACTION", "ready T"]),
        ("END", &["COMMIT", "ready I"]),
        ("BEGIN TRANSACTION", &["BEGIN", "ready T"]),
        ("ROLLBACK", &["ROLLBACK", "ready I"]),
    ] {
        assert_eq!(query(session, sql), wanted, "{sql}");
    }
}

#[test]
fn parameters_are_reported_set_and_shown() {
    let parameters = parameters_of(&[
        ("user", "any"),
        ("application_name", "app"),
        ("client_encoding", "utf-8"),
    ]);
    let mut out = Vec::new();
    parameters.report(&mut out);
    let reported = words(&out);
    for wanted in [
        "server_version=18.4",
        "server_encoding=UTF8",
        "client_encoding=UTF8",
        "DateStyle=ISO, MDY",
        "IntervalStyle=postgres",
        "TimeZone=Etc/UTC",
        "integer_datetimes=on",
        "standard_conforming_strings=on",
        "is_superuser=off",
        "session_authorization=any",
        "application_name=app",
        "in_hot_standby=off",
        "search_path=\"$user\", public",
        "default_transaction_read_only=off",
    ] {
        assert!(reported.iter().any(|own| own == wanted), "{wanted} in {reported:?}");
    }

    let session = &mut session_for(parameters, None);
    for (sql, wanted) in [
        ("SET application_name = 'other'", &["SET", "application_name=other", "ready I"][..]),
        ("SET application_name = 'other'", &["SET", "ready I"]),
        (
            "SHOW application_name",
            &["columns application_name:25:0", "row other", "SHOW", "ready I"],
        ),
        ("RESET application_name", &["RESET", "application_name=app", "ready I"]),
        ("SET TIME ZONE 'UTC'", &["SET", "TimeZone=UTC", "ready I"]),
        ("show time zone", &["columns TimeZone:25:0", "row UTC", "SHOW", "ready I"]),
        ("SET CLIENT_ENCODING TO 'UTF8'", &["SET", "ready I"]),
        ("SET NAMES 'SQL_ASCII'", &["SET", "client_encoding=SQL_ASCII", "ready I"]),
        ("SET DATESTYLE TO 'ISO'", &["SET", "ready I"]),
        ("SET extra_float_digits = 3", &["SET", "ready I"]),
        ("SET SESSION search_path TO a, \"B\"", &["SET", "search_path=a, B", "ready I"]),
        ("SET LOCAL my.own = -1", &["SET", "ready I"]),
        ("SHOW my.own", &["columns my.own:25:0", "row -1", "SHOW", "ready I"]),
        ("SET search_path TO DEFAULT", &["SET", "search_path=\"$user\", public", "ready I"]),
        ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", &["SET", "ready I"]),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", &["SET", "ready I"]),
        ("RESET ALL", &["RESET", "TimeZone=Etc/UTC", "ready I"]),
        (
            "show transaction isolation level",
            &["columns transaction_isolation:25:0", "row read committed", "SHOW", "ready I"],
        ),
        (
            "show standard_conforming_strings",
            &["columns standard_conforming_strings:25:0", "row on", "SHOW", "ready I"],
        ),
        ("SHOW nothing_known", &["error 42704", "ready I"]),
        ("SET", &["error 42601", "ready I"]),
        ("SET x", &["error 42601", "ready I"]),
        ("SET x TO", &["error 42601", "ready I"]),
    ] {
        let mut answer = query(session, sql);
        // `RESET ALL` reports all that changed, in an order of its own.
        answer.retain(|word| sql != "RESET ALL" || !word.starts_with("client_encoding"));
        assert_eq!(answer, wanted, "{sql}");
    }
    assert!(query(session, "SHOW ALL").len() > 30);
}

#[test]
fn the_startup_options_count() {
    let options = "-c TimeZone=Europe/Berlin --search-path=a -cjit=off";
    let session = &mut session_with(&[("user", "any"), ("options", options)]);
    for (name, value) in [("TimeZone", "Europe/Berlin"), ("search_path", "a"), ("jit", "off")] {
        assert_eq!(query(session, &format!("SHOW {name}"))[1], format!("row {value}"));
    }
}

#[test]
fn the_housekeeping_of_the_drivers_is_answered() {
    let one = |column: &str, value: &str| {
        vec![format!("columns {column}:25:0"), format!("row {value}"), "SELECT 1".to_owned()]
    };
    let none = |columns: &str| vec![format!("columns {columns}"), "SELECT 0".to_owned()];
    let tags = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
    let version = concat!("PostgreSQL 18.4 (pgtls mock server ", env!("CARGO_PKG_VERSION"), ")");
    for (sql, wanted) in [
        // SQLAlchemy.
        ("select pg_catalog.version()", one("version", version)),
        ("select version()", one("version", version)),
        ("select current_schema()", one("current_schema", "public")),
        ("SELECT current_database() AS db", one("db", "postgres")),
        ("SELECT current_user", one("current_user", "any")),
        (
            "SELECT t.oid, typarray\nFROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid\n\
             WHERE typname = 'hstore';",
            none("oid:25:0 typarray:25:0"),
        ),
        // asyncpg, when a connection goes back to its pool.
        (
            "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;",
            [one("pg_advisory_unlock_all", ""), tags(&["CLOSE CURSOR ALL", "UNLISTEN", "RESET"])]
                .concat(),
        ),
        // asyncpg, before it looks up types.
        (
            "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new",
            tags(&["columns cur:25:0 new:25:0", "row on|off", "SELECT 1"]),
        ),
        // postgres.js.
        (
            "select b.oid, b.typarray from pg_catalog.pg_type a left join pg_catalog.pg_type b \
             on b.oid = a.typelem where a.typcategory = 'A' group by b.oid, b.typarray \
             order by b.oid",
            none("oid:25:0 typarray:25:0"),
        ),
        // pgjdbc, libpq's target_session_attrs, others.
        ("SELECT pg_catalog.pg_is_in_recovery()", {
            tags(&["columns pg_is_in_recovery:16:0", "row f", "SELECT 1"])
        }),
        ("SELECT count(*) FROM pg_class c WHERE true", none("count:25:0")),
        ("SELECT a::text, 'x' || b, (SELECT 1) AS c, CASE WHEN d THEN e END FROM t", {
            none("a:25:0 ?column?:25:0 c:25:0 case:25:0")
        }),
        ("WITH RECURSIVE r(a) AS (SELECT 1 FROM t) SELECT a, r.b FROM r", none("a:25:0 b:25:0")),
        ("DISCARD ALL", tags(&["DISCARD ALL"])),
        ("DISCARD TEMP", tags(&["DISCARD TEMP"])),
        ("DEALLOCATE ALL", tags(&["DEALLOCATE ALL"])),
        ("LISTEN channel", tags(&["LISTEN"])),
    ] {
        let mut answer = query(&mut session(), sql);
        assert_eq!(answer.pop().as_deref(), Some("ready I"), "{sql}");
        assert_eq!(answer, wanted, "{sql}");
    }
}

#[test]
fn what_is_not_done_here_has_the_right_code() {
    for (sql, code) in [
        ("COPY t FROM STDIN", "0A000"),
        ("INSERT INTO t VALUES (1)", "0A000"),
        ("CREATE TABLE t ()", "0A000"),
        ("EXPLAIN SELECT 1", "0A000"),
        ("COMMIT PREPARED 'x'", "0A000"),
        ("(SELECT 1)", "0A000"),
        ("SELEKT 1", "42601"),
        ("SELECT 1,", "42601"),
        ("SELECT (1", "42601"),
        ("SELECT 1)", "42601"),
        ("SELECT 'a", "42601"),
        ("'a'", "42601"),
        ("SELECT $1", "42P02"),
        ("DEALLOCATE nothing", "26000"),
    ] {
        let wanted = [format!("error {code}"), "ready I".to_owned()];
        assert_eq!(query(&mut session(), sql), wanted, "{sql}");
        assert_eq!(query(&mut session(), "SELECT 1").len(), 4, "and it lives on");
    }
}

#[test]
fn messages_that_are_not_known_are_refused_and_the_session_lives_on() {
    let session = &mut session();
    let malformed =
        |tag| Message::Malformed { tag, error: Error::Body { message: "x", wanted: "y" } };
    for (message, wanted) in [
        (Message::Unknown { tag: b'?', size: 0 }, &["error 08P01", "ready I"][..]),
        (Message::Proof(vec![0].into()), &["error 08P01", "ready I"]),
        (Message::FunctionCall(0), &["error 0A000", "ready I"]),
        (malformed(b'Q'), &["error 08P01", "ready I"]),
        (malformed(b'B'), &["error 08P01"]),
        (malformed(b'S'), &["error 08P01", "ready I"]),
        (Message::CopyDone, &[]),
        (Message::CopyData(0), &[]),
        (Message::CopyFail(String::new()), &[]),
        (Message::Flush, &[]),
    ] {
        assert_eq!(answer(session, std::slice::from_ref(&message)).0, wanted, "{message:?}");
    }
    assert_eq!(query(session, "SELECT 1").len(), 4);
    let respond = respond(session, &Message::Terminate, &mut Vec::new());
    assert_eq!(respond, Respond { flow: Flow::Close, query_seen: None });
}
