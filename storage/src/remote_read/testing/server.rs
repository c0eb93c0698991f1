//! Connections of the server: one request each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use prost::Message as _;
use quarrel_proto::remote_read::{PROTOBUF, ReadRequest, STREAMED};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::answer::{Answer, answer};
use super::{FakeRemote, Fault, Seen, SeenRequest};

/// Bytes that go in one piece.
const PIECE: usize = 16 << 10;

pub(super) async fn serve(listener: TcpListener, remote: Arc<FakeRemote>, seen: Arc<Seen>) {
    // Connections end with the server.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (remote, seen) = (Arc::clone(&remote), Arc::clone(&seen));
        seen.connections.fetch_add(1, Ordering::Relaxed);
        connections.spawn(async move {
            let open = Open(Arc::clone(&seen));
            // A client that leaves is no failure of the test.
            let _ = connection(stream, &remote, &seen).await;
            drop(open);
        });
        while connections.try_join_next().is_some() {}
    }
}

/// A connection that is open.
struct Open(Arc<Seen>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn connection(
    mut stream: TcpStream,
    remote: &FakeRemote,
    seen: &Seen,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let Some((request, body)) = receive(&mut stream).await? else {
        return Ok(());
    };
    let plain = snap::raw::Decoder::new().decompress_vec(&body);
    let message = ReadRequest::decode(&plain.unwrap_or_default()[..]).unwrap_or_default();
    let request = SeenRequest { message, ..request };
    seen.requests.lock().push(request.clone());
    match &remote.fault {
        Fault::Silent => return until_left(&mut stream).await,
        Fault::Refused(status, text) => {
            let length = text.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{text}");
            return stream.write_all(head.as_bytes()).await;
        }
        Fault::Redirect(status, to) => {
            let head = format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            return stream.write_all(head.as_bytes()).await;
        }
        _ => {}
    }
    let (kind, encoding, body) = body_of(remote, &request.message).await;
    let kind = match &remote.fault {
        Fault::ContentType(kind) => kind,
        _ => kind,
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{encoding}transfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    send(&mut stream, &remote.fault, &body).await
}

/// Content type, a header that may be empty, and the body.
async fn body_of(
    remote: &FakeRemote,
    message: &ReadRequest,
) -> (&'static str, &'static str, Vec<u8>) {
    let edited = |bytes: Vec<u8>| match &remote.edit {
        Some(edit) => edit(bytes),
        None => bytes,
    };
    match answer(&remote.storage, message, remote.samples_alone).await {
        Answer::Chunks(frames) => (STREAMED, "", edited(frames)),
        Answer::Samples(message) => {
            let compressed = snap::raw::Encoder::new().compress_vec(&edited(message));
            let encoding = "content-encoding: snappy\r\n";
            (PROTOBUF, encoding, compressed.unwrap_or_default())
        }
    }
}

async fn send(stream: &mut TcpStream, fault: &Fault, body: &[u8]) -> std::io::Result<()> {
    let (first, is_whole) = match fault {
        Fault::HangsAfter(bytes) | Fault::DiesAfter(bytes) => (*bytes, false),
        Fault::EndsAfter(bytes) => (*bytes, true),
        _ => (body.len(), true),
    };
    loop {
        for piece in body[..first.min(body.len())].chunks(PIECE) {
            stream
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .await?;
            stream.write_all(piece).await?;
            stream.write_all(b"\r\n").await?;
        }
        if *fault != Fault::Floods {
            break;
        }
    }
    stream.flush().await?;
    match fault {
        Fault::HangsAfter(_) => until_left(stream).await,
        _ if is_whole => stream.write_all(b"0\r\n\r\n").await,
        _ => Ok(()),
    }
}

/// Waits until the client has left.
async fn until_left(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 64];
    while stream.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Reads a request; `None` if the client has left.
async fn receive(stream: &mut TcpStream) -> std::io::Result<Option<(SeenRequest, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_string();
    let pairs = lines.filter_map(|line| line.split_once(':'));
    let pairs = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_string()));
    let request = SeenRequest {
        line,
        headers: pairs.collect(),
        message: ReadRequest::default(),
    };
    let length: usize = request.header("content-length").parse().unwrap_or(0);
    let mut body = bytes.split_off(end);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((request, body)))
}
