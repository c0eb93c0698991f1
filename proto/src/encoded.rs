//! Messages that a server has encoded before it sends them, such as on other
//! threads than those that write.

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{DecodeContext, WireType, skip_field};
use prost::{DecodeError, Message};

/// The bytes of a message, of whatever type. It is sent as it is; what would be
/// read into it is skipped.
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
        skip_field(wire_type, tag, buffer, context)
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
    fn what_was_encoded_is_sent_as_it_is() {
        let message = HealthCheckRequest {
            service: "thanos.Store".into(),
        };
        let encoded = Encoded::of(&message);
        assert_eq!(encoded.encode_to_vec(), message.encode_to_vec());
        assert_eq!(encoded.encoded_len(), message.encoded_len());
        let read = HealthCheckRequest::decode(encoded.bytes().clone());
        assert_eq!(read.unwrap(), message);
        let skipped = Encoded::decode(encoded.bytes().clone()).unwrap();
        assert_eq!(skipped, Encoded::default());
    }
}
