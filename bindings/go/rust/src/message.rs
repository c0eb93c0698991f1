//! Messages: fields one after the other, little-endian, without padding.
//! Lists and texts have their length (32 bits) before them.

/// Why a message cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    /// A message that is not what it should be.
    #[error("malformed message at byte {at}: {what}")]
    Malformed {
        /// Where in the message.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// A list or a text whose length takes more than 32 bits.
    #[error("a part of the message is too long")]
    TooLong,
}

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
    pub fn len(&mut self, len: usize) -> Result<(), MessageError> {
        let len = u32::try_from(len).map_err(|_| MessageError::TooLong)?;
        self.u32(len);
        Ok(())
    }

    /// A text with its length.
    ///
    /// # Errors
    /// As [`Writer::len`].
    pub fn text(&mut self, text: &str) -> Result<(), MessageError> {
        self.len(text.len())?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// A list of texts.
    ///
    /// # Errors
    /// As [`Writer::len`].
    pub fn texts(&mut self, texts: &[String]) -> Result<(), MessageError> {
        self.len(texts.len())?;
        texts.iter().try_for_each(|text| self.text(text))
    }

    /// The fields of another message.
    pub fn append(&mut self, other: &Writer) {
        self.bytes.extend_from_slice(&other.bytes);
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

    fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.ended())?;
        self.rest = rest;
        Ok(*head)
    }

    fn ended(&self) -> MessageError {
        MessageError::Malformed {
            at: self.position(),
            what: "it ends early",
        }
    }

    pub fn u8(&mut self) -> Result<u8, MessageError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, MessageError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, MessageError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, MessageError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// So many bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], MessageError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.ended())?;
        self.rest = rest;
        Ok(head)
    }

    /// Goes on to the next multiple of 8.
    pub fn align(&mut self) -> Result<(), MessageError> {
        self.take(self.position().wrapping_neg() % 8)?;
        Ok(())
    }

    /// Bytes with their length.
    fn bytes(&mut self) -> Result<&'a [u8], MessageError> {
        let len = self.u32()? as usize;
        self.take(len)
    }

    /// A text with its length.
    pub fn text(&mut self) -> Result<&'a str, MessageError> {
        let at = self.position();
        let not_utf8 = |_| MessageError::Malformed {
            at,
            what: "a text is not UTF-8",
        };
        std::str::from_utf8(self.bytes()?).map_err(not_utf8)
    }

    /// Checks that the message ends here.
    pub fn end(&self) -> Result<(), MessageError> {
        if self.is_empty() {
            return Ok(());
        }
        Err(MessageError::Malformed {
            at: self.position(),
            what: "it goes on",
        })
    }
}
