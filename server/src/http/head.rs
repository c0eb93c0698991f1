//! Heads of requests that hyper does not take: its URIs have at most 65,534 bytes
//! and not each of those that clients send without escaping them, and its heads at
//! most 100 lines. Such a head is made shorter, and what it said stands beside it.

use std::ops::Range;

use axum::http::Method;
use bytes::Bytes;

use super::refusal::Refusal;
use crate::api::body::Room;
use crate::target::RawTarget;

/// The largest size of a head, bytes, as in Go.
pub(super) const MAX_HEAD: usize = (1 << 20) + 4096;
/// The longest target that hyper gets.
const MAX_TARGET: usize = 16 << 10;
/// The largest size of a head that hyper gets.
const MAX_PLAIN: usize = 96 << 10;
/// The most header lines that hyper gets, its own limit.
const MAX_LINES: usize = 100;

/// The headers that mean something to the server. Of a head that is too large for
/// hyper only these stay.
static MEANT: [&str; 11] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "expect",
    "accept",
    "accept-encoding",
    "authorization",
    "content-type",
    "origin",
    "x-prometheus-use-start-timestamps",
];

/// What hyper gets, and what stands beside it.
#[derive(Debug)]
pub(super) enum Head {
    /// The head as it came.
    Plain,
    Shortened(Vec<u8>, Option<RawTarget>),
    Refused(Refusal),
}

/// Where a head ends, behind its empty line. `from` is where to look from on.
pub(super) fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let from = from.min(bytes.len());
    memchr::memchr_iter(b'\n', &bytes[from..]).find_map(|at| {
        let next = from + at + 1;
        match &bytes[next..] {
            [b'\n', ..] => Some(next + 1),
            [b'\r', b'\n', ..] => Some(next + 2),
            _ => None,
        }
    })
}

/// Where the target stands in a request's first line, and where this ends, if it
/// has the parts that it should.
fn parts(head: &[u8]) -> Option<(Range<usize>, usize)> {
    let end = memchr::memchr(b'\n', head)? + 1;
    let line = &head[..end];
    let begin = memchr::memchr(b' ', line)? + 1;
    let behind = begin + memchr::memchr(b' ', &line[begin..])?;
    let version = line[behind + 1..].strip_prefix(b"HTTP/")?;
    let is_version = matches!(
        version,
        [major, b'.', minor, b'\n'] | [major, b'.', minor, b'\r', b'\n']
            if major.is_ascii_digit() && minor.is_ascii_digit()
    );
    let is_method = Method::from_bytes(&line[..begin - 1]).is_ok();
    (is_version && is_method && behind > begin).then_some((begin..behind, end))
}

/// Whether hyper reads a byte of a target as Go does: those of RFC 3986 without
/// `#`, which is no fragment in a request.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=%[]".contains(&byte)
}

/// What hyper gets of a complete head. `room` is what the head holds.
pub(super) fn examine(head: &[u8], room: impl FnOnce() -> Room) -> Head {
    let malformed = Head::Refused(Refusal::Malformed);
    let Some((place, first)) = parts(head) else {
        return malformed;
    };
    let (target, lines) = (&head[place.clone()], &head[first..]);
    let is_raw = target.len() > MAX_TARGET || !target.iter().copied().all(is_plain);
    let is_large = head.len() - target.len() > MAX_PLAIN
        || memchr::memchr_iter(b'\n', lines).count() > MAX_LINES + 1;
    let mut meant = Vec::new();
    for line in lines.split_inclusive(|&byte| byte == b'\n') {
        match name(line) {
            Some(name) if is_large && is_meant(name) => meant.extend_from_slice(line),
            Some(_) => {}
            None => return malformed,
        }
    }
    if !is_raw && !is_large {
        return Head::Plain;
    }
    let raw = match is_raw {
        true => match RawTarget::parse(Bytes::copy_from_slice(target), room()) {
            Some(target) => Some(target),
            None => return malformed,
        },
        false => None,
    };
    let target = if is_raw { b"/" } else { target };
    let behind = &head[place.end..first];
    let lines = if is_large { &meant[..] } else { lines };
    let short = [&head[..place.start], target, behind, lines].concat();
    if lines.len() > MAX_PLAIN {
        return Head::Refused(Refusal::TooLarge);
    }
    Head::Shortened(short, raw)
}

/// The name in a header line, which is empty in the last line; `None` if the line
/// is malformed.
fn name(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Some(line);
    }
    let colon = memchr::memchr(b':', line)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_value = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    let is_line = !name.is_empty() && name.iter().all(is_name) && value.iter().all(is_value);
    is_line.then_some(name)
}

/// Whether a line stays in a large head: the empty one does.
fn is_meant(name: &[u8]) -> bool {
    let mut meant = MEANT.iter();
    name.is_empty() || meant.any(|meant| name.eq_ignore_ascii_case(meant.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FixedBudget;
    use crate::target::Target;
    use std::sync::Arc;

    fn look(head: &[u8]) -> Head {
        examine(head, || Room::empty(Arc::new(FixedBudget::new(0))))
    }

    fn is_malformed(head: &str) -> bool {
        matches!(look(head.as_bytes()), Head::Refused(Refusal::Malformed))
    }

    #[test]
    fn heads_end_with_an_empty_line() {
        assert_eq!(end(b"GET / HTTP/1.1\r\nA: b\r\n\r\nx", 0), Some(24));
        assert_eq!(end(b"GET / HTTP/1.1\nA: b\n\nx", 0), Some(21));
        assert_eq!(end(b"GET / HTTP/1.1\r\n\r", 0), None);
        assert_eq!(end(b"GET / HTTP/1.1\r\n\r\n", 14), Some(18));
    }

    #[test]
    fn common_heads_are_left_alone() {
        for head in [
            "GET /api/v1/query?query=up%7Ba%3D%22b%22%7D&match[]=x HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET / HTTP/1.0\n\n",
            "PRI * HTTP/2.0\r\n\r\n",
        ] {
            assert!(matches!(look(head.as_bytes()), Head::Plain), "{head}");
        }
    }

    #[test]
    fn malformed_heads_are_refused() {
        for head in [
            "GET  / HTTP/1.1\r\n\r\n",
            "GET /\r\n\r\n",
            "GET / HTTP/1.1 \r\n\r\n",
            "G\"T / HTTP/1.1\r\n\r\n",
            " / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost\r\n\r\n",
        ] {
            assert!(is_malformed(head), "{head}");
        }
    }

    #[test]
    fn odd_targets_stand_beside_their_heads() {
        for target in [
            &b"/q?query=up{a=\"b\"}|<>^`\\"[..],
            b"/q?a=\xff\xc3\xbc",
            b"/q#a",
            &[b"/q?".as_slice(), &[b'a'; 70_000]].concat(),
        ] {
            let head = [b"GET ", target, b" HTTP/1.1\r\nHost: x\r\n\r\n"].concat();
            let Head::Shortened(short, Some(raw)) = look(&head) else {
                panic!("{}", target.escape_ascii());
            };
            assert_eq!(short, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            let mut request = axum::http::Request::new(());
            request.extensions_mut().insert(raw);
            let read = Target::of(request.uri(), request.extensions());
            let whole = match read.query() {
                Some(query) => [read.path(), &b"?"[..], query].concat(),
                None => read.path().to_vec(),
            };
            assert_eq!(whole, target);
        }
        for target in ["a\"b", "/a\x7f", "/\t\"", "ftp:x/\""] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
            assert!(is_malformed(&head), "{target}");
        }
    }

    #[test]
    fn of_many_lines_those_stay_that_are_meant() {
        let many = "X-a: b\r\n".repeat(200);
        let head = format!("GET /a HTTP/1.1\r\n{many}hoST: x\r\n\r\n");
        let Head::Shortened(short, None) = look(head.as_bytes()) else {
            panic!("not shortened");
        };
        assert_eq!(short, b"GET /a HTTP/1.1\r\nhoST: x\r\n\r\n");
        for wrong in [
            "Content-Length : 5",
            "a b: c",
            "a",
            " folded: x",
            ": x",
            "a: \r b",
        ] {
            let head = format!("GET /a HTTP/1.1\r\n{many}{wrong}\r\n\r\n");
            assert!(is_malformed(&head), "{wrong}");
        }
        let long = format!("GET /a HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(200_000));
        assert!(matches!(
            look(long.as_bytes()),
            Head::Refused(Refusal::TooLarge)
        ));
    }
}
