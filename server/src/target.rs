//! The target of a request: its path and its query string, byte for byte.

use std::sync::Arc;

use axum::http::{Extensions, Uri};
use bytes::Bytes;

use crate::api::body::Room;

/// A target that hyper's type for URIs does not hold, since it is longer, or has
/// bytes that RFC 3986 wants escaped. It is an extension of its request.
#[derive(Clone, Debug)]
pub(crate) struct RawTarget {
    path: Bytes,
    query: Option<Bytes>,
    /// What the bytes hold.
    _room: Arc<Room>,
}

impl RawTarget {
    /// Splits a target as Go's `url.ParseRequestURI` does, which looks for no
    /// fragment; `None` if it has control characters, or begins with neither a
    /// slash nor a scheme.
    pub(crate) fn parse(target: Bytes, room: Room) -> Option<Self> {
        if target.iter().any(u8::is_ascii_control) {
            return None;
        }
        let (path, query) = match memchr::memchr(b'?', &target) {
            Some(at) => (target.slice(..at), Some(target.slice(at + 1..))),
            None => (target, None),
        };
        let path = match path.first() {
            Some(b'/') => path,
            _ => path.slice(after_authority(&path)?..),
        };
        Some(RawTarget {
            path,
            query,
            _room: Arc::new(room),
        })
    }
}

/// Where the path begins behind `scheme://host`.
fn after_authority(text: &[u8]) -> Option<usize> {
    let colon = memchr::memchr(b':', text)?;
    let (first, rest) = text[..colon].split_first()?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    if !first.is_ascii_alphabetic() || !rest.iter().all(is_scheme) {
        return None;
    }
    let begin = text[colon + 1..].strip_prefix(b"//").map(|_| colon + 3)?;
    Some(memchr::memchr(b'/', &text[begin..]).map_or(text.len(), |at| begin + at))
}

/// The path and the query string of a request, with their escapes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    uri: Uri,
    raw: Option<RawTarget>,
}

impl Target {
    pub(crate) fn of(uri: &Uri, extensions: &Extensions) -> Self {
        Target {
            uri: uri.clone(),
            raw: extensions.get().cloned(),
        }
    }

    pub(crate) fn path(&self) -> &[u8] {
        match &self.raw {
            Some(raw) => &raw.path,
            None => self.uri.path().as_bytes(),
        }
    }

    pub(crate) fn query(&self) -> Option<&[u8]> {
        match &self.raw {
            Some(raw) => raw.query.as_deref(),
            None => self.uri.query().map(str::as_bytes),
        }
    }
}
