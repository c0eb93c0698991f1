//! Messages in protobuf's encoding. Fields with zero values are left out, as in
//! proto3.

/// A message that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// How the bytes of a field are told.
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
}

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire: Wire) {
        self.varint(u64::from(field) << 3 | wire as u64);
    }

    /// `bytes`, `string`, or another message; also if it is empty.
    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, Wire::Bytes);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Another message.
    pub(super) fn message(&mut self, field: u32, message: Message) {
        self.bytes(field, &message.0);
    }

    /// `int64`, `uint32`, an enum.
    pub(super) fn int(&mut self, field: u32, value: i64) {
        if value != 0 {
            self.tag(field, Wire::Varint);
            self.varint(value as u64);
        }
    }

    /// `sint32`.
    pub(super) fn signed(&mut self, field: u32, value: i32) {
        let value = i64::from(value);
        self.int(field, (value << 1) ^ (value >> 63));
    }

    /// `double`, a zero left out.
    pub(super) fn double(&mut self, field: u32, value: f64) {
        if value.to_bits() != 0 {
            self.double_or_zero(field, value);
        }
    }

    /// A `double` of a `oneof`, whose zero counts.
    pub(super) fn double_or_zero(&mut self, field: u32, value: f64) {
        self.tag(field, Wire::Fixed64);
        self.0.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// `repeated double`.
    pub(super) fn doubles(&mut self, field: u32, values: &[f64]) {
        if !values.is_empty() {
            let bytes = values
                .iter()
                .flat_map(|value| value.to_bits().to_le_bytes());
            self.bytes(field, &bytes.collect::<Vec<u8>>());
        }
    }

    /// `repeated uint32`.
    pub(super) fn uints(&mut self, field: u32, values: &[u32]) {
        let mut inner = Message::default();
        for value in values {
            inner.varint(u64::from(*value));
        }
        if !values.is_empty() {
            self.bytes(field, &inner.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples are of protobuf's documentation of its encoding.
    #[test]
    fn fields_are_encoded() {
        let bytes = |write: fn(&mut Message)| {
            let mut message = Message::default();
            write(&mut message);
            message.into_bytes()
        };
        assert_eq!(bytes(|m| m.int(1, 150)), [0x08, 0x96, 0x01]);
        let testing = [0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g'];
        assert_eq!(bytes(|m| m.bytes(2, b"testing")), testing);
        let packed = [0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5];
        assert_eq!(bytes(|m| m.uints(6, &[3, 270, 86942])), packed);
        assert_eq!(bytes(|m| m.signed(1, -2)), [0x08, 3]);
        assert_eq!(
            bytes(|m| m.signed(1, i32::MIN)),
            [0x08, 255, 255, 255, 255, 15]
        );
        assert_eq!(bytes(|m| m.int(1, -1)).len(), 11);
        assert_eq!(
            bytes(|m| m.double(1, 1.0)),
            [0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
        );
        assert_eq!(bytes(|m| m.double(1, -0.0)).len(), 9);
        assert_eq!(bytes(|m| m.doubles(1, &[1.0, 0.0])).len(), 18);
        assert!(bytes(|m| m.int(1, 0)).is_empty());
        assert!(bytes(|m| m.double(1, 0.0)).is_empty());
        assert!(bytes(|m| m.doubles(1, &[])).is_empty());
        assert_eq!(bytes(|m| m.double_or_zero(2, 0.0)).len(), 9);
    }
}
