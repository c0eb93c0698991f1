//! Parses forms of several parts (`multipart/form-data`, RFC 7578), as Go's
//! `FormValue` does. Parts that are files are left out.

use memchr::memmem;

/// The largest number of parts, as in Go.
const MAX_PARTS: usize = 1000;

/// The boundary in the options of a media type.
pub(super) fn boundary(options: &str) -> Option<String> {
    let value = option(options, "boundary")?;
    (!value.is_empty() && value.len() <= 70).then_some(value)
}

/// The value of `name=value` or `name="value"` among options that are split
/// by semicolons.
fn option(options: &str, name: &str) -> Option<String> {
    options.split(';').find_map(|option| {
        let (key, value) = option.split_once('=')?;
        let value = value.trim();
        let value = value
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .unwrap_or(value);
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.replace("\\\"", "\""))
    })
}

/// Names and values of all parts that are not files.
///
/// # Errors
/// If boundaries are missing, or there are too many parts.
pub(super) fn parse(body: &[u8], boundary: &str) -> Result<Vec<(String, String)>, String> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    // The first boundary may stand at the very beginning.
    let first = &delimiter[2..];
    let mut rest = match body.strip_prefix(first) {
        Some(rest) => rest,
        None => cut(body, &delimiter).ok_or("multipart: NextPart: EOF")?.1,
    };
    let mut pairs = Vec::new();
    for _ in 0..=MAX_PARTS {
        if rest.starts_with(b"--") {
            return Ok(pairs);
        }
        let (_, tail) = cut(rest, b"\r\n").ok_or("multipart: NextPart: EOF")?;
        let (part, tail) = cut(tail, &delimiter).ok_or("multipart: NextPart: EOF")?;
        rest = tail;
        if let Some((head, value)) = cut(part, b"\r\n\r\n")
            && let Some(name) = field_name(&String::from_utf8_lossy(head))
        {
            pairs.push((name, String::from_utf8_lossy(value).into_owned()));
        }
    }
    Err("multipart: message too large".to_string())
}

/// The name in a part's headers; `None` if the part is a file.
fn field_name(head: &str) -> Option<String> {
    let options = head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        let (kind, options) = value.split_once(';')?;
        let is_field = key.trim().eq_ignore_ascii_case("content-disposition")
            && kind.trim().eq_ignore_ascii_case("form-data");
        is_field.then_some(options)
    })?;
    if option(options, "filename").is_some() {
        None
    } else {
        option(options, "name")
    }
}

/// The bytes before and after the first `at`.
fn cut<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let position = memmem::find(bytes, at)?;
    Some((&bytes[..position], &bytes[position + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_names_and_values() {
        let body = b"preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nup{a=\"b\"}\r\n\
            --b-1\r\ncontent-disposition: form-data; name=time\r\nX: y\r\n\r\n5\r\n\
            --b-1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nfile\r\n\
            --b-1\r\nX: y\r\n\r\nnothing\r\n--b-1--\r\n";
        let pairs = parse(body, "b-1").unwrap();
        assert_eq!(
            pairs,
            [
                ("query".into(), "up{a=\"b\"}".into()),
                ("time".into(), "5".into())
            ]
        );
        assert_eq!(parse(b"--b--", "b"), Ok(vec![]));
    }

    #[test]
    fn there_may_be_so_many_parts() {
        let part = "\r\n--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1";
        let body = |parts| format!("{}\r\n--b--", part.repeat(parts));
        let pairs = parse(body(MAX_PARTS).as_bytes(), "b").unwrap();
        assert_eq!(pairs.len(), MAX_PARTS);
        let error = parse(body(MAX_PARTS + 1).as_bytes(), "b").unwrap_err();
        assert_eq!(error, "multipart: message too large");
    }

    #[test]
    fn boundaries_are_options_of_the_type() {
        assert_eq!(boundary(" boundary=abc"), Some("abc".into()));
        assert_eq!(
            boundary(" charset=utf-8; Boundary=\"a b\""),
            Some("a b".into())
        );
        assert_eq!(boundary(""), None);
        assert_eq!(boundary("boundary="), None);
    }

    #[test]
    fn cut_bodies_are_errors_and_no_bytes_panic() {
        let whole = b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--";
        assert!(parse(whole, "b").is_ok());
        for end in 0..whole.len() - 2 {
            assert!(parse(&whole[..end], "b").is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut changed = whole.to_vec();
            changed[at] ^= 0x55;
            let _ = parse(&changed, "b");
        }
    }
}
