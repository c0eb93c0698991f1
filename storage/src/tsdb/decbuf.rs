//! A cursor over untrusted bytes: varints, big-endian numbers, and frames of
//! length, content and checksum.
//!
//! The formats are those of Prometheus's `tsdb/encoding`; checksums are
//! CRC-32C (Castagnoli), big-endian.

/// Why bytes cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub(crate) &'static str);

const SHORT: DecodeError = DecodeError("ends too soon");
const LONG_VARINT: DecodeError = DecodeError("varint too long");
const CHECKSUM: DecodeError = DecodeError("checksum does not match");

/// A cursor over the bytes that are left.
#[derive(Clone, Copy, Debug)]
pub struct Decbuf<'a>(&'a [u8]);

impl<'a> Decbuf<'a> {
    /// A cursor at the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Decbuf(bytes)
    }

    /// The number of bytes that are left.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no byte is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.0.split_at_checked(n).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A byte.
    ///
    /// # Errors
    /// When none is left.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        let (byte, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*byte)
    }

    /// A big-endian number of four bytes.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn be32(&mut self) -> Result<u32, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// A big-endian number of eight bytes.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn be64(&mut self) -> Result<u64, DecodeError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*bytes))
    }

    /// An unsigned varint of 64 bits.
    ///
    /// # Errors
    /// When it does not end, or is too large.
    #[inline]
    pub fn uvarint64(&mut self) -> Result<u64, DecodeError> {
        // Most have one byte.
        if let Some((&byte, rest)) = self.0.split_first()
            && byte < 0x80
        {
            self.0 = rest;
            return Ok(u64::from(byte));
        }
        self.long_uvarint64()
    }

    fn long_uvarint64(&mut self) -> Result<u64, DecodeError> {
        // Up to eight bytes at once: those before the first that is below 0x80 have
        // seven bits each.
        const GOES_ON: u64 = 0x8080_8080_8080_8080;
        if let Some(bytes) = self.0.first_chunk() {
            let bytes = u64::from_le_bytes(*bytes);
            let ends = !bytes & GOES_ON;
            if ends != 0 {
                let length = ends.trailing_zeros() / 8 + 1;
                let sevens = bytes & (u64::MAX >> (64 - 8 * length)) & !GOES_ON;
                self.0 = &self.0[length as usize..];
                return Ok(joined(sevens));
            }
        }
        let mut value = 0;
        for (i, byte) in self.0.iter().enumerate() {
            if i == 9 && *byte > 1 {
                return Err(LONG_VARINT);
            }
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.0 = &self.0[i + 1..];
                return Ok(value);
            }
        }
        Err(SHORT)
    }

    /// An unsigned varint that fits 32 bits.
    ///
    /// # Errors
    /// When it does not end, or is too large.
    #[inline]
    pub fn uvarint32(&mut self) -> Result<u32, DecodeError> {
        u32::try_from(self.uvarint64()?).map_err(|_| LONG_VARINT)
    }

    /// A signed varint (zigzag).
    ///
    /// # Errors
    /// When it does not end, or is too large.
    #[inline]
    pub fn varint64(&mut self) -> Result<i64, DecodeError> {
        let x = self.uvarint64()?;
        Ok((x >> 1) as i64 ^ -((x & 1) as i64))
    }

    /// Bytes after their length as a varint.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn uvarint_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let n = usize::try_from(self.uvarint64()?).map_err(|_| SHORT)?;
        self.bytes(n)
    }
}

/// The number whose groups of seven bits are the bytes of `sevens`.
fn joined(sevens: u64) -> u64 {
    let pairs = sevens & 0x007f_007f_007f_007f | (sevens & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    fours & 0x0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4
}

/// Content with a checksum that has not been verified yet.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    content: &'a [u8],
    checksum: u32,
}

impl<'a> Framed<'a> {
    fn read(buf: &mut Decbuf<'a>, length: usize) -> Result<Self, DecodeError> {
        let content = buf.bytes(length)?;
        let checksum = buf.be32()?;
        Ok(Framed { content, checksum })
    }

    /// The frame at `offset`: length in four bytes, content, checksum.
    ///
    /// # Errors
    /// When `all` ends before the frame does.
    pub fn be32_at(all: &'a [u8], offset: u64) -> Result<Self, DecodeError> {
        let mut buf = at(all, offset)?;
        let length = buf.be32()? as usize;
        Framed::read(&mut buf, length)
    }

    /// The frame at `offset`: length as a varint, content, checksum.
    ///
    /// # Errors
    /// When `all` ends before the frame does.
    pub fn uvarint_at(all: &'a [u8], offset: u64) -> Result<Self, DecodeError> {
        let mut buf = at(all, offset)?;
        let length = buf.uvarint32()? as usize;
        Framed::read(&mut buf, length)
    }

    /// Verifies the checksum and returns the content.
    ///
    /// # Errors
    /// When the checksum does not match.
    pub fn checked(self) -> Result<&'a [u8], DecodeError> {
        if crc32c::crc32c(self.content) == self.checksum {
            Ok(self.content)
        } else {
            Err(CHECKSUM)
        }
    }

    /// The content, whose checksum the caller has verified before.
    pub fn unchecked(self) -> &'a [u8] {
        self.content
    }
}

/// A cursor at `offset`.
///
/// # Errors
/// When `all` ends before `offset`.
pub fn at(all: &[u8], offset: u64) -> Result<Decbuf<'_>, DecodeError> {
    let rest = usize::try_from(offset).ok().and_then(|o| all.get(o..));
    rest.map(Decbuf).ok_or(SHORT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uvarint(mut x: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while x >= 0x80 {
            out.push(x as u8 | 0x80);
            x >>= 7;
        }
        out.push(x as u8);
        out
    }

    proptest! {
        #[test]
        fn varints_come_back(x: u64, n in 0..64u32) {
            let x = x >> n;
            let bytes = uvarint(x);
            let mut buf = Decbuf::new(&bytes);
            prop_assert_eq!(buf.uvarint64(), Ok(x));
            prop_assert!(buf.is_empty());
            for end in 0..bytes.len() {
                prop_assert_eq!(Decbuf::new(&bytes[..end]).uvarint64(), Err(SHORT));
            }
            let signed = (x >> 1) as i64 ^ -((x & 1) as i64);
            prop_assert_eq!(Decbuf::new(&bytes).varint64(), Ok(signed));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, offset in 0..40u64) {
            let _ = Framed::be32_at(&bytes, offset).and_then(Framed::checked);
            let _ = Framed::uvarint_at(&bytes, offset).and_then(Framed::checked);
            let mut buf = Decbuf::new(&bytes);
            while buf.uvarint_bytes().is_ok() && !buf.is_empty() {}
        }
    }

    #[test]
    fn numbers_too_large_are_refused() {
        let mut long = [0xff; 10];
        assert_eq!(Decbuf::new(&long).uvarint64(), Err(LONG_VARINT));
        long[9] = 1;
        assert_eq!(Decbuf::new(&long).uvarint64(), Ok(u64::MAX));
        assert_eq!(Decbuf::new(&long).uvarint32(), Err(LONG_VARINT));
        assert_eq!(Decbuf::new(&long).uvarint_bytes(), Err(SHORT));
    }

    #[test]
    fn frames_are_checked() {
        let mut bytes = vec![9, 0, 0, 0, 3, 1, 2, 3];
        bytes.extend(crc32c::crc32c(&[1, 2, 3]).to_be_bytes());
        assert_eq!(
            Framed::be32_at(&bytes, 1).unwrap().checked(),
            Ok(&[1, 2, 3][..])
        );
        assert_eq!(
            Framed::uvarint_at(&bytes, 4).unwrap().checked(),
            Ok(&[1, 2, 3][..])
        );
        bytes[6] = 0;
        assert_eq!(Framed::be32_at(&bytes, 1).unwrap().checked(), Err(CHECKSUM));
        assert_eq!(Framed::be32_at(&bytes, 2).unwrap_err(), SHORT);
        assert_eq!(Framed::be32_at(&bytes, u64::MAX).unwrap_err(), SHORT);
    }
}
