//! Values of date, timestamp and timestamptz, under the date style ISO.

use time::{Date, Month};

/// The Julian day of the first day of 2000, from which PostgreSQL counts.
const EPOCH: i32 = 2_451_545;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;

/// Days since 2000 of `2024-02-29`.
pub(super) fn read_day(text: &str) -> Option<i32> {
    let mut parts = text.trim().splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    let month = Month::try_from(number(month)?).ok()?;
    let date = Date::from_calendar_date(i32::from(year.parse::<u16>().ok()?), month, number(day)?);
    Some(date.ok()?.to_julian_day() - EPOCH)
}

/// Microseconds since 2000 of `2024-02-29 12:34:56.789`, and in UTC where a zone follows.
pub(super) fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let Some((day, time)) = text.split_once([' ', 'T']) else {
        return Some(i64::from(read_day(text)?) * DAY);
    };
    let time = time.trim();
    let zone = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let of_day = seconds(time)? * SECOND + microseconds(fraction)?;
    let offset = match zone.split_at_checked(1) {
        None | Some(("Z", "")) => 0,
        Some(("+", ahead)) => seconds(ahead)?,
        Some(("-", behind)) => -seconds(behind)?,
        Some(_) => return None,
    };
    Some(i64::from(read_day(day)?) * DAY + of_day - offset * SECOND)
}

/// Hours, minutes and seconds, as many of them as there are.
fn seconds(text: &str) -> Option<i64> {
    let mut parts = [0; 3];
    for (index, part) in text.split(':').enumerate() {
        *parts.get_mut(index)? = number(part)?;
    }
    let [hours, minutes, seconds] = parts;
    if hours > 24 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some((i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds))
}

fn microseconds(fraction: &str) -> Option<i64> {
    if fraction.len() > 6 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    format!("{fraction:0<6}").parse().ok()
}

fn number(digits: &str) -> Option<u8> {
    if digits.starts_with('+') { None } else { digits.parse().ok() }
}

/// As date's text format writes it.
pub(super) fn day_text(days: i32) -> String {
    match Date::from_julian_day(days.saturating_add(EPOCH)) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()),
        // No day that was read is outside of the calendar.
        Err(_) => "infinity".to_owned(),
    }
}

/// As timestamp's text format writes it; with the zone of UTC for timestamptz.
pub(super) fn text(microseconds: i64, with_zone: bool) -> String {
    let (days, of_day) = (microseconds.div_euclid(DAY), microseconds.rem_euclid(DAY));
    let (seconds, fraction) = (of_day / SECOND, of_day % SECOND);
    let day = day_text(i32::try_from(days).unwrap_or(i32::MAX));
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let mut text = format!("{day} {hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction != 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    if with_zone {
        text.push_str("+00");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_and_written_as_postgresql_does_it() {
        for (given, read_as, written) in [
            ("2000-01-01 00:00:00", 0, "2000-01-01 00:00:00"),
            ("1999-12-31T23:59:59.5", -500_000, "1999-12-31 23:59:59.5"),
            ("2000-01-01 02:30:00+02:30", 0, "2000-01-01 00:00:00"),
            ("2000-01-02", DAY, "2000-01-02 00:00:00"),
            ("2024-02-29 12:34:56.789+00", 762_525_296_789_000, "2024-02-29 12:34:56.789"),
        ] {
            assert_eq!(read(given), Some(read_as), "{given}");
            assert_eq!(text(read_as, false), written);
        }
        assert_eq!(text(0, true), "2000-01-01 00:00:00+00");
        assert_eq!(read_day("2024-02-29").map(day_text).as_deref(), Some("2024-02-29"));
        for wrong in
            ["", "x", "2023-02-29", "2000-01-01 25:00", "2000-01-01 00:00 x", "99999-01-01"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
