//! Sending samples.

use quarrel_storage::http_client::shown_text;

use super::error::RemoteError;
use super::request::{SeriesPart, WriteVersion};
use crate::endpoint::Endpoint;
use crate::loaded::{LoadedSeries, LoadedValue};

/// Samples in one request.
const SAMPLES_A_REQUEST: usize = 2_000;

/// How much of a refusal is shown, letters.
const SHOWN: usize = 200;

/// Where samples are sent to, and how.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) endpoint: Endpoint,
    pub(super) url: String,
    pub(super) version: WriteVersion,
    /// How much later samples are than in the script.
    pub(super) shift_ms: i64,
}

/// What the endpoint says to samples.
pub(super) enum Written {
    /// It takes them.
    Taken,
    /// It refuses some, with this text.
    Refused(String),
}

impl Writer {
    /// Sends all samples in order of time, since an endpoint may refuse what is
    /// much older than what it has.
    ///
    /// # Errors
    /// When the endpoint does not answer, or has a failure of its own.
    pub(super) async fn write(&self, series: &[LoadedSeries]) -> Result<Written, RemoteError> {
        let mut order: Vec<(i64, usize, usize)> = Vec::new();
        for (number, series) in series.iter().enumerate() {
            let samples = series.samples.iter().enumerate();
            order.extend(samples.map(|(index, sample)| (sample.time_ms, number, index)));
        }
        order.sort_unstable();
        for piece in order.chunks(SAMPLES_A_REQUEST) {
            if let Written::Refused(text) = self.send(&parts(series, piece)).await? {
                return Ok(Written::Refused(text));
            }
        }
        Ok(Written::Taken)
    }

    async fn send(&self, parts: &[SeriesPart<'_>]) -> Result<Written, RemoteError> {
        let message = self.version.encode(parts, self.shift_ms);
        let body = match snap::raw::Encoder::new().compress_vec(&message) {
            Ok(body) => body,
            // It is larger than 4 GiB.
            Err(error) => return Ok(Written::Refused(error.to_string())),
        };
        let headers = self.version.headers();
        let sent = self.endpoint.post(&self.url, &headers, body).await;
        let reply = sent.map_err(|source| RemoteError::Write {
            url: shown_text(&self.url),
            source,
        })?;
        if (200..300).contains(&reply.status) {
            return Ok(Written::Taken);
        }
        let text = String::from_utf8_lossy(&reply.body);
        let text: String = text.trim().chars().take(SHOWN).collect();
        match reply.status {
            // The samples are to blame.
            400 | 409 | 413 | 415 | 422 => {
                Ok(Written::Refused(format!("status {}: {text}", reply.status)))
            }
            status => Err(RemoteError::Status {
                url: shown_text(&self.url),
                status,
                text,
            }),
        }
    }
}

/// The samples of a request, by series. Where floats and histograms take turns,
/// each turn is a part of its own: a server takes the floats of a part before its
/// histograms.
fn parts<'a>(series: &'a [LoadedSeries], piece: &[(i64, usize, usize)]) -> Vec<SeriesPart<'a>> {
    let mut piece: Vec<(usize, usize)> = piece.iter().map(|(_, s, index)| (*s, *index)).collect();
    piece.sort_unstable();
    let is_float = |(number, index): &(usize, usize)| {
        matches!(series[*number].samples[*index].value, LoadedValue::Float(_))
    };
    piece
        .chunk_by(|a, b| a.0 == b.0 && is_float(a) == is_float(b))
        .map(|run| {
            let series = &series[run[0].0];
            SeriesPart {
                labels: &series.labels,
                samples: run
                    .iter()
                    .map(|(_, index)| &series.samples[*index])
                    .collect(),
            }
        })
        .collect()
}
