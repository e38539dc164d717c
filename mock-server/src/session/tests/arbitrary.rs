//! Whatever comes, it is answered, and exhausts nothing.

use proptest::prelude::*;

use super::*;

#[test]
fn deep_and_long_statements_exhaust_nothing() {
    let deep = 100_000;
    for sql in [
        format!("SELECT {}1{}", "(".repeat(deep), ")".repeat(deep)),
        format!("SELECT {}1", "- ".repeat(deep)),
        format!("SELECT 1{}", "::int".repeat(deep)),
        format!("SELECT {}1{}", "cast(".repeat(deep), " as int)".repeat(deep)),
        format!("SELECT {}1", "1, ".repeat(deep)),
        format!("{}SELECT 1", "/*".repeat(deep)),
        "SELECT 1;".repeat(deep),
    ] {
        let answer = query(&mut session(), &sql);
        assert_eq!(answer.last().map(String::as_str), Some("ready I"), "{}", &sql[..40]);
    }
}

/// Texts that are nearly SQL, and some that are.
fn sql() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "SELECT",
            "select",
            "1",
            "48151",
            "AS",
            "x",
            "::",
            "int4",
            "'a'",
            "'",
            "\"",
            "$1",
            "$",
            ";",
            ",",
            "(",
            ")",
            "FROM",
            "t",
            "*",
            "BEGIN",
            "COMMIT",
            "ROLLBACK",
            "TO",
            "SAVEPOINT",
            "a",
            "SET",
            "SHOW",
            "=",
            "ALL",
            "DEALLOCATE",
            "DISCARD",
            "WITH",
            "CAST",
            "version",
            "pg_catalog",
            ".",
            "--",
            "\n",
            "/*",
            "*/",
            "$$",
            "-",
            "[",
            "]",
            "NULL",
            "end",
            "case",
        ])
        .prop_map(str::to_owned),
        ".{0,3}",
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "b"]).prop_map(str::to_owned)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![name().prop_map(Target::Statement), name().prop_map(Target::Portal)]
}

fn format() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::Binary)]
}

fn message() -> impl Strategy<Value = Message> {
    let formats = || prop::collection::vec(format(), 0..3);
    let bind = (name(), name(), formats(), 0..3_usize, formats());
    prop_oneof![
        4 => sql().prop_map(Message::Query),
        4 => (name(), sql(), prop::collection::vec(any::<u32>(), 0..3)).prop_map(
            |(statement, query, parameter_types)| Message::Parse { statement, query, parameter_types }
        ),
        4 => bind.prop_map(
            |(portal, statement, parameter_formats, parameters, result_formats)| {
                Message::Bind(Bind {
                    portal, statement, parameter_formats, parameters, result_formats, oid: None,
                })
            }
        ),
        4 => (name(), any::<i32>())
            .prop_map(|(portal, max_rows)| Message::Execute { portal, max_rows }),
        2 => target().prop_map(Message::Describe),
        2 => target().prop_map(Message::Close),
        4 => Just(Message::Sync),
        1 => prop::sample::select(vec![
            Message::Flush,
            Message::CopyDone,
            Message::CopyFail(String::new()),
            Message::CopyData(1),
        ]),
    ]
}

proptest! {
    #[test]
    fn any_messages_are_answered_and_each_round_is_ended_once(
        messages in prop::collection::vec(message(), 0..30),
    ) {
        let mut session = session();
        for message in messages {
            let skipped = session.skipping;
            let mut out = Vec::new();
            let respond = respond(&mut session, &message, &mut out);
            prop_assert_eq!(respond.flow, Flow::Continue);
            let words = words(&out);
            let ready = words.iter().filter(|word| word.starts_with("ready")).count();
            let ends_round = match message {
                Message::Sync => true,
                Message::Query(_) => !skipped,
                _ => false,
            };
            prop_assert_eq!(ready, usize::from(ends_round), "{:?}: {:?}", message, words);
            prop_assert!(ready == 0 || words.last().is_some_and(|word| word.starts_with("ready")));
            let rows = words.iter().any(|word| word.starts_with("row"));
            prop_assert!(respond.query_seen.is_none() || rows);
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut session = session();
        let mut rest = bytes.as_slice();
        while let Ok(Some((message, size))) = crate::protocol::frontend::message(rest) {
            let mut out = Vec::new();
            let _ = respond(&mut session, &message, &mut out);
            words(&out);
            rest = &rest[size..];
        }
    }
}
