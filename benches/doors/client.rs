//! A client that reads answers and drops them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use quarrel_benches::BenchError;

/// The end of a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// A connection that stays open.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What an answer took, and its size.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub whole: Duration,
    pub first: Duration,
    /// Bytes of the body, with the framing of its chunks.
    pub bytes: u64,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        Ok(Client {
            stream,
            buffer: vec![0; 1 << 18],
        })
    }

    /// Asks for a path with its parameters.
    ///
    /// # Errors
    /// When the status is not 200, or the answer breaks off.
    pub fn get(&mut self, target: &str, gzip: bool) -> Result<Answer, BenchError> {
        let accept = if gzip {
            "Accept-Encoding: gzip\r\n"
        } else {
            ""
        };
        let request = format!("GET {target} HTTP/1.1\r\nHost: bench\r\n{accept}\r\n");
        let begin = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        let mut have = 0;
        let body = loop {
            have += self.read(have)?;
            let head = self.buffer[..have].windows(4).position(|w| w == HEAD_END);
            if let Some(head) = head {
                break head + HEAD_END.len();
            }
        };
        let first = begin.elapsed();
        let head = String::from_utf8_lossy(&self.buffer[..body]).to_lowercase();
        if !head.starts_with("http/1.1 200") {
            let shown = String::from_utf8_lossy(&self.buffer[..have]).to_string();
            return Err(format!("{target}: {shown}").into());
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"));
        let length: Option<u64> = length.map(|text| text.trim().parse()).transpose()?;
        let mut tail = self.buffer[body..have].to_vec();
        let mut bytes = tail.len() as u64;
        while length.map_or(!tail.ends_with(LAST_CHUNK), |length| bytes < length) {
            let read = self.read(0)?;
            bytes += read as u64;
            // The end may come in two reads.
            tail.extend_from_slice(&self.buffer[read.saturating_sub(LAST_CHUNK.len())..read]);
            tail.drain(..tail.len().saturating_sub(LAST_CHUNK.len()));
        }
        Ok(Answer {
            whole: begin.elapsed(),
            first,
            bytes,
        })
    }

    fn read(&mut self, at: usize) -> Result<usize, BenchError> {
        match self.stream.read(&mut self.buffer[at..])? {
            0 => Err("the server closed the connection".into()),
            read => Ok(read),
        }
    }
}
