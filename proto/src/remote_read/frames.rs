//! Frames of an answer with chunks: the length of a message as a varint, its CRC-32C in
//! big-endian order, and the message.

use prost::bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use prost::encoding::{encode_varint, encoded_len_varint};

/// Bytes of a checksum.
const CHECKSUM: usize = 4;
/// Bytes of the longest length.
const LONGEST_LENGTH: usize = 10;

/// Why bytes are not frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A length is no number.
    #[error("the length of a frame has more than 64 bits")]
    Length,
    /// A message is longer than allowed.
    #[error("a frame of {size} bytes exceeds the limit of {limit} bytes")]
    TooLarge {
        /// Its length.
        size: u64,
        /// The longest that is allowed.
        limit: u64,
    },
    /// The checksum is that of other bytes.
    #[error("corrupt frame: checksum mismatch")]
    Checksum,
    /// The bytes end within a frame.
    #[error("the answer ends within a frame")]
    Truncated,
}

/// Appends a message as a frame; nothing if it is empty, as in Prometheus.
pub fn write(message: &[u8], out: &mut Vec<u8>) {
    if message.is_empty() {
        return;
    }
    let length = message.len() as u64;
    out.reserve(encoded_len_varint(length) + CHECKSUM + message.len());
    encode_varint(length, out);
    out.put_u32(crc32c::crc32c(message));
    out.extend_from_slice(message);
}

/// Finds the frames in bytes that come in pieces.
///
/// # Examples
/// ```
/// use quarrel_proto::remote_read::frames::{Frames, write};
///
/// let mut sent = Vec::new();
/// write(b"message", &mut sent);
/// let mut frames = Frames::new(1000);
/// frames.push(&sent[..5]);
/// assert_eq!(frames.next_frame(), Ok(None));
/// frames.push(&sent[5..]);
/// assert_eq!(frames.next_frame(), Ok(Some("message".into())));
/// assert_eq!(frames.finish(), Ok(()));
/// ```
#[derive(Debug)]
pub struct Frames {
    buffer: BytesMut,
    limit: u64,
}

impl Frames {
    /// Of messages of at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Frames {
            buffer: BytesMut::new(),
            limit,
        }
    }

    /// Takes in what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their frame.
    pub fn waiting(&self) -> usize {
        self.buffer.len()
    }

    /// The message of the next frame; `None` if it is not whole yet.
    ///
    /// # Errors
    /// When the bytes are no frame. What follows is then of no use.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some((size, at)) = self.length()? else {
            return Ok(None);
        };
        if size > self.limit {
            let limit = self.limit;
            return Err(FrameError::TooLarge { size, limit });
        }
        let begin = at + CHECKSUM;
        // At most the limit.
        let Some(end) = usize::try_from(size)
            .ok()
            .and_then(|s| begin.checked_add(s))
        else {
            return Err(FrameError::Length);
        };
        if self.buffer.len() < end {
            return Ok(None);
        }
        self.buffer.advance(at);
        let checksum = self.buffer.get_u32();
        let message = self.buffer.split_to(end - begin).freeze();
        match crc32c::crc32c(&message) == checksum {
            true => Ok(Some(message)),
            false => Err(FrameError::Checksum),
        }
    }

    /// The length at the beginning, and where it ends; `None` if it is not whole.
    fn length(&self) -> Result<Option<(u64, usize)>, FrameError> {
        let mut size = 0u64;
        for (at, &byte) in self.buffer.iter().take(LONGEST_LENGTH).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if at == LONGEST_LENGTH - 1 && byte > 1 {
                return Err(FrameError::Length);
            }
            size |= bits << (7 * at);
            if byte < 0x80 {
                return Ok(Some((size, at + 1)));
            }
        }
        Ok(None)
    }

    /// There is no more to come.
    ///
    /// # Errors
    /// When a frame has begun.
    pub fn finish(&self) -> Result<(), FrameError> {
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(FrameError::Truncated),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(frames: &mut Frames) -> Result<Vec<Bytes>, FrameError> {
        let mut messages = Vec::new();
        while let Some(message) = frames.next_frame()? {
            messages.push(message);
        }
        Ok(messages)
    }

    #[test]
    fn prometheus_writes_the_same_bytes() {
        let mut out = Vec::new();
        write(b"test1", &mut out);
        write(b"", &mut out);
        // The checksum of Go's hash/crc32 with Castagnoli's polynomial.
        assert_eq!(out, b"\x05\x53\xfe\x1f\x55test1"[..].to_vec());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let mut sent = Vec::new();
        write(b"message", &mut sent);
        let read = |bytes: &[u8], limit| {
            let mut frames = Frames::new(limit);
            frames.push(bytes);
            all(&mut frames)?;
            frames.finish()
        };
        assert_eq!(read(&sent, 7), Ok(()));
        assert_eq!(
            read(&sent, 6),
            Err(FrameError::TooLarge { size: 7, limit: 6 })
        );
        assert_eq!(read(&sent[..11], 7), Err(FrameError::Truncated));
        assert_eq!(read(&[0x80; 10], 7), Err(FrameError::Length));
        assert_eq!(read(&[0xff; 11], u64::MAX), Err(FrameError::Length));
        sent[6] ^= 1;
        assert_eq!(read(&sent, 7), Err(FrameError::Checksum));
        // A length that no machine has.
        let mut huge = Vec::new();
        encode_varint(u64::MAX, &mut huge);
        assert_eq!(read(&huge, u64::MAX), Err(FrameError::Length));
    }

    proptest! {
        #[test]
        fn frames_are_read_however_they_are_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8),
            cut in 1usize..50,
        ) {
            let mut sent = Vec::new();
            messages.iter().for_each(|message| write(message, &mut sent));
            let mut frames = Frames::new(300);
            let mut read = Vec::new();
            for piece in sent.chunks(cut) {
                frames.push(piece);
                read.extend(all(&mut frames).unwrap());
            }
            prop_assert_eq!(frames.finish(), Ok(()));
            prop_assert_eq!(read, messages);
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), limit in any::<u64>()) {
            let mut frames = Frames::new(limit);
            frames.push(&bytes);
            if let Ok(messages) = all(&mut frames) {
                prop_assert!(messages.iter().map(Bytes::len).sum::<usize>() <= bytes.len());
            }
        }
    }
}
