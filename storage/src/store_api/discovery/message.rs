//! Messages of DNS (RFC 1035), as far as SRV records (RFC 2782) need them.

/// The type of an SRV record.
const SRV: u16 = 33;

/// The class of the Internet.
const IN: u16 = 1;

/// Bytes of a name, as RFC 1035 bounds them.
const LONGEST_NAME: usize = 255;

/// An SRV record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Service {
    /// The port that it names.
    pub(super) port: u16,
    /// The host, without a dot at its end.
    pub(super) target: String,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The records; none where there is no such name.
    Services(Vec<Service>),
    /// It was too long for a datagram.
    Truncated,
}

/// A question for the SRV records of a name.
///
/// # Errors
/// When the name cannot be one.
pub(super) fn question(id: u16, name: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(64);
    // Recursion is desired; one question.
    for word in [id, 0x0100, 1, 0, 0, 0] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    let name = name.trim_end_matches('.');
    for part in name.split('.') {
        let length = u8::try_from(part.len())
            .ok()
            .filter(|len| (1..64).contains(len));
        let Some(length) = length else {
            return Err(format!("{name} is not a domain name"));
        };
        out.push(length);
        out.extend_from_slice(part.as_bytes());
    }
    if name.len() + 2 > LONGEST_NAME {
        return Err(format!("{name} is not a domain name"));
    }
    out.push(0);
    for word in [SRV, IN] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    Ok(out)
}

/// Reads an answer to the question with number `id`.
///
/// # Errors
/// When it is none, or says that the server has failed.
pub(super) fn answer(id: u16, bytes: &[u8]) -> Result<Answer, String> {
    let short = || "an answer of DNS ends too early".to_string();
    let word = |at: usize| -> Option<u16> {
        let pair = bytes.get(at..at + 2)?;
        Some(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let (own, flags) = (word(0).ok_or_else(short)?, word(2).ok_or_else(short)?);
    if own != id || flags & 0x8000 == 0 {
        return Err("not the answer to the question".to_string());
    }
    if flags & 0x0200 != 0 {
        return Ok(Answer::Truncated);
    }
    match flags & 0x000f {
        0 => {}
        // There is no such name.
        3 => return Ok(Answer::Services(Vec::new())),
        code => return Err(format!("the DNS server has answered with code {code}")),
    }
    let (questions, answers) = (word(4).ok_or_else(short)?, word(6).ok_or_else(short)?);
    let mut at = 12;
    for _ in 0..questions {
        at = skip_name(bytes, at).ok_or_else(short)? + 4;
    }
    let mut services = Vec::new();
    for _ in 0..answers {
        let fixed = skip_name(bytes, at).ok_or_else(short)?;
        let kind = word(fixed).ok_or_else(short)?;
        let length = word(fixed + 8).ok_or_else(short)?;
        let data = fixed + 10;
        at = data + usize::from(length);
        if at > bytes.len() {
            return Err(short());
        }
        if kind == SRV {
            let port = word(data + 4).ok_or_else(short)?;
            let target = name(bytes, data + 6).ok_or("an SRV record has a bad target")?;
            // A dot alone says that the service is not there.
            if !target.is_empty() {
                services.push(Service { port, target });
            }
        }
    }
    Ok(Answer::Services(services))
}

/// Where a name ends that begins at `at`.
fn skip_name(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *bytes.get(at)? {
            0 => return Some(at + 1),
            length @ 1..64 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The name that begins at `at`. Pointers lead backwards, so that they end.
fn name(bytes: &[u8], mut at: usize) -> Option<String> {
    let mut out = String::new();
    let mut before = at;
    loop {
        match *bytes.get(at)? {
            0 => return Some(out),
            length @ 1..64 => {
                let part = bytes.get(at + 1..at + 1 + usize::from(length))?;
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(std::str::from_utf8(part).ok()?);
                if out.len() > LONGEST_NAME {
                    return None;
                }
                at += 1 + usize::from(length);
            }
            high @ 192.. => {
                let low = *bytes.get(at + 1)?;
                let to = usize::from(high & 0x3f) << 8 | usize::from(low);
                if to >= before {
                    return None;
                }
                (before, at) = (to, to);
            }
            _ => return None,
        }
    }
}
