//! Heads that hyper does not take, over sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{HttpOptions, serve};
use crate::api::FixedBudget;
use crate::target::Target;

/// What the handler saw: target and body.
async fn echo(request: Request) -> String {
    let target = Target::of(request.uri(), request.extensions());
    let shown = target.path().escape_ascii().to_string();
    let query = target.query().map(|query| query.escape_ascii().to_string());
    let query = query.map(|query| match query.len() {
        ..100 => query,
        long => format!("{long} bytes"),
    });
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await;
    format!("<{shown} {query:?} {:?}>", body.unwrap())
}

/// The address of a server whose large heads may hold so many bytes.
async fn server(budget: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let options = HttpOptions {
        read_timeout: Duration::from_secs(1),
        write_timeout: Duration::from_secs(5),
        max_connections: 10,
        grace: Duration::ZERO,
        budget: Arc::new(FixedBudget::new(budget)),
        web: None,
    };
    let router = axum::Router::new().fallback(echo);
    tokio::spawn(serve(
        vec![listener],
        router,
        options,
        std::future::pending(),
    ));
    address
}

/// Sends pieces one by one and returns all that comes back.
async fn talk(address: SocketAddr, pieces: &[&[u8]]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for piece in pieces {
        if stream.write_all(piece).await.is_err() {
            break;
        }
        if pieces.len() > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// What the handler saw, request by request.
fn seen(answers: &str) -> Vec<&str> {
    let parts = answers.split('<').skip(1);
    parts.filter_map(|part| part.split('>').next()).collect()
}

const LONG: usize = 300_000;

/// Requests of all kinds, one after the other, and what is to be seen of them.
fn stream_of_requests() -> (Vec<u8>, Vec<String>) {
    let long = "a".repeat(LONG);
    let lines = "X-Many: a\r\n".repeat(500);
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let all = [
        ("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n".into(), r#"/a Some("b=c") b"""#.into()),
        (
            "POST /b?\"|\" HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\nGET /\" HTTP/1.1\r\nA: b\r\n".into(),
            r#"/b Some("\\\"|\\\"") b"GET /\" HTTP/1.1\r\nA: b\r\n""#.into(),
        ),
        ("\r\nGET /c?{} HTTP/1.1\r\nHost: x\r\n\r\n".into(), r#"/c Some("{}") b"""#.into()),
        (
            format!("POST /d?^ HTTP/1.1\r\nHost: x\r\n{chunked}11;x=\"y\"\r\nGET /\" HTTP/1.1\r\n\r\n0\r\nT: \"\r\n\r\n"),
            r#"/d Some("^") b"GET /\" HTTP/1.1\r\n""#.into(),
        ),
        (
            format!("GET /e?{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
            format!("/e Some(\"{LONG} bytes\") b\"\""),
        ),
        (
            format!("POST /f HTTP/1.1\r\n{lines}Host: x\r\nCookie: {long}\r\nContent-Length: 2\r\n\r\nhi"),
            r#"/f None b"hi""#.into(),
        ),
        ("GET /g#h HTTP/1.1\nHost: x\n\n".into(), r#"/g#h None b"""#.into()),
        (
            "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(),
            r#"/end None b"""#.into(),
        ),
    ];
    let (bytes, want): (Vec<String>, Vec<String>) = all.into_iter().unzip();
    (bytes.concat().into_bytes(), want)
}

#[tokio::test]
async fn requests_are_read_however_they_arrive() {
    let address = server(8 << 20).await;
    let (bytes, want) = stream_of_requests();
    let answers = talk(address, &[&bytes]).await;
    assert_eq!(seen(&answers), want, "{answers}");
    for size in [1000, 7919, 65_536] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        let answers = talk(address, &pieces).await;
        assert_eq!(seen(&answers), want, "{size}");
    }
    // The first ones byte by byte.
    let (short, rest) = bytes.split_at(320);
    let pieces: Vec<&[u8]> = short.chunks(1).chain([rest]).collect();
    let answers = talk(address, &pieces).await;
    assert_eq!(seen(&answers), want);
}

#[tokio::test]
async fn heads_have_a_bound_and_share_a_budget() {
    let address = server(300_000).await;
    let head = |size| format!("GET /?{} HTTP/1.1\r\nHost: x\r\n\r\n", "a".repeat(size));
    let answer = talk(address, &[head(1_100_000).as_bytes()]).await;
    let none = "HTTP/1.1 503 Service Unavailable: too many requests with large heads\r\n";
    assert!(answer.starts_with(none), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    let address = server(8 << 20).await;
    let answer = talk(address, &[head(1_100_000).as_bytes()]).await;
    let large = "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    assert!(answer.starts_with(large), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\n431 Request Header Fields Too Large"),
        "{answer}"
    );
    // What was held is free again.
    for _ in 0..20 {
        let head = head(900_000).replace("Host: x", "Host: x\r\nConnection: close");
        let answer = talk(address, &[head.as_bytes()]).await;
        assert_eq!(
            seen(&answer),
            ["/ Some(\"900000 bytes\") b\"\""],
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_ends_its_connection() {
    let address = server(1 << 20).await;
    let begin = std::time::Instant::now();
    let answer = talk(address, &[b"GET /?\"\" HTTP/1.1\r\nHost: x\r\nX: "]).await;
    assert!(seen(&answer).is_empty(), "{answer}");
    assert!(begin.elapsed() < Duration::from_secs(3));
}
