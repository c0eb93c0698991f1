//! Where the body of a request ends, so that what follows is read as a head.

/// The framing of a body, as hyper understood the head before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// Chunks, at a place in or between them.
    Chunked(Place),
}

/// A place in a chunked body. hyper refuses bodies that are not well formed, so
/// that only well-formed ones must be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The digits of a size.
    Size(u64),
    /// What may follow these until the line ends.
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// The beginning of a trailer's line, or of the last one, which is empty.
    Line,
    Trailer,
    TrailerLf,
    LastLf,
    End,
}

impl Framing {
    pub(super) const CHUNKED: Framing = Framing::Chunked(Place::Size(0));

    pub(super) fn is_ended(self) -> bool {
        matches!(self, Framing::Length(0) | Framing::Chunked(Place::End))
    }

    /// Follows bytes of the body; how many of them belong to it.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        match self {
            Framing::Length(left) => {
                let taken = (bytes.len() as u64).min(*left);
                *left -= taken;
                taken as usize
            }
            Framing::Chunked(place) => {
                let mut at = 0;
                while at < bytes.len() && *place != Place::End {
                    at += place.step(&bytes[at..]);
                }
                at
            }
        }
    }
}

impl Place {
    /// Goes on by at least one byte.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let byte = bytes[0];
        let next = match *self {
            Place::Size(size) => match (byte as char).to_digit(16) {
                Some(digit) => Place::Size(size.saturating_mul(16) + u64::from(digit)),
                None if byte == b'\r' => Place::SizeLf(size),
                None => Place::Extension(size),
            },
            Place::Extension(size) if byte == b'\r' => Place::SizeLf(size),
            Place::Extension(size) => Place::Extension(size),
            Place::SizeLf(0) => Place::Line,
            Place::SizeLf(size) => Place::Data(size),
            Place::Data(left) => {
                let taken = (bytes.len() as u64).min(left);
                *self = match left - taken {
                    0 => Place::DataCr,
                    left => Place::Data(left),
                };
                return taken as usize;
            }
            Place::DataCr => Place::DataLf,
            Place::DataLf => Place::Size(0),
            Place::Line if byte == b'\r' => Place::LastLf,
            Place::Line | Place::Trailer if byte == b'\r' => Place::TrailerLf,
            Place::Line | Place::Trailer => Place::Trailer,
            Place::TrailerLf => Place::Line,
            Place::LastLf | Place::End => Place::End,
        };
        *self = next;
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_end_where_they_end_however_they_are_cut() {
        let chunked = b"5;x=\"y\"\r\nab\r\nc\r\nA \r\n0123456789\r\n000\r\nT: 1\r\nU:\r\n\r\n";
        for (framing, body) in [
            (Framing::CHUNKED, &chunked[..]),
            (Framing::CHUNKED, b"0\r\n\r\n"),
            (Framing::Length(3), b"abc"),
        ] {
            let all = [body, b"GET / HTTP/1.1\r\n"].concat();
            for cut in 0..all.len() {
                let mut framing = framing;
                let mut taken = framing.advance(&all[..cut]);
                assert_eq!(framing.is_ended(), cut >= body.len(), "{cut}");
                taken += framing.advance(&all[taken..]);
                assert_eq!(taken, body.len(), "{cut}");
                assert!(framing.is_ended());
            }
        }
    }
}
