//! The extended query protocol, as the drivers use it.

use super::*;

#[test]
fn extended_query_as_tokio_postgres_does_it() {
    let session = &mut session();
    let (words, seen) =
        answer(session, &[parse("s0", "SELECT 48151"), describe("s0"), Message::Sync]);
    assert_eq!(words, ["parsed", "takes []", "columns ?column?:23:0", "ready I"]);
    assert!(seen.is_empty(), "parsing is not running");
    let run = [binary(bind("", "s0")), execute("", 0), Message::Sync];
    let (words, seen) = answer(session, &run);
    assert_eq!(words, ["bound", r"row \x00\x00\xbc\x17", "SELECT 1", "ready I"]);
    assert_eq!(seen, [48151]);
    let close = Message::Close(Target::Statement("s0".to_owned()));
    let (words, _) = answer(session, &[close, Message::Sync]);
    assert_eq!(words, ["closed", "ready I"]);
    let (words, seen) = answer(session, &run);
    assert_eq!(words, ["error 26000", "ready I"]);
    assert!(seen.is_empty());
}

#[test]
fn a_row_limit_that_is_reached_suspends_the_portal() {
    let session = &mut session();
    let (words, seen) = answer(
        session,
        &[parse("", "SELECT 7"), Message::Bind(bind("", "")), execute("", 1), execute("", 1)],
    );
    assert_eq!(words, ["parsed", "bound", "row 7", "suspended", "SELECT 0"]);
    assert_eq!(seen, [7]);
    let (words, seen) = answer(session, &[execute("", 0), Message::Flush, Message::Sync]);
    assert_eq!(words, ["SELECT 0", "ready I"]);
    assert!(seen.is_empty());

    let (words, _) = answer(
        session,
        &[parse("", "SHOW ALL"), Message::Bind(bind("p", "")), execute("p", 2), execute("p", 3)],
    );
    assert_eq!(words.len(), 2 + 2 + 1 + 3 + 1);
    let (words, _) = answer(session, &[execute("p", 0)]);
    assert_eq!(words.last().map(String::as_str), Some("SHOW"));
}

#[test]
fn portals_have_names_formats_and_an_end() {
    let session = &mut session();
    let (words, _) = answer(
        session,
        &[
            parse("", "SELECT 1, 'x', NULL"),
            Message::Bind(Bind {
                result_formats: vec![Format::Binary, Format::Text, Format::Binary],
                ..bind("p", "")
            }),
            describe_portal("p"),
            execute("p", 0),
            Message::Close(Target::Portal("p".to_owned())),
            execute("p", 0),
            Message::Sync,
        ],
    );
    let columns = "columns ?column?:23:1 ?column?:25:0 ?column?:25:1";
    let row = r"row \x00\x00\x00\x01|x|NULL";
    let wanted = ["parsed", "bound", columns, row, "SELECT 1", "closed", "error 34000", "ready I"];
    assert_eq!(words, wanted);

    // A portal ends with its transaction; a statement does not.
    let bind = || Message::Bind(bind("p", "s"));
    answer(session, &[parse("s", "SELECT 1"), bind(), Message::Sync]);
    assert_eq!(answer(session, &[execute("p", 0), Message::Sync]).0[0], "error 34000");
    query(session, "BEGIN");
    answer(session, &[bind(), Message::Sync]);
    assert_eq!(answer(session, &[bind(), Message::Sync]).0[0], "error 42P03");
    query(session, "ROLLBACK");
    assert_eq!(answer(session, &[bind(), Message::Sync]).0[0], "bound");
}

#[test]
fn commands_run_by_extended_query_too() {
    let session = &mut session();
    let run = |session: &mut Session, sql: &str| {
        let messages = [
            parse("", sql),
            Message::Bind(bind("", "")),
            describe_portal(""),
            execute("", 1),
            Message::Sync,
        ];
        answer(session, &messages).0
    };
    for (sql, wanted) in [
        ("SET extra_float_digits = 3", &["no data", "SET", "ready I"][..]),
        ("SET application_name = 'x'", &["no data", "SET", "application_name=x", "ready I"]),
        (
            "SHOW application_name",
            &["columns application_name:25:0", "row x", "suspended", "ready I"],
        ),
        ("BEGIN", &["no data", "BEGIN", "ready T"]),
        ("COMMIT", &["no data", "COMMIT", "ready I"]),
        ("", &["no data", "empty", "ready I"]),
    ] {
        assert_eq!(run(session, sql)[2..], *wanted, "{sql}");
    }
    let messages =
        [parse("", "SET x = 1"), Message::Bind(bind("", "")), execute("", 0), execute("", 0)];
    assert_eq!(answer(session, &messages).0[3], "error 55000");
}

#[test]
fn after_an_error_all_is_skipped_up_to_sync() {
    let session = &mut session();
    let messages = [
        parse("", "SELEKT"),
        Message::Bind(bind("", "")),
        execute("", 0),
        Message::Query("SELECT 1".to_owned()),
        Message::Unknown { tag: b'?', size: 0 },
        Message::Flush,
        Message::Sync,
        Message::Sync,
    ];
    let (words, seen) = answer(session, &messages);
    assert_eq!(words, ["error 42601", "ready I", "ready I"]);
    assert!(seen.is_empty());

    query(session, "BEGIN");
    answer(session, &[describe("nothing"), Message::Sync]);
    let messages = [parse("", "SELECT 1"), Message::Sync, parse("", "COMMIT"), Message::Sync];
    let (words, _) = answer(session, &messages);
    assert_eq!(words, ["error 25P02", "ready E", "parsed", "ready E"]);
}

#[test]
fn statements_and_their_parameters_are_checked() {
    let session = &mut session();
    let (words, _) = answer(
        session,
        &[
            parse(
                "a",
                "SELECT oid FROM pg_type WHERE x = $2 AND y = any($1::oid[]) AND z = $3::int8",
            ),
            describe("a"),
            Message::Bind(bind("", "a")),
            Message::Sync,
            parse("a", "SELECT 1"),
            Message::Sync,
            parse("", "SELECT 1; SELECT 2"),
            Message::Sync,
        ],
    );
    let wanted = [
        "parsed",
        "takes [1028, 25, 20]",
        "columns oid:25:0",
        "error 08P01",
        "ready I",
        "error 42P05",
        "ready I",
        "error 42601",
        "ready I",
    ];
    assert_eq!(words, wanted);

    let full = Bind {
        parameters: 3,
        parameter_formats: vec![Format::Text],
        result_formats: vec![Format::Binary],
        ..bind("", "a")
    };
    let (words, _) = answer(session, &[Message::Bind(full.clone()), execute("", 1), Message::Sync]);
    assert_eq!(words, ["bound", "SELECT 0", "ready I"]);
    for wrong in [
        Bind { parameter_formats: vec![Format::Text; 2], ..full.clone() },
        Bind { result_formats: vec![Format::Text; 2], ..full },
    ] {
        assert_eq!(answer(session, &[Message::Bind(wrong), Message::Sync]).0[0], "error 08P01");
    }

    let given = Message::Parse {
        statement: String::new(),
        query: "SELECT $1, $2".to_owned(),
        parameter_types: vec![23, 0, 16],
    };
    let (words, _) = answer(session, &[given, describe("")]);
    assert_eq!(words[1], "takes [23, 25, 16]");
}
