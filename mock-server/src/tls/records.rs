//! Tells what of the client's bytes travels in TLS records, and what does not.

use super::alert;

/// The longest record that any version allows, without its header.
const MAX_RECORD: usize = (1 << 14) + 2048;

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    /// Bytes outside of TLS records.
    Clear(&'a [u8]),
    /// An alert that travels unencrypted.
    Alert(String),
}

/// Follows one direction of a connection, record by record, in whatever pieces it comes.
///
/// What does not look like the header of a record is clear, and so is everything after it.
#[derive(Debug, Default)]
pub(crate) struct Records {
    header: [u8; 5],
    header_size: usize,
    body_left: usize,
    alert: Option<u8>,
    clear: bool,
}

impl Records {
    /// Looks at the next bytes, and tells what stands in them.
    pub(crate) fn follow(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Seen<'_>)) {
        while !bytes.is_empty() {
            if self.clear {
                tell(Seen::Clear(bytes));
                return;
            }
            if self.body_left > 0 {
                let (body, rest) = bytes.split_at(self.body_left.min(bytes.len()));
                self.follow_alert(body, &mut tell);
                self.body_left -= body.len();
                bytes = rest;
                continue;
            }
            let (&byte, rest) = bytes.split_first().expect("there are bytes left");
            self.header[self.header_size] = byte;
            self.header_size += 1;
            bytes = rest;
            if !self.is_plausible() {
                self.clear = true;
                tell(Seen::Clear(&self.header[..self.header_size]));
            } else if self.header_size == self.header.len() {
                self.body_left = self.length();
                self.header_size = 0;
                self.alert = None;
            }
        }
    }

    fn length(&self) -> usize {
        usize::from(u16::from_be_bytes([self.header[3], self.header[4]]))
    }

    fn is_plausible(&self) -> bool {
        let header = &self.header[..self.header_size];
        header.first().is_none_or(|kind| (20..=24).contains(kind))
            && header.get(1).is_none_or(|&major| major == 3)
            && header.get(2).is_none_or(|&minor| minor <= 4)
            && (header.len() < 5 || self.length() <= MAX_RECORD)
    }

    /// An alert of two bytes is not encrypted: encryption makes it longer, or an application record.
    fn follow_alert(&mut self, body: &[u8], tell: &mut impl FnMut(Seen<'_>)) {
        if self.header[0] != 21 || self.length() != 2 {
            return;
        }
        for &byte in body {
            match self.alert.take() {
                None => self.alert = Some(byte),
                Some(level) => tell(Seen::Alert(alert::describe(level, byte))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(pieces: &[&[u8]]) -> (Vec<u8>, Vec<String>) {
        let mut records = Records::default();
        let (mut clear, mut alerts) = (Vec::new(), Vec::new());
        for piece in pieces {
            records.follow(piece, |seen| match seen {
                Seen::Clear(bytes) => clear.extend_from_slice(bytes),
                Seen::Alert(alert) => alerts.push(alert),
            });
        }
        (clear, alerts)
    }

    #[test]
    fn alerts_are_found_in_any_pieces() {
        let alert = alert::record(2, 48);
        let data = [23, 3, 3, 0, 3, 1, 2, 3];
        let bytes = [&data[..], &alert[..]].concat();
        for cut in 0..bytes.len() {
            let (clear, alerts) = follow(&[&bytes[..cut], &bytes[cut..]]);
            assert_eq!((clear, alerts), (vec![], vec!["fatal unknown_ca".to_owned()]), "{cut}");
        }
    }

    #[test]
    fn what_is_no_record_is_clear_from_there_on() {
        let bytes = [&[23, 3, 3, 0, 1, 9][..], &[22, 3, 9], b"secret", &[23, 3, 3, 0, 0]].concat();
        for cut in 0..bytes.len() {
            let (clear, _) = follow(&[&bytes[..cut], &bytes[cut..]]);
            assert_eq!(clear, bytes[6..], "{cut}");
        }
        assert_eq!(follow(&[&[0, 0, 0, 8]]).0, [0, 0, 0, 8]);
    }

    #[test]
    fn encrypted_alerts_are_not_read() {
        assert_eq!(follow(&[&[21, 3, 3, 0, 3, 2, 48, 0]]), (vec![], vec![]));
    }
}
