//! Parses forms of several parts (`multipart/form-data`, RFC 7578), as Go's
//! `FormValue` does. Parts that are files are left out.

use memchr::memmem;

use super::media_type::MediaType;

/// The largest number of parts, as in Go.
const MAX_PARTS: usize = 1000;

/// Names and values of all parts that are not files; `None` where Go reads
/// nothing: if boundaries are missing, or there are too many parts.
pub(super) fn parse(body: &[u8], boundary: &str) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if boundary.is_empty() {
        return None;
    }
    let dashes = format!("--{boundary}").into_bytes();
    let (line_end, mut rest) = first_part(body, &dashes)?;
    let delimiter = [line_end, &dashes].concat();
    let mut pairs = Vec::new();
    for _ in 0..=MAX_PARTS {
        let Some(part) = rest else {
            return Some(pairs);
        };
        let Some(field) = headers(part)? else {
            return Some(pairs);
        };
        let (value, tail) = cut_part(field.rest, &delimiter, &dashes)?;
        rest = next_part(tail, line_end)?;
        if let Some(name) = field.name.filter(|name| !name.is_empty()) {
            pairs.push((name.into_bytes(), value.to_vec()));
        }
    }
    None
}

/// What ends lines, and the first part; `None` for the part if there is none.
/// Lines before it are left out.
fn first_part<'a>(body: &'a [u8], dashes: &[u8]) -> Option<(&'static [u8], Option<&'a [u8]>)> {
    let mut rest = body;
    loop {
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let (line, tail) = rest.split_at(end);
        if let Some(after) = line.strip_prefix(dashes) {
            match trim_blanks(after) {
                b"\r\n" => return Some((b"\r\n", Some(tail))),
                b"\n" => return Some((b"\n", Some(tail))),
                _ => {}
            }
            if let Some(b"" | b"\r\n") = after.strip_prefix(b"--").map(trim_blanks) {
                return Some((b"\r\n", None));
            }
        }
        if tail.is_empty() {
            return None;
        }
        rest = tail;
    }
}

/// The part behind a boundary; `None` within if it was the last boundary.
fn next_part<'a>(after: &'a [u8], line_end: &[u8]) -> Option<Option<&'a [u8]>> {
    if let Some(last) = after.strip_prefix(b"--") {
        let last = trim_blanks(last);
        return (last.is_empty() || last.starts_with(line_end)).then_some(None);
    }
    Some(Some(trim_blanks(after).strip_prefix(line_end)?))
}

fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    &bytes[bytes.iter().take_while(is_blank).count()..]
}

/// A part's value, and what follows the boundary behind it.
fn cut_part<'a>(part: &'a [u8], delimiter: &[u8], dashes: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let is_boundary = |after: &[u8]| {
        matches!(
            after,
            [] | [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'-', b'-', ..]
        )
    };
    // A part without a value ends at once.
    if let Some(after) = part.strip_prefix(dashes).filter(|after| is_boundary(after)) {
        return Some((b"", after));
    }
    memmem::find_iter(part, delimiter)
        .map(|at| (&part[..at], &part[at + delimiter.len()..]))
        .find(|(_, after)| is_boundary(after))
}

/// A part behind its headers.
struct Field<'a> {
    /// `None` if the part is no field, but a file.
    name: Option<String>,
    rest: &'a [u8],
}

/// Reads a part's headers. Nothing within if the body ends in them: as in Go that
/// part is left out.
fn headers(part: &[u8]) -> Option<Option<Field<'_>>> {
    let mut disposition = None;
    let mut rest = part;
    loop {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return Some(None);
        };
        let line = &rest[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.is_empty() || name.contains(&b' ') {
            return None;
        }
        if disposition.is_none() && name.eq_ignore_ascii_case(b"content-disposition") {
            let value = String::from_utf8_lossy(value);
            disposition = Some(MediaType::parse(value.trim()));
        }
    }
    let field = disposition.filter(|disposition| disposition.kind == "form-data");
    let is_file = |field: &MediaType| field.parameter("filename").is_some_and(|f| !f.is_empty());
    let name = field.filter(|field| !is_file(field));
    let name = name.and_then(|field| field.parameter("name").map(str::to_string));
    Some(Some(Field { name, rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &[u8], boundary: &str) -> Option<Vec<(String, String)>> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let pairs = parse(body, boundary)?;
        Some(pairs.into_iter().map(|(n, v)| (text(n), text(v))).collect())
    }

    #[test]
    fn parts_have_names_and_values() {
        let body = "preamble\r\n--b-1 \r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nup{a=\"b\"}\r\n--b-12\r\n\
            --b-1\r\ncontent-disposition: form-data; name=time\r\nX: y\r\n\r\n5\r\n\
            --b-1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nfile\r\n\
            --b-1\r\nContent-Disposition: form-data; name=e\r\n\r\n--b-1\r\nX: y\r\n\r\nnothing\r\n--b-1--\r\nafter";
        let want = [("query", "up{a=\"b\"}\r\n--b-12"), ("time", "5"), ("e", "")]
            .map(|(name, value)| (name.to_string(), value.to_string()));
        assert_eq!(texts(body.as_bytes(), "b-1").unwrap(), want);
        let body = body.replace("\r\n", "\n");
        assert_eq!(texts(body.as_bytes(), "b-1").unwrap()[1..], want[1..]);
        assert_eq!(parse(b"--b--", "b"), Some(vec![]));
    }

    #[test]
    fn there_may_be_so_many_parts() {
        let part = "\r\n--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1";
        let body = |parts| format!("{}\r\n--b--", part.repeat(parts));
        let pairs = parse(body(MAX_PARTS).as_bytes(), "b").unwrap();
        assert_eq!(pairs.len(), MAX_PARTS);
        assert_eq!(parse(body(MAX_PARTS + 1).as_bytes(), "b"), None);
    }

    #[test]
    fn cut_bodies_are_errors_and_no_bytes_panic() {
        let whole = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--";
        assert!(parse(whole, "b").is_some());
        let headers = 5..whole.len() - 8;
        for end in 0..whole.len() - 2 {
            // Go leaves out a part without a value, if it is the last one.
            let want = headers.contains(&end).then(Vec::new);
            assert_eq!(parse(&whole[..end], "b"), want, "{end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 0x55;
            let _ = parse(&changed, "b");
        }
    }
}
