//! Numbers at the boundaries of their fields.

use super::super::draw::Draw;

/// Lengths of frames and values: below nothing, below what a frame's own length takes, around the
/// limits of the integers that readers keep them in.
const LENGTHS: &[i32] = &[
    i32::MIN,
    -1_000_000,
    -5,
    -4,
    -3,
    -2,
    -1,
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    12,
    16,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0xff_ffff,
    0x100_0000,
    0x3fff_ffff,
    0x4000_0000,
    i32::MAX - 4,
    i32::MAX - 1,
    i32::MAX,
];

/// Counts, which are unsigned to some readers and signed to others.
const COUNTS: &[u16] = &[0, 1, 2, 3, 4, 16, 255, 256, 1664, 0x7fff, 0x8000, 0xfffe, 0xffff];

/// A length.
pub(in crate::fuzz) fn length(draw: &mut Draw) -> i32 {
    match draw.below(8) {
        0 => draw.any(),
        _ => draw.pick(LENGTHS),
    }
}

/// A length in place of the true one, where it is so: once in a few times.
pub(in crate::fuzz) fn other_length(draw: &mut Draw) -> Option<i32> {
    draw.one_in(6).then(|| length(draw))
}

/// A count in place of the true one, likewise.
pub(in crate::fuzz) fn other_count(draw: &mut Draw) -> Option<u16> {
    draw.one_in(6).then(|| draw.pick(COUNTS))
}

/// Four bytes of which a reader may make anything.
pub(in crate::fuzz) fn int32(draw: &mut Draw) -> i32 {
    match draw.below(4) {
        0 => draw.any(),
        _ => draw.pick(LENGTHS),
    }
}

/// Two bytes likewise.
pub(in crate::fuzz) fn int16(draw: &mut Draw) -> i16 {
    match draw.below(4) {
        0 => draw.any(),
        // As the bits are.
        _ => draw.pick(COUNTS).cast_signed(),
    }
}

/// How often something is repeated that is a flood.
pub(in crate::fuzz) fn flood(draw: &mut Draw) -> u32 {
    draw.pick(&[2, 3, 10, 100, 1_000, 5_000, 20_000])
}
