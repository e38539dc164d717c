//! A cursor over the body of one message.

use super::error::Error;

/// Reads a body from its front; every failure names the message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'static str, body: &'a [u8]) -> Self {
        Self { message, rest: body }
    }

    pub(super) const fn error(&self, wanted: &'static str) -> Error {
        Error::Body { message: self.message, wanted }
    }

    pub(super) fn bytes(&mut self, count: usize, wanted: &'static str) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(self.error(wanted))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, wanted: &'static str) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(self.error(wanted))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn byte(&mut self, wanted: &'static str) -> Result<u8, Error> {
        self.array::<1>(wanted).map(|[byte]| byte)
    }

    pub(super) fn int16(&mut self, wanted: &'static str) -> Result<i16, Error> {
        self.array(wanted).map(i16::from_be_bytes)
    }

    pub(super) fn int32(&mut self, wanted: &'static str) -> Result<i32, Error> {
        self.array(wanted).map(i32::from_be_bytes)
    }

    /// A count of what follows: an Int16 that the protocol takes as unsigned (up to 65,535).
    pub(super) fn count(&mut self, wanted: &'static str) -> Result<usize, Error> {
        self.array(wanted).map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    /// A string up to its NUL. Bytes that are not UTF-8 are replaced: nothing here depends on them.
    pub(super) fn string(&mut self, wanted: &'static str) -> Result<String, Error> {
        self.text(wanted).map(|text| String::from_utf8_lossy(text).into_owned())
    }

    /// The bytes of a string up to its NUL.
    pub(super) fn text(&mut self, wanted: &'static str) -> Result<&'a [u8], Error> {
        let end = self.rest.iter().position(|&byte| byte == 0).ok_or(self.error(wanted))?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Ok(text)
    }

    /// An Int32 length and as many bytes; -1 stands for NULL.
    pub(super) fn nullable(&mut self, wanted: &'static str) -> Result<Option<&'a [u8]>, Error> {
        match self.int32(wanted)? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| self.error(wanted))?;
                self.bytes(length, wanted).map(Some)
            }
        }
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) const fn end(&self) -> Result<(), Error> {
        if self.is_empty() { Ok(()) } else { Err(self.error("nothing more")) }
    }
}
