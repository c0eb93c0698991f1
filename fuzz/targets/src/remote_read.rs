//! Remote read: requests to the server, and answers to the client.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use quarrel_storage::remote_read::testing::{read_frames, read_samples};
use tower::ServiceExt as _;

use crate::http::SERVER;

/// One request. The first byte says whether the rest is a body, or a message that is
/// compressed first. What is answered is what the client reads.
pub(crate) fn request(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let body = match way % 4 {
        0 => rest.to_vec(),
        _ => compressed(rest),
    };
    let request = Request::post("/api/v1/read")
        .header(header::HOST, "fuzz")
        .header(
            header::USER_AGENT,
            if way % 4 == 1 { "fuzz" } else { "quarrel/1" },
        )
        .body(Body::from(body))
        .expect("a request");
    let (runtime, router) = &*SERVER;
    let (status, kind, body) = runtime.block_on(async {
        let response = router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).cloned();
        let body = axum::body::to_bytes(body, 1 << 26).await;
        (parts.status, kind, body.expect("a whole answer"))
    });
    if status != StatusCode::OK {
        return;
    }
    let kind = kind.expect("a content type");
    match kind
        .to_str()
        .expect("a text")
        .starts_with("application/x-streamed")
    {
        // Of several queries all but the first are refused.
        true => _ = read_frames(&body, 100),
        false => {
            let message = snap::raw::Decoder::new().decompress_vec(&body);
            _ = read_samples(&message.expect("what was compressed"));
        }
    }
}

fn compressed(message: &[u8]) -> Vec<u8> {
    let compressed = snap::raw::Encoder::new().compress_vec(message);
    compressed.expect("a short message")
}

/// An answer with samples.
pub(crate) fn response(data: &[u8]) {
    _ = read_samples(data);
}

/// An answer with chunks. The first byte says how long pieces are, and whether the rest
/// is frames, or a message that becomes one. However it is cut, it says the same.
pub(crate) fn frames(data: &[u8]) {
    let Some((way, rest)) = data.split_first() else {
        return;
    };
    let mut framed = Vec::new();
    let answer = match way % 2 {
        0 => rest,
        _ => {
            quarrel_proto::remote_read::frames::write(rest, &mut framed);
            &framed
        }
    };
    let piece = usize::from(way / 2);
    assert_eq!(read_frames(answer, piece), read_frames(answer, usize::MAX));
}
