//! A cursor over the bytes of a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(&'static str);
#[derive(Debug)]
pub struct Decbuf<'a>(&'a [u8]);
impl<'a> Decbuf<'a> {
    pub fn new(b: &'a [u8]) -> Self {
        Decbuf(b)
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    #[inline]
    pub fn be64(&mut self) -> Result<u64, DecodeError> {
        let (a, b) = self
            .0
            .split_first_chunk::<8>()
            .ok_or(DecodeError("ends too soon"))?;
        self.0 = b;
        Ok(u64::from_be_bytes(*a))
    }
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        let (a, b) = self.0.split_first().ok_or(DecodeError("ends too soon"))?;
        self.0 = b;
        Ok(*a)
    }
    #[inline]
    pub fn uvarint64(&mut self) -> Result<u64, DecodeError> {
        let mut x = 0u64;
        for (i, b) in self.0.iter().enumerate() {
            if i == 9 && *b > 1 {
                return Err(DecodeError("varint too long"));
            }
            x |= u64::from(b & 0x7f) << (7 * i);
            if b & 0x80 == 0 {
                self.0 = &self.0[i + 1..];
                return Ok(x);
            }
        }
        Err(DecodeError("ends too soon"))
    }
    #[inline]
    pub fn varint64(&mut self) -> Result<i64, DecodeError> {
        let x = self.uvarint64()?;
        Ok((x >> 1) as i64 ^ -((x & 1) as i64))
    }
    pub fn uvarint_bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let n = self.uvarint64()?;
        if n > self.0.len() as u64 {
            return Err(DecodeError("ends too soon"));
        }
        let (a, b) = self.0.split_at(n as usize);
        self.0 = b;
        Ok(a)
    }
}
