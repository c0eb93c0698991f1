//! Encoded messages: those that a server has encoded before it sends them, such as on
//! other threads than those that write, and those that a client reads itself.

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

/// The bytes of a message, of whatever type. It is sent as it is, and stays as it
/// comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded(Bytes);

impl Encoded {
    /// A message that is encoded already.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Encoded(bytes.into())
    }

    /// Encodes a message.
    pub fn of(message: &impl Message) -> Self {
        Encoded(message.encode_to_vec().into())
    }

    /// The message's bytes.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl Message for Encoded {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.0);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        // Within another message it has no bytes of its own.
        skip_field(wire_type, tag, buffer, context)
    }

    fn merge(&mut self, mut buffer: impl Buf) -> Result<(), DecodeError> {
        let more = buffer.copy_to_bytes(buffer.remaining());
        self.0 = match self.0.is_empty() {
            true => more,
            // Messages in a row are one, as protobuf has it.
            false => [&*self.0, &more].concat().into(),
        };
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0 = Bytes::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::HealthCheckRequest;

    #[test]
    fn what_was_encoded_is_sent_and_read_as_it_is() {
        let message = HealthCheckRequest {
            service: "thanos.Store".into(),
        };
        let encoded = Encoded::of(&message);
        assert_eq!(encoded.encode_to_vec(), message.encode_to_vec());
        assert_eq!(encoded.encoded_len(), message.encoded_len());
        let read = HealthCheckRequest::decode(encoded.bytes().clone());
        assert_eq!(read.unwrap(), message);
        let mut read = Encoded::decode(encoded.bytes().clone()).unwrap();
        assert_eq!(read, encoded);
        read.merge(&b"\x0a\x01b"[..]).unwrap();
        let read = HealthCheckRequest::decode(read.bytes().clone());
        assert_eq!(read.unwrap().service, "b");
    }
}
