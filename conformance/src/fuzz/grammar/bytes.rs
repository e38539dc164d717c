//! Texts that break readers: without an end, with a NUL inside, in no encoding, of any size.

use pgtls_mock_server::script::value::Bytes;
use proptest::{collection::vec, prelude::any};

use super::super::draw::Draw;

/// Sizes around those of buffers.
const SIZES: &[usize] =
    &[63, 64, 65, 255, 256, 1_023, 1_024, 4_096, 8_192, 16_384, 32_767, 32_768, 65_536];
/// As large as a text gets, and still less than the mebibyte that `memory` and `busy` allow.
const LARGEST: usize = 1_000_000;

/// Texts with a meaning to somebody.
const WORDS: &[&str] = &[
    "",
    "a",
    " ",
    "0",
    "1",
    "-1",
    "on",
    "off",
    "UTF8",
    "LATIN1",
    "SQL_ASCII",
    "SJIS",
    "ISO, MDY",
    "postgres",
    "SELECT 1",
    "SELECT",
    "SELECT 18446744073709551616",
    "SELECT -1",
    "INSERT 0 1",
    "INSERT 0 99999999999999999999",
    "COPY 1",
    "BEGIN",
    "%s%n%x",
    "{user}",
    "{canary}",
    "\u{1f4a9}",
    "a\nb",
    "\u{0}",
    "a\u{0}b",
    "'; SELECT 2; --",
    "\\",
    "{",
    "18.4",
    "8.0",
    "7.3",
    "99999999999.0",
    "18beta1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "XX000",
    "28P01",
    "57P01",
    "00000",
    "FATAL",
    "ERROR",
    "PANIC",
    "WARNING",
    "?",
];

/// Bytes that are no UTF-8, or no longer where they are cut.
const NO_TEXT: &[&[u8]] = &[
    b"\xff",
    b"\xc3",
    b"\xc3\x28",
    b"\xe2\x82",
    b"\xf0\x9f\x92",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xfe\xff\x00\x41",
    b"a\xffb",
    b"\x80\x80\x80\x80",
];

/// A text of the protocol, or what stands where one should.
pub(in crate::fuzz) fn text(draw: &mut Draw) -> Bytes {
    match draw.below(16) {
        0..=9 => draw.pick(WORDS).into(),
        10 | 11 => draw.pick(NO_TEXT).into(),
        12 => draw.of("\\PC{0,12}").into(),
        13 => short(draw),
        _ => long(draw),
    }
}

/// A few bytes of any value.
pub(in crate::fuzz) fn short(draw: &mut Draw) -> Bytes {
    draw.of(vec(any::<u8>(), 0..16)).into()
}

/// Many of the same.
fn long(draw: &mut Draw) -> Bytes {
    let byte = draw.pick(b"a0 {\x00\xff\"\\");
    // The largest are rare: they take as long as a thousand others.
    let size = if draw.one_in(16) { LARGEST } else { draw.pick(SIZES) };
    vec![byte; size].into()
}
