//! What the client reads: the form of the answer, and the encodings of chunks.

use quarrel_proto::remote_read::ResponseType;

use super::refusal::Refusal;
use crate::reframe::Encodings;

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResponseForm {
    Samples,
    Chunks,
}

/// The first form that both sides know; samples if the client names none.
///
/// # Errors
/// If there is none.
pub(super) fn negotiate(accepted: &[i32]) -> Result<ResponseForm, Refusal> {
    let known = |kind: &i32| match ResponseType::try_from(*kind) {
        Ok(ResponseType::Samples) => Some(ResponseForm::Samples),
        Ok(ResponseType::StreamedXorChunks) => Some(ResponseForm::Chunks),
        Err(_) => None,
    };
    if accepted.is_empty() {
        return Ok(ResponseForm::Samples);
    }
    accepted.iter().find_map(known).ok_or_else(|| {
        // All are unknown, and shown as numbers.
        let names: Vec<String> = accepted.iter().map(i32::to_string).collect();
        Refusal::bad_request(format!(
            "server does not support any of the requested response types: [{}]; \
             supported: map[SAMPLES:{{}} STREAMED_XOR_CHUNKS:{{}}]",
            names.join(" ")
        ))
    })
}

/// The first version of Prometheus that reads all encodings.
const ALL_ENCODINGS: (u32, u32) = (3, 14);

/// The encodings that a client knows, by its `User-Agent`: the protocol has no other
/// place that says it.
pub(super) fn encodings(user_agent: &str) -> Encodings {
    let mut programs = user_agent.split_whitespace();
    let knows_all = programs.any(|program| match program.split_once('/') {
        Some(("quarrel", _)) => true,
        Some(("Prometheus", version)) => {
            let mut parts = version.splitn(3, '.').map(str::parse::<u32>);
            let (major, minor) = (parts.next(), parts.next());
            matches!((major, minor), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= ALL_ENCODINGS)
        }
        _ => false,
    });
    match knows_all {
        true => Encodings::All,
        false => Encodings::Classic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_form_is_taken() {
        assert_eq!(negotiate(&[]), Ok(ResponseForm::Samples));
        assert_eq!(negotiate(&[0, 1]), Ok(ResponseForm::Samples));
        assert_eq!(negotiate(&[7, 1, 0]), Ok(ResponseForm::Chunks));
        let error = negotiate(&[7, 9]).unwrap_err();
        assert_eq!(
            error.text,
            "server does not support any of the requested response types: [7 9]; \
             supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]"
        );
        assert_eq!(error.status, 400);
    }

    #[test]
    fn versions_know_encodings() {
        for (agent, known) in [
            ("Prometheus/3.16.0", Encodings::All),
            ("Prometheus/3.14.0-rc.1", Encodings::All),
            ("Prometheus/4.0.0", Encodings::All),
            ("Prometheus/3.13.2", Encodings::Classic),
            ("Prometheus/2.53.0", Encodings::Classic),
            ("Prometheus/", Encodings::Classic),
            ("Prometheus/3.x", Encodings::Classic),
            ("quarrel/0.1.0", Encodings::All),
            ("thanos-sidecar/0.42.4", Encodings::Classic),
            ("", Encodings::Classic),
        ] {
            assert_eq!(encodings(agent), known, "{agent}");
        }
    }
}
