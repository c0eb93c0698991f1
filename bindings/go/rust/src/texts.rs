//! Texts as C sees them: pointers with lengths.

/// Text with its length, without a zero behind it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Text {
    pub(crate) data: *const u8,
    pub(crate) len: usize,
}

/// A label, or a matcher, whose kind is then told by `op`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LabelText {
    pub(crate) name: Text,
    pub(crate) value: Text,
}

/// A matcher of a select.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct MatcherText {
    pub(crate) op: i32,
    pub(crate) label: LabelText,
}

/// What C was told of a select; the pointers are to the query's message.
#[derive(Debug, Default)]
pub(crate) struct Told(pub Vec<MatcherText>);

// SAFETY: the pointers are not followed here, and C follows them while the message
// is there.
unsafe impl Send for Told {}

/// A text, which has to stay where it is.
pub(crate) fn text_of(text: &[u8]) -> Text {
    Text {
        data: text.as_ptr(),
        len: text.len(),
    }
}
