//! A query's answer as frames, which are encoded beside each other while the query
//! runs and the client reads.

use axum::BoxError;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use quarrel_engine::{Query, QueryError, QueryStream, Trailer, Value};
use quarrel_proto::encoded::Encoded;
use quarrel_proto::query::{QueryResponse, QueryResult, QueryStats};
use tonic::Status;

use super::{status, timeseries};
use crate::api::{limited, query_failed, side_by_side};
use crate::metrics::QueryTimer;
use crate::trace::Watch;

/// How an answer is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Series a frame.
    pub(super) batch: usize,
    /// Whether an error before the first frame is sent as a warning.
    pub(super) errors_are_warnings: bool,
}

/// The answer of a query, which begins when the stream is read.
pub(super) fn of(
    query: Query,
    timer: QueryTimer,
    watch: Watch,
    shape: Shape,
) -> BoxStream<'static, Result<Encoded, Status>> {
    let run = Run {
        stage: Stage::Query(query),
        timer,
        watch,
        shape,
        begun: false,
    };
    let items = stream::unfold(Some(run), |run| async {
        let mut run = run?;
        match run.next().await {
            Ok(item) => {
                let is_last = matches!(item, Item::End(_) | Item::Failed(_));
                Some((Ok(item), (!is_last).then_some(run)))
            }
            Err(status) => Some((Err(BoxError::from(status)), None)),
        }
    });
    let frames = side_by_side::map(items, move |item| Ok(item.frames(shape.batch)));
    let frames = frames.map_ok(|frames| stream::iter(frames.into_iter().map(Ok)));
    frames.try_flatten().map_err(as_status).boxed()
}

/// The status behind an error; one of another kind is that of a task that panicked.
pub(super) fn as_status(error: BoxError) -> Status {
    match error.downcast::<Status>() {
        Ok(status) => *status,
        Err(error) => {
            tracing::error!(%error, "An answer was not encoded");
            Status::internal("internal error")
        }
    }
}

/// A query that is being answered.
struct Run {
    stage: Stage,
    timer: QueryTimer,
    watch: Watch,
    shape: Shape,
    /// Whether a part of the answer was there.
    begun: bool,
}

enum Stage {
    Query(Query),
    Parts(QueryStream),
    Over,
}

/// What becomes frames.
enum Item {
    Part(Value),
    End(Trailer),
    /// An error that is sent as a warning.
    Failed(String),
}

impl Run {
    async fn next(&mut self) -> Result<Item, Status> {
        let mut stream = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Query(query) => match query.stream().await {
                Ok(stream) => stream,
                Err(error) => return self.failed(&error, None),
            },
            Stage::Parts(stream) => stream,
            Stage::Over => return Err(Status::internal("the answer has ended")),
        };
        match stream.next().await {
            Some(Ok(part)) => {
                self.stage = Stage::Parts(stream);
                self.begun = true;
                Ok(Item::Part(part))
            }
            Some(Err(error)) => self.failed(&error, Some(stream.finish())),
            None => {
                let mut trailer = stream.finish();
                self.timer.finish("success", Some(&trailer.stats));
                let operators = trailer.operators.take();
                self.watch.finish(Some(&trailer.stats), operators, None);
                Ok(Item::End(trailer))
            }
        }
    }

    fn failed(&mut self, error: &QueryError, trailer: Option<Trailer>) -> Result<Item, Status> {
        let stats = trailer.as_ref().map(|trailer| &trailer.stats);
        query_failed(&mut self.timer, error, stats);
        let text = error.to_string();
        let operators = trailer
            .as_ref()
            .and_then(|trailer| trailer.operators.clone());
        self.watch.finish(stats, operators, Some(&text));
        let status = status::of_query(error);
        match self.shape.errors_are_warnings && !self.begun {
            true => Ok(Item::Failed(status.message().to_string())),
            false => Err(status),
        }
    }
}

impl Item {
    fn frames(self, batch: usize) -> Vec<Encoded> {
        match self {
            Item::Part(Value::Scalar { timestamp, value }) => timeseries::scalar(timestamp, value),
            Item::Part(Value::Vector(set) | Value::Matrix(set)) => timeseries::frames(&set, batch),
            // As by Thanos, a text has no place in an answer.
            Item::Part(Value::String { .. }) => Vec::new(),
            Item::Failed(why) => vec![frame(QueryResult::Warnings(why))],
            Item::End(trailer) => {
                let warnings = limited(trailer.warnings, "warning");
                let all = warnings.into_iter().chain(limited(trailer.infos, "info"));
                let texts = all.map(|text| QueryResult::Warnings(without_place(text)));
                let stats = QueryResult::Stats(QueryStats {
                    samples_total: trailer.stats.total_queryable_samples as i64,
                    peak_samples: trailer.stats.peak_samples as i64,
                });
                texts.chain([stats]).map(frame).collect()
            }
        }
    }
}

/// A frame of `QueryResponse` or `QueryRangeResponse`: their fields are the same.
fn frame(result: QueryResult) -> Encoded {
    let result = Some(result);
    Encoded::of(&QueryResponse { result })
}

/// An annotation without its place: Thanos sends queries that it has made of others,
/// and says none.
fn without_place(mut text: String) -> String {
    let is_place = |place: &str| {
        let numbers = place.split_once(':');
        let is_number = |n: &str| !n.is_empty() && n.bytes().all(|digit| digit.is_ascii_digit());
        numbers.is_some_and(|(line, column)| is_number(line) && is_number(column))
    };
    if let Some((before, place)) = text
        .strip_suffix(')')
        .and_then(|text| text.rsplit_once(" ("))
        && is_place(place)
    {
        text.truncate(before.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_lose_their_place_alone() {
        for (text, want) in [
            ("PromQL info: a \"b\" (1:20)", "PromQL info: a \"b\""),
            ("a store said (1:2", "a store said (1:2"),
            ("replica (a:2)", "replica (a:2)"),
            ("(1:2)", "(1:2)"),
            ("", ""),
        ] {
            assert_eq!(without_place(text.to_string()), want);
        }
    }
}
