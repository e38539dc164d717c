//! Values of columns: what decoders of text and binary are given.

use pgtls_mock_server::script::value::{Bytes, Value};

use super::{super::draw::Draw, bytes, number};
use crate::shim::ColumnType;

/// Texts at the boundaries of a type, the first a plain one.
fn texts(column: ColumnType) -> &'static [&'static str] {
    match column {
        ColumnType::Int2 => &["7", "-32768", "32767", "32768", "", "-", "1.5", "0x1", " 1"],
        ColumnType::Int4 => {
            &["7", "-2147483648", "2147483647", "2147483648", "", "-", "1e3", "0b1"]
        }
        ColumnType::Int8 => &[
            "7",
            "-9223372036854775808",
            "9223372036854775807",
            "9223372036854775808",
            "",
            "-",
            "18446744073709551616",
        ],
        ColumnType::Float4 | ColumnType::Float8 => &[
            "1.5",
            "NaN",
            "Infinity",
            "-Infinity",
            "1e999",
            "-0",
            "1e-999",
            "",
            "nan",
            "0x1p3",
            "1.",
        ],
        ColumnType::Numeric => &[
            "1.5",
            "NaN",
            "Infinity",
            "1e1000000000",
            "1E-1000000000",
            "",
            ".",
            "-",
            "1e9223372036854775808",
            "00000000000000000000000000000000000000000000000000000000000000001",
        ],
        ColumnType::Bool => &["t", "f", "", "true", "2", "T", "\u{0}"],
        ColumnType::Bytea => {
            &["\\x00ff", "\\x", "\\x0", "\\xgg", "\\", "\\400", "\\\\", "\\08", "abc", "\\x00f"]
        }
        ColumnType::Text => &["text", "", "\u{0}", "\u{1f4a9}", "{", "\u{feff}"],
        ColumnType::Timestamp | ColumnType::Timestamptz => &[
            "2024-01-02 03:04:05",
            "infinity",
            "-infinity",
            "294276-12-31 23:59:59.999999",
            "4713-01-01 00:00:00 BC",
            "2024-01-02 03:04:05+99:99",
            "0000-00-00 00:00:00",
            "99999999999-01-01 00:00:00",
            "",
            "2024-13-45 25:61:61",
            "2024-01-02 03:04:05.1234567890123",
            "2024-01-02 03:04:05-15:59:59",
            "2024-01-02T03:04:05Z",
            "2024-01-02 24:00:00",
        ],
        ColumnType::Date => &[
            "2024-01-02",
            "infinity",
            "-infinity",
            "5874897-12-31",
            "4713-01-01 BC",
            "2024-02-30",
            "",
            "0000-00-00",
            "1-1-1",
        ],
        ColumnType::Uuid => &[
            "00000000-0000-0000-0000-000000000001",
            "",
            "00000000",
            "{00000000-0000-0000-0000-000000000001}",
            "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
            "00000000-0000-0000-0000-0000000000001",
        ],
        ColumnType::Json | ColumnType::Jsonb => &[
            "{\"a\": [1, null]}",
            "",
            "{",
            "[",
            "nul",
            "1e999999",
            "\"\\ud800\"",
            "{\"__proto__\": {\"a\": 1}}",
            "\u{feff}{}",
            "{\"a\": 1, \"a\": 2}",
        ],
        ColumnType::Int4Array | ColumnType::TextArray => &[
            "{1,2}",
            "{}",
            "{",
            "}",
            "{{1},{2}}",
            "{1,",
            "{\"",
            "{\"\\",
            "[0:1]={1,2}",
            "[2147483647:-2147483648]={1}",
            "{NULL}",
            "{{{{{{{{1}}}}}}}}",
            "{1}{2}",
            "[1:1={1}",
            ",",
            "{,}",
            "[1]={1}",
            "{1,2}x",
        ],
        ColumnType::Hstore => &[
            "\"a\"=>\"1\"",
            "",
            "\"a\"=>NULL",
            "\"a\"",
            "\"a\"=>",
            "\"",
            "a=>b,",
            "\"a\"=>\"\\",
            "=>",
            "\"a\"=\"b\"",
        ],
    }
}

/// How many bytes a value has in binary, if always so many.
const fn size(column: ColumnType) -> Option<usize> {
    match column {
        ColumnType::Bool => Some(1),
        ColumnType::Int2 => Some(2),
        ColumnType::Int4 | ColumnType::Float4 | ColumnType::Date => Some(4),
        ColumnType::Int8 | ColumnType::Float8 | ColumnType::Timestamp | ColumnType::Timestamptz => {
            Some(8)
        }
        ColumnType::Uuid => Some(16),
        _ => None,
    }
}

/// A value of that type, or of none; its length may be another than its own.
pub(in crate::fuzz) fn value(draw: &mut Draw, column: ColumnType, binary: bool) -> Value {
    let bytes = match draw.below(12) {
        0 => None,
        1 => Some(bytes::text(draw)),
        2 => Some(bytes::short(draw)),
        3 => nested(draw, column, binary),
        _ if binary => Some(in_binary(draw, column).into()),
        _ => Some(draw.pick(texts(column)).into()),
    };
    Value { bytes, length: draw.one_in(8).then(|| number::length(draw)) }
}

/// As deep as arrays and JSON get: readers that call themselves have a stack that ends.
const DEPTHS: &[usize] = &[100, 1_000, 10_000, 200_000];

fn nested(draw: &mut Draw, column: ColumnType, binary: bool) -> Option<Bytes> {
    let open = match column {
        ColumnType::Int4Array | ColumnType::TextArray if !binary => "{",
        ColumnType::Json => draw.pick(&["[", "{\"a\":"]),
        ColumnType::Jsonb if !binary => "[",
        _ => return Some(bytes::text(draw)),
    };
    Some(open.repeat(draw.pick(DEPTHS)).into())
}

fn in_binary(draw: &mut Draw, column: ColumnType) -> Vec<u8> {
    if let Some(size) = size(column) {
        // Once in a while the size is another type's.
        let size =
            if draw.one_in(3) { draw.pick(&[0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 17]) } else { size };
        let fill = draw.pick(&[0x00_u8, 0x01, 0x7f, 0x80, 0xff]);
        let mut bytes = vec![fill; size];
        if draw.one_in(2)
            && let Some(first) = bytes.first_mut()
        {
            *first = draw.pick(&[0x00, 0x7f, 0x80, 0xff]);
        }
        return bytes;
    }
    match column {
        ColumnType::Numeric => numeric(draw),
        ColumnType::Int4Array | ColumnType::TextArray => array(draw, column),
        ColumnType::Hstore => hstore(draw),
        // Its version comes first.
        ColumnType::Jsonb => [&[draw.pick(&[1_u8, 0, 2, 255])][..], b"{\"a\": 1}"].concat(),
        _ => bytes::text(draw).0,
    }
}

/// `numeric_send`: digits, weight, sign, scale, and the digits to base 10,000.
fn numeric(draw: &mut Draw) -> Vec<u8> {
    let mut field = |honest: i16| if draw.one_in(3) { number::int16(draw) } else { honest };
    let header = [field(1), field(0), field(0), field(1)];
    let digits = [field(1), field(5000)];
    header.into_iter().chain(digits).flat_map(i16::to_be_bytes).collect()
}

/// `array_send`: dimensions, whether there are NULLs, the elements' type, of each dimension its size
/// and lower bound, and the elements, each with its length.
fn array(draw: &mut Draw, column: ColumnType) -> Vec<u8> {
    let element: &[u8] = if column == ColumnType::Int4Array { &[0, 0, 0, 7] } else { b"text" };
    let oid = if column == ColumnType::Int4Array { 23 } else { 25 };
    let mut field = |honest: i32| if draw.one_in(4) { number::int32(draw) } else { honest };
    let header = [field(1), field(0), field(oid), field(1), field(1), field(4)];
    let mut bytes: Vec<u8> = header.into_iter().flat_map(i32::to_be_bytes).collect();
    bytes.extend(element);
    bytes
}

/// `hstore_send`: how many pairs, and of each the key and the value with their lengths.
fn hstore(draw: &mut Draw) -> Vec<u8> {
    let mut field = |honest: i32| if draw.one_in(3) { number::int32(draw) } else { honest };
    let (pairs, key, value) = (field(1), field(1), field(1));
    [&pairs.to_be_bytes()[..], &key.to_be_bytes(), b"a", &value.to_be_bytes(), b"1"].concat()
}
