//! The fields of an encoded message, for readers that make no message of it.
//!
//! The format is Protocol Buffers' wire format,
//! <https://protobuf.dev/programming-guides/encoding/>.

use thiserror::Error;

/// A message that is not encoded as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end before a field does.
    #[error("the message ends within a field")]
    Truncated,
    /// A number has more than 64 bits.
    #[error("a number of the message is longer than 64 bits")]
    Overlong,
    /// A field has the number 0, or one that is too large.
    #[error("{0} is no number of a field")]
    Number(u64),
    /// A field is encoded in a way that no message has any more.
    #[error("field {number} has the unknown wire type {wire_type}")]
    Type {
        /// The field.
        number: u32,
        /// How it is encoded.
        wire_type: u8,
    },
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers, booleans, enumerations; negative ones in two's complement.
    Varint(u64),
    /// Eight bytes, little endian.
    Fixed64(u64),
    /// Texts, bytes, messages, packed lists.
    Bytes(&'a [u8]),
    /// Four bytes, little endian.
    Fixed32(u32),
}

/// Iterates over the fields of a message: their numbers and values. After an error
/// there is nothing more.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a message.
    pub fn of(message: &'a [u8]) -> Self {
        Fields { rest: message }
    }

    #[inline]
    fn next_field(&mut self) -> Result<(u32, Value<'a>), WireError> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok();
        // 29 bits, as protobuf has it.
        let number = number.filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or(WireError::Number(key >> 3))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
                let (bytes, rest) = self
                    .rest
                    .split_at_checked(len)
                    .ok_or(WireError::Truncated)?;
                self.rest = rest;
                Value::Bytes(bytes)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            wire_type => {
                let wire_type = wire_type as u8;
                return Err(WireError::Type { number, wire_type });
            }
        };
        Ok((number, value))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        // Most are one byte long.
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        let mut value = 0;
        for (at, &byte) in self.rest.iter().take(10).enumerate() {
            if at == 9 && byte > 1 {
                return Err(WireError::Overlong);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(WireError::Truncated)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (array, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), WireError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.next_field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::labels::Label;
    use crate::store::{SeriesRequest, ShardInfo};

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, WireError> {
        Fields::of(bytes).collect()
    }

    #[test]
    fn messages_of_prost_are_read() {
        let request = SeriesRequest {
            min_time: -1,
            max_time: i64::MAX,
            skip_chunks: true,
            response_batch_size: 300,
            without_replica_labels: vec!["replica".into()],
            ..SeriesRequest::default()
        };
        let bytes = request.encode_to_vec();
        assert_eq!(
            fields(&bytes).unwrap(),
            [
                (1, Value::Varint(u64::MAX)),
                (2, Value::Varint(i64::MAX as u64)),
                (8, Value::Varint(1)),
                (14, Value::Bytes(b"replica")),
                (16, Value::Varint(300)),
            ]
        );
    }

    #[test]
    fn fixed_numbers_are_read() {
        let bytes = [0x09, 1, 0, 0, 0, 0, 0, 0, 2, 0x15, 3, 0, 0, 4];
        let fixed64 = Value::Fixed64(0x0200_0000_0000_0001);
        let fixed32 = Value::Fixed32(0x0400_0003);
        assert_eq!(fields(&bytes).unwrap(), [(1, fixed64), (2, fixed32)]);
    }

    #[test]
    fn damaged_messages_are_errors() {
        let over = [
            0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
        ];
        for (bytes, error) in [
            (&[0x08][..], WireError::Truncated),
            (&[0x08, 0x80], WireError::Truncated),
            (&[0x0a, 3, 1, 2], WireError::Truncated),
            (&[0x0d, 3, 1, 2], WireError::Truncated),
            (&[0x09, 3, 1, 2], WireError::Truncated),
            (&[0x00, 1], WireError::Number(0)),
            (&over, WireError::Overlong),
            (
                &[0x0b],
                WireError::Type {
                    number: 1,
                    wire_type: 3,
                },
            ),
        ] {
            assert_eq!(fields(bytes), Err(error), "{bytes:?}");
            assert_eq!(Fields::of(bytes).count(), 1, "{bytes:?}");
        }
        let large = [0x80, 0x80, 0x80, 0x80, 0x10, 1];
        assert_eq!(fields(&large), Err(WireError::Number(1 << 29)));
    }

    #[test]
    fn what_prost_reads_is_read_alike() {
        let shard = ShardInfo {
            shard_index: 1,
            total_shards: 2,
            by: true,
            labels: vec!["a".into(), String::new()],
        };
        let label = Label {
            name: "job".into(),
            value: "é".into(),
        };
        for whole in [shard.encode_to_vec(), label.encode_to_vec()] {
            for end in 0..=whole.len() {
                let cut = &whole[..end];
                let theirs = ShardInfo::decode(cut).is_ok() || Label::decode(cut).is_ok();
                assert_eq!(fields(cut).is_ok(), theirs, "{cut:?}");
            }
        }
    }
}
