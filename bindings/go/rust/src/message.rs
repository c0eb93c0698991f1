//! Messages: fields one after the other, little-endian, without padding.
//! Lists and texts have their length (32 bits) before them.

use crate::failure::Failure;

/// Writes a message.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn i32(&mut self, value: i32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }

    /// The length of what follows.
    ///
    /// # Errors
    /// When it takes more than 32 bits.
    pub fn len(&mut self, len: usize) -> Result<(), Failure> {
        let len = u32::try_from(len).map_err(|_| Failure::TooLong)?;
        self.u32(len);
        Ok(())
    }

    /// A text with its length.
    ///
    /// # Errors
    /// As [`Writer::len`].
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.len(text.len())?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// A list of texts.
    ///
    /// # Errors
    /// As [`Writer::len`].
    pub fn texts(&mut self, texts: &[String]) -> Result<(), Failure> {
        self.len(texts.len())?;
        texts.iter().try_for_each(|text| self.text(text))
    }

    /// The fields of another message.
    pub fn append(&mut self, other: &Writer) {
        self.bytes.extend_from_slice(&other.bytes);
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a message.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    whole: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader {
            rest: bytes,
            whole: bytes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are read.
    pub fn position(&self) -> usize {
        self.whole - self.rest.len()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.ended())?;
        self.rest = rest;
        Ok(*head)
    }

    fn ended(&self) -> Failure {
        Failure::Malformed {
            at: self.position(),
            what: "it ends early",
        }
    }

    pub fn u8(&mut self) -> Result<u8, Failure> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, Failure> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, Failure> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, Failure> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Bytes with their length.
    pub fn bytes(&mut self) -> Result<&'a [u8], Failure> {
        let len = self.u32()? as usize;
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.ended())?;
        self.rest = rest;
        Ok(head)
    }

    /// A text with its length.
    pub fn text(&mut self) -> Result<&'a str, Failure> {
        let at = self.position();
        let not_utf8 = |_| Failure::Malformed {
            at,
            what: "a text is not UTF-8",
        };
        std::str::from_utf8(self.bytes()?).map_err(not_utf8)
    }

    /// The message ends here.
    pub fn end(&self) -> Result<(), Failure> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Failure::Malformed {
            at: self.position(),
            what: "it goes on",
        })
    }
}
