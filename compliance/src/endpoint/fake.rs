//! A server of tests that answers as it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request: its method, path, and parameters of the URL and the body.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// Answers with a status, headers in lines, and a body.
    Answer(u16, &'static str, Vec<u8>),
    /// Answers after a while.
    Late(Duration, Vec<u8>),
    /// Closes the connection after so many bytes of the body.
    Cut(usize, Vec<u8>),
}

impl Told {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        let status = match body.into() {
            body if body.contains("\"status\":\"error\"") => (400, body),
            body => (200, body),
        };
        Told::Answer(status.0, "", status.1.into_bytes())
    }
}

impl Asked {
    pub(crate) fn parameter(&self, name: &str) -> &str {
        let mut found = self.parameters.iter().filter(|pair| pair.0 == name);
        found.next().map_or("", |pair| pair.1.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self
            .headers
            .iter()
            .filter(|pair| pair.0.eq_ignore_ascii_case(name));
        found.next().map_or("", |pair| pair.1.as_str())
    }
}

/// A server on a port of its own. It ends with the runtime of the test.
pub(crate) struct Fake {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(crate) async fn start(tell: impl Fn(&Asked) -> Told + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (tell, seen) = (Arc::new(tell), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, seen) = (Arc::clone(&tell), Arc::clone(&seen));
                tokio::spawn(async move {
                    let _ = serve(stream, &*tell, &seen).await;
                });
            }
        });
        Fake { url, asked }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// Serves one request, and closes the connection.
async fn serve(
    mut stream: TcpStream,
    tell: &(dyn Fn(&Asked) -> Told + Send + Sync),
    seen: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break String::from_utf8_lossy(&bytes[..end]).into_owned();
        }
    };
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (
        first.next().unwrap_or_default(),
        first.next().unwrap_or_default(),
    );
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers
        .map(|(n, v)| (n.to_string(), v.to_string()))
        .collect();
    let mut asked = Asked {
        method: method.to_string(),
        path: target.split('?').next().unwrap_or_default().to_string(),
        headers,
        parameters: Vec::new(),
        body: Vec::new(),
    };
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    while bytes.len() < head.len() + 4 + length {
        stream.read_buf(&mut bytes).await?;
    }
    let query = target.split_once('?').map_or("", |(_, query)| query);
    for form in [query.as_bytes(), &bytes[head.len() + 4..]] {
        let pairs = form_urlencoded::parse(form).into_owned();
        asked.parameters.extend(pairs);
    }
    asked.body = bytes[head.len() + 4..].to_vec();
    let told = tell(&asked);
    seen.lock().unwrap().push(asked);
    let (status, headers, body, sent) = match told {
        Told::Answer(status, headers, body) => {
            let sent = body.len();
            (status, headers, body, sent)
        }
        Told::Late(pause, body) => {
            tokio::time::sleep(pause).await;
            let sent = body.len();
            (200, "", body, sent)
        }
        Told::Cut(sent, body) => (200, "", body, sent),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..sent]).await?;
    stream.shutdown().await
}
