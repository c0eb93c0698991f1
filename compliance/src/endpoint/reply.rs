//! What came back, as bytes.

use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::bufread::MultiGzDecoder;
use quarrel_storage::http_client::cause;
use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;

use super::error::AskError;

/// An answer that has not been read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Bytes of the body as they were sent.
    pub sent: u64,
    /// From the request to the first byte of the body.
    pub first_byte: Duration,
    /// From the request to the last byte of the body.
    pub last_byte: Duration,
}

/// Reads a body of at most `limit` bytes. `begun` is set with its first byte.
pub(super) async fn receive(
    mut response: Response,
    asked: Instant,
    limit: u64,
    begun: &mut bool,
) -> Result<Reply, AskError> {
    let status = response.status().as_u16();
    let encoding = response.headers().get(CONTENT_ENCODING);
    let gzip = match encoding.map(|value| value.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            let text = format!("its encoding {name:?} was not asked for");
            return Err(AskError::Encoding(text));
        }
    };
    let mut body = Vec::new();
    let mut first_byte = None;
    loop {
        let piece = response.chunk().await.map_err(|error| AskError::Broken {
            received: body.len() as u64,
            reason: cause(&error),
        })?;
        let Some(piece) = piece else { break };
        first_byte.get_or_insert_with(|| asked.elapsed());
        *begun = true;
        if (body.len() + piece.len()) as u64 > limit {
            return Err(AskError::TooLarge { limit });
        }
        body.extend_from_slice(&piece);
    }
    let last_byte = asked.elapsed();
    let sent = body.len() as u64;
    Ok(Reply {
        status,
        body: if gzip {
            decompress(&body, limit)?
        } else {
            body
        },
        sent,
        first_byte: first_byte.unwrap_or(last_byte),
        last_byte,
    })
}

fn decompress(sent: &[u8], limit: u64) -> Result<Vec<u8>, AskError> {
    let mut body = Vec::new();
    let read = MultiGzDecoder::new(sent)
        .take(limit + 1)
        .read_to_end(&mut body);
    read.map_err(|error| AskError::Encoding(error.to_string()))?;
    match body.len() as u64 > limit {
        true => Err(AskError::TooLarge { limit }),
        false => Ok(body),
    }
}
