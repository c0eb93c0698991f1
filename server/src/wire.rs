//! The wire format of protocol buffers, for messages of many samples: they are
//! written from the columns of an answer, without a struct for each sample.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};
use quarrel_proto::encoded::Encoded;

/// Appends a field of bytes: a text, or a message that is written already.
pub(crate) fn bytes(out: &mut Vec<u8>, tag: u32, bytes: &[u8]) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The size of a field of bytes with a tag below 16.
pub(crate) fn bytes_len(len: usize) -> usize {
    1 + encoded_len_varint(len as u64) + len
}

/// Appends a label: name = 1, value = 2.
pub(crate) fn label(out: &mut Vec<u8>, tag: u32, name: &str, value: &str) {
    encode_key(tag, WireType::LengthDelimited, out);
    let len = bytes_len(name.len()) + bytes_len(value.len());
    encode_varint(len as u64, out);
    bytes(out, 1, name.as_bytes());
    bytes(out, 2, value.as_bytes());
}

/// Appends a sample: value = 1, timestamp = 2. The value stands there even if it is
/// zero, so that a negative zero stays one.
pub(crate) fn sample(out: &mut Vec<u8>, tag: u32, timestamp: i64, value: f64) {
    encode_key(tag, WireType::LengthDelimited, out);
    // A key and eight bytes, a key and the time.
    let len = 10 + encoded_len_varint(timestamp as u64);
    encode_varint(len as u64, out);
    encode_key(1, WireType::SixtyFourBit, out);
    out.extend_from_slice(&value.to_le_bytes());
    encode_key(2, WireType::Varint, out);
    encode_varint(timestamp as u64, out);
}

/// A message with one field.
pub(crate) fn wrapped(tag: u32, message: &[u8]) -> Encoded {
    let len = message.len();
    let mut out = Vec::with_capacity(1 + encoded_len_varint(len as u64) + len);
    bytes(&mut out, tag, message);
    Encoded::new(out)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use quarrel_proto::samples::TimeSeries;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Vec::new();
        let long = "v".repeat(300);
        label(&mut out, 1, "a", "");
        label(&mut out, 1, "\u{fc}", &long);
        let samples = [(0, 0.0), (-1, -0.0), (i64::MAX, f64::INFINITY)];
        for (timestamp, value) in samples {
            sample(&mut out, 2, timestamp, value);
        }
        let series = TimeSeries::decode(&out[..]).unwrap();
        assert_eq!(series.labels.len(), 2);
        assert_eq!(series.labels[1].name, "\u{fc}".as_bytes());
        assert_eq!(series.labels[1].value, long.as_bytes());
        let read = series
            .samples
            .iter()
            .map(|s| (s.timestamp, s.value.to_bits()));
        let want = samples.map(|(timestamp, value)| (timestamp, value.to_bits()));
        assert!(read.eq(want));
    }
}
