//! Values of every type that a question may ask for, in both formats.

use super::*;

/// Each with its column's name and oid, its text, and what its `send` function of PostgreSQL writes.
const VALUES: [(&str, &str, u32, &str, &str); 18] = [
    ("7::int2", "int2", 21, "7", "0007"),
    ("1234567::int4", "int4", 23, "1234567", "0012d687"),
    ("1234567890123456789::int8", "int8", 20, "1234567890123456789", "112210f47de98115"),
    ("1.5::float4", "float4", 700, "1.5", "3fc00000"),
    ("2.25::float8", "float8", 701, "2.25", "4002000000000000"),
    ("12345.678::numeric", "numeric", 1700, "12345.678", "0003000100000003000109291a7c"),
    ("true::bool", "bool", 16, "t", "01"),
    (r"'\x00ff10'::bytea", "bytea", 17, r"\\x00ff10", "00ff10"),
    ("'text'::text", "text", 25, "text", "74657874"),
    (
        "'2024-02-29 12:34:56.789'::timestamp",
        "timestamp",
        1114,
        "2024-02-29 12:34:56.789",
        "0002b58341728608",
    ),
    (
        "'2024-02-29 12:34:56.789+00'::timestamptz",
        "timestamptz",
        1184,
        "2024-02-29 12:34:56.789+00",
        "0002b58341728608",
    ),
    ("'2024-02-29'::date", "date", 1082, "2024-02-29", "00002279"),
    (
        "'550e8400-e29b-41d4-a716-446655440000'::uuid",
        "uuid",
        2950,
        "550e8400-e29b-41d4-a716-446655440000",
        "550e8400e29b41d4a716446655440000",
    ),
    ("'{\"a\": 1}'::json", "json", 114, r#"{\"a\": 1}"#, "7b2261223a20317d"),
    ("'{\"a\": 1}'::jsonb", "jsonb", 3802, r#"{\"a\": 1}"#, "017b2261223a20317d"),
    (
        "'{1,NULL,3}'::int4[]",
        "int4",
        1007,
        "{1,NULL,3}",
        "0000000100000001000000170000000300000001000000040000000\
         1ffffffff0000000400000003",
    ),
    (
        "'{one,\"two words\"}'::text[]",
        "text",
        1009,
        r#"{one,\"two words\"}"#,
        "00000001000000000000001900000002000000010000000\
         36f6e650000000974776f20776f726473",
    ),
    (
        "'\"a\"=>\"1\", \"b\"=>NULL'::hstore",
        "hstore",
        16385,
        r#"\"a\"=>\"1\", \"b\"=>NULL"#,
        "0000000200000001610000000131000000016\
         2ffffffff",
    ),
];

#[test]
fn values_are_written_in_the_formats_of_their_types() {
    for (sql, name, oid, text, binary_hex) in VALUES {
        let sql = format!("SELECT 48151::int4, {sql}");
        let session = &mut session_for(parameters_of(&[("user", "any")]), Some(48151));
        let (words, seen) = answer(session, &[Message::Query(sql.clone())]);
        assert_eq!(words[0], format!("columns int4:23:0 {name}:{oid}:0"), "{sql}");
        assert_eq!(words[1], format!("row 48151|{text}"), "{sql}");
        assert_eq!(seen, [48151]);
        let messages = [parse("", &sql), binary(bind("", "")), execute("", 0), Message::Sync];
        let (words, seen) = answer(session, &messages);
        let bytes = data_encoding::HEXLOWER.decode(binary_hex.as_bytes()).expect(binary_hex);
        assert_eq!(words[2], format!(r"row \x00\x00\xbc\x17|{}", bytes.escape_ascii()), "{sql}");
        assert_eq!(seen, [48151]);
    }
}

#[test]
fn what_is_no_value_of_its_type_is_refused() {
    for (sql, code) in [
        ("'x'::uuid", "22P02"),
        ("'{1,x}'::int4[]", "22P02"),
        ("'{'::text[]", "22P02"),
        ("'{'::jsonb", "22P02"),
        ("'a'::hstore", "22P02"),
        ("'2024-02-30'::date", "22P02"),
        ("'1e5'::numeric", "22P02"),
        ("1e30::float8::int8", "22003"),
    ] {
        let answer = query(&mut session(), &format!("SELECT {sql}"));
        let refused = format!("error {code}");
        assert!(answer[0] == refused || sql.contains("1e30"), "{sql}: {answer:?}");
    }
    assert_eq!(query(&mut session(), "SELECT 1.5::int4, 2.5::int2")[1], "row 2|2");
    assert_eq!(query(&mut session(), "SELECT 1::bool, true::int4, true::text")[1], "row t|1|true");
}

/// What tokio-postgres and sqlx ask when an answer has a type that they do not know.
#[test]
fn a_type_of_an_extension_is_looked_up_by_its_oid() {
    let sql = "SELECT t.typname, t.typtype, t.typelem, r.rngsubtype, t.typbasetype, n.nspname, \
               t.typrelid\nFROM pg_catalog.pg_type t\nLEFT OUTER JOIN pg_catalog.pg_range r ON \
               r.rngtypid = t.oid\nINNER JOIN pg_catalog.pg_namespace n ON t.typnamespace = n.oid\n\
               WHERE t.oid = $1\n";
    let look_up = |oid: Option<u32>| {
        let bind = Message::Bind(Bind { parameters: 1, oid, ..bind("", "") });
        let messages = [parse("", sql), describe(""), bind, execute("", 0), Message::Sync];
        answer(&mut session(), &messages).0
    };
    let words = look_up(Some(16385));
    assert_eq!(words[1], "takes [26]");
    let columns = "typname:19:0 typtype:18:0 typelem:26:0 rngsubtype:26:0 typbasetype:26:0 \
                   nspname:19:0 typrelid:26:0";
    assert_eq!(words[2], format!("columns {columns}"));
    assert_eq!(words[4..6], ["row hstore|b|0|NULL|0|public|0", "SELECT 1"]);
    assert_eq!(look_up(Some(16390))[4], "row _hstore|b|16385|NULL|0|public|0");
    assert_eq!(look_up(Some(99))[4], "SELECT 0");
    assert_eq!(look_up(None)[4], "SELECT 0");
    let sql = "SELECT oid::regtype::text, typtype, typcategory, typrelid, typelem, typbasetype \
               FROM pg_catalog.pg_type WHERE oid = 16385";
    assert_eq!(query(&mut session(), sql)[1], "row hstore|b|U|0|0|0");
}
