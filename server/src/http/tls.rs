//! Handshakes of TLS, each in its connection's own task.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::HttpOptions;
use crate::net::HANDSHAKE_LIMIT;
use crate::net::stalled::WriteLimited;
use crate::web_config::WebConfig;

/// Go's answer to a client that does not know that it has to encrypt.
const NOT_ENCRYPTED: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// Takes a connection's handshake.
///
/// # Errors
/// If it fails or lasts too long.
pub(super) async fn accept(
    stream: TcpStream,
    options: &HttpOptions,
    web: &WebConfig,
) -> io::Result<TlsStream<WriteLimited<TcpStream>>> {
    let config = web.tls().await.map_err(|error| {
        tracing::error!(%error, "Unable to read the web configuration");
        io::Error::other(error)
    })?;
    let config = config.ok_or_else(|| io::Error::other("no TLS"))?;
    let shake = async {
        let mut stream = WriteLimited::new(stream, options.write_timeout);
        let mut first = [0];
        stream.get_ref().peek(&mut first).await?;
        if first[0].is_ascii_uppercase() {
            // What is unread at the close would take the answer with it.
            let _ = stream.read(&mut [0; 4096]).await;
            stream.write_all(NOT_ENCRYPTED).await?;
            stream.shutdown().await?;
            return Err(io::Error::other("the client does not encrypt"));
        }
        TlsAcceptor::from(config).accept(stream).await
    };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the handshake lasts too long");
    let accepted = tokio::time::timeout(HANDSHAKE_LIMIT.min(options.read_timeout), shake).await;
    accepted.map_err(late)?
}
