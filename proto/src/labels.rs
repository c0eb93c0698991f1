//! Labels, and matchers of them.

/// A label. Both texts are UTF-8.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct Label {
    /// Its name.
    #[prost(bytes = "bytes", tag = "1")]
    pub name: ::prost::bytes::Bytes,
    /// Its value.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: ::prost::bytes::Bytes,
}

/// The labels of a series, sorted by name.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelSet {
    /// The labels.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
}

/// A matcher of a label's value.
#[derive(Clone, PartialEq, ::prost::Message)]
pub struct LabelMatcher {
    /// How the value is compared.
    #[prost(enumeration = "MatcherType", tag = "1")]
    pub r#type: i32,
    /// The label's name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// A value, or a regular expression.
    #[prost(string, tag = "3")]
    pub value: String,
}

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::prost::Enumeration)]
#[repr(i32)]
pub enum MatcherType {
    /// `=`
    Eq = 0,
    /// `!=`
    Neq = 1,
    /// `=~`
    Re = 2,
    /// `!~`
    Nre = 3,
}
