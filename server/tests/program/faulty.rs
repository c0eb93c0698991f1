//! A server that stands in front of another one and falsifies answers.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// What is done to answers.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The seventh digit of the first value is another one.
    Digit,
    /// The first series is missing.
    Series,
    /// The first series has a label more.
    Label,
    /// A vector is called a matrix.
    Type,
    /// An error comes instead.
    Error,
    /// The answer comes after a minute.
    Late,
    /// The JSON ends in the middle.
    Json,
    /// The connection ends in the middle.
    Dies,
}

/// Starts a server on a port of its own. It falsifies answers to queries that
/// contain `mark`, and passes on all others. It ends with the process.
pub fn start(upstream: &str, mark: &'static str, fault: Fault) -> String {
    let upstream = upstream.to_string();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let upstream = upstream.clone();
            std::thread::spawn(move || serve(stream, &upstream, mark, fault));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: TcpStream, upstream: &str, mark: &str, fault: Fault) -> Option<()> {
    let request = read_request(&mut stream)?;
    let marked = String::from_utf8_lossy(&request).contains(mark);
    let answer = ask(upstream, &request)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let mut body = String::from_utf8(answer[end + 4..].to_vec()).ok()?;
    let mut status = String::from_utf8_lossy(answer.get(9..12)?).into_owned();
    if marked {
        if matches!(fault, Fault::Late) {
            std::thread::sleep(Duration::from_secs(60));
        }
        if matches!(fault, Fault::Error) {
            status = "422".to_string();
        }
        body = falsify(body, fault);
    }
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    let sent = match fault {
        Fault::Dies if marked => body.len() / 2,
        _ => body.len(),
    };
    stream.write_all(&body.as_bytes()[..sent]).ok()
}

fn falsify(body: String, fault: Fault) -> String {
    const ROW: &str = "{\"metric\":{";
    match fault {
        Fault::Late | Fault::Dies => body,
        Fault::Label => body.replacen(ROW, "{\"metric\":{\"more\":\"x\",", 1),
        Fault::Type => {
            let body = body.replace("\"resultType\":\"vector\"", "\"resultType\":\"matrix\"");
            body.replace("\"value\":[", "\"values\":[[")
                .replace("\"]}", "\"]]}")
        }
        Fault::Error => {
            "{\"status\":\"error\",\"errorType\":\"execution\",\"error\":\"none\"}".to_string()
        }
        Fault::Json => body[..body.len() / 2].to_string(),
        Fault::Series => {
            let mut rows = body.match_indices(ROW).map(|found| found.0);
            match (rows.next(), rows.next()) {
                (Some(first), Some(second)) => [&body[..first], &body[second..]].concat(),
                _ => body,
            }
        }
        Fault::Digit => {
            let value = body.find("\"value\":").unwrap_or(0);
            let start = value + body[value..].find(",\"").map_or(0, |comma| comma + 2);
            let digits = body[start..]
                .char_indices()
                .filter(|(_, c)| c.is_ascii_digit());
            let Some((offset, digit)) = digits.take(7).last() else {
                return body;
            };
            let other = if digit == '9' { "8" } else { "9" };
            let at = start + offset;
            [&body[..at], other, &body[at + 1..]].concat()
        }
    }
}

/// A request with its body.
fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let end = request
            .windows(4)
            .position(|bytes: &[u8]| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
            if request.len() >= end + 4 + length {
                return Some(request);
            }
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => request.extend_from_slice(&piece[..read]),
        }
    }
}

/// The answer of the server behind, head and body. It is asked by HTTP/1.0, so
/// that the body is in one piece.
fn ask(upstream: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(upstream).ok()?;
    let end = request.windows(9).position(|bytes| bytes == b" HTTP/1.1")?;
    stream.write_all(&request[..end]).ok()?;
    stream.write_all(b" HTTP/1.0").ok()?;
    stream.write_all(&request[end + 9..]).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}
