//! Values of numeric.

/// A number of any length, as numeric's text format writes it: no zero in front but one before the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal(String);

/// As many digits as a numeric may be declared with, and a point.
const MAX_DIGITS: usize = 1001;
/// The signs of `numeric_send`.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NOT_A_NUMBER: u16 = 0xc000;

impl Decimal {
    /// Digits with a sign and a point, or `NaN`; no exponent.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("nan") {
            return Some(Self("NaN".to_owned()));
        }
        let (is_negative, digits) = match text.strip_prefix(['-', '+']) {
            Some(digits) => (text.starts_with('-'), digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if digits.len() > MAX_DIGITS {
            return None;
        }
        let is_number = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
        let sign = if is_negative && !is_zero { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Some(Self(format!("{sign}{whole}{point}{fraction}")))
    }

    /// In the text format.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `numeric_send`: how many digits to the base of 10,000, the weight of the first, the sign, the
    /// number of decimal digits behind the point, the digits.
    pub(super) fn binary(&self) -> Vec<u8> {
        let (sign, digits) = match self.0.strip_prefix('-') {
            _ if self.0 == "NaN" => (NOT_A_NUMBER, ""),
            Some(digits) => (NEGATIVE, digits),
            None => (POSITIVE, self.0.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let missing = |length: usize| (4 - length % 4) % 4;
        let padded = format!(
            "{}{whole}{fraction}{}",
            "0".repeat(missing(whole.len())),
            "0".repeat(missing(fraction.len()))
        );
        let groups: Vec<i16> = padded
            .as_bytes()
            .chunks(4)
            .map(|group| {
                group.iter().fold(0, |number, digit| number * 10 + i16::from(digit - b'0'))
            })
            .collect();
        let before_point = whole.len().div_ceil(4);
        let leading = groups.iter().take_while(|group| **group == 0).count();
        let trailing = groups[leading..].iter().rev().take_while(|group| **group == 0).count();
        let groups = &groups[leading..groups.len() - trailing];
        let short = |number: usize| i16::try_from(number).unwrap_or(i16::MAX);
        let weight = if groups.is_empty() { 0 } else { short(before_point) - short(leading) - 1 };
        let head = [short(groups.len()), weight, sign.cast_signed(), short(fraction.len())];
        head.iter().chain(groups).flat_map(|number| number.to_be_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_as_postgresql_sends_them() {
        for (text, canonical, wanted) in [
            ("12345.678", "12345.678", &[3, 1, 0, 3, 1, 2345, 6780][..]),
            ("0", "0", &[0, 0, 0, 0]),
            ("-0.00", "0.00", &[0, 0, 0, 2]),
            ("+007", "7", &[1, 0, 0, 0, 7]),
            ("-10000", "-10000", &[1, 1, 0x4000, 0, 1]),
            (".00001", "0.00001", &[1, -2, 0, 5, 1000]),
            ("nan", "NaN", &[0, 0, 0xc000_u16.cast_signed(), 0]),
        ] {
            let decimal = Decimal::read(text).expect(text);
            assert_eq!(decimal.as_str(), canonical);
            let bytes = decimal.binary();
            let shorts: Vec<i16> =
                bytes.chunks(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]])).collect();
            assert_eq!(shorts, wanted, "{text}");
        }
        for text in ["", "-", ".", "1e3", "0x1", "1.2.3", "١"] {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
}
