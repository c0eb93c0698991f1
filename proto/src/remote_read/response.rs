//! Answers with samples, read a series at a time: a whole one as a tree of messages
//! would take several times its bytes.

use prost::bytes::{Buf as _, Bytes};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message as _};

use crate::samples::TimeSeries;

/// Why bytes are not a `ReadResponse`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// They are not a message.
    #[error(transparent)]
    Message(#[from] DecodeError),
    /// They end within a series.
    #[error("the answer ends within a series")]
    Truncated,
}

/// The field of a result in `ReadResponse`, and of a series in `QueryResult`.
const FIELD: u32 = 1;

/// The series of a `ReadResponse`, each with the number of its result.
///
/// # Examples
/// ```
/// use prost::Message as _;
/// use quarrel_proto::remote_read::response::SeriesOf;
/// use quarrel_proto::remote_read::{QueryResult, ReadResponse};
/// use quarrel_proto::samples::TimeSeries;
///
/// let result = QueryResult { timeseries: vec![TimeSeries::default(); 2] };
/// let response = ReadResponse { results: vec![QueryResult::default(), result] };
/// let mut series = SeriesOf::new(response.encode_to_vec().into());
/// assert_eq!(series.by_ref().map(|one| one.unwrap().0).collect::<Vec<_>>(), [1, 1]);
/// assert_eq!(series.results(), 2);
/// ```
#[derive(Debug)]
pub struct SeriesOf {
    response: Bytes,
    result: Bytes,
    results: usize,
}

impl SeriesOf {
    /// Those of an encoded response.
    pub fn new(response: Bytes) -> Self {
        SeriesOf {
            response,
            result: Bytes::new(),
            results: 0,
        }
    }

    /// How many results there were so far.
    pub fn results(&self) -> usize {
        self.results
    }

    fn read(&mut self) -> Result<Option<(usize, TimeSeries)>, ResponseError> {
        loop {
            if let Some(series) = next_message(&mut self.result)? {
                // `result` is of the last one.
                return Ok(Some((self.results - 1, TimeSeries::decode(series)?)));
            }
            let Some(result) = next_message(&mut self.response)? else {
                return Ok(None);
            };
            self.result = result;
            self.results += 1;
        }
    }
}

impl Iterator for SeriesOf {
    type Item = Result<(usize, TimeSeries), ResponseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.read();
        if next.is_err() {
            (self.response, self.result) = (Bytes::new(), Bytes::new());
        }
        next.transpose()
    }
}

/// The next message in [`FIELD`]; other fields are skipped. `None` at the end.
fn next_message(bytes: &mut Bytes) -> Result<Option<Bytes>, ResponseError> {
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(bytes)?;
        if tag != FIELD || wire_type != WireType::LengthDelimited {
            skip_field(wire_type, tag, bytes, DecodeContext::default())?;
            continue;
        }
        let length = decode_varint(bytes)?;
        match usize::try_from(length) {
            Ok(length) if length <= bytes.len() => return Ok(Some(bytes.split_to(length))),
            _ => return Err(ResponseError::Truncated),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::labels::Label;
    use crate::remote_read::{QueryResult, ReadResponse};
    use crate::samples::Sample;

    fn series(name: &str, samples: usize) -> TimeSeries {
        let label = Label {
            name: "__name__".into(),
            value: name.to_string().into(),
        };
        let sample = |at| Sample {
            value: at as f64,
            timestamp: at as i64,
        };
        TimeSeries {
            labels: vec![label],
            samples: (0..samples).map(sample).collect(),
            ..TimeSeries::default()
        }
    }

    proptest! {
        #[test]
        fn series_are_those_of_the_message(sizes in prop::collection::vec(prop::collection::vec(0usize..5, 0..4), 0..4)) {
            let result = |sizes: &Vec<usize>| QueryResult {
                timeseries: sizes.iter().map(|&size| series("up", size)).collect(),
            };
            let response = ReadResponse { results: sizes.iter().map(result).collect() };
            let mut of = SeriesOf::new(response.encode_to_vec().into());
            let read: Vec<_> = of.by_ref().collect::<Result<_, _>>().unwrap();
            let numbered = response.results.into_iter().enumerate();
            let expected: Vec<_> = numbered
                .flat_map(|(number, result)| result.timeseries.into_iter().map(move |one| (number, one)))
                .collect();
            prop_assert_eq!(read, expected);
            prop_assert_eq!(of.results(), sizes.len());
        }

        /// As prost reads the whole message.
        #[test]
        fn any_bytes_are_series_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let read: Result<Vec<_>, _> = SeriesOf::new(bytes.clone().into()).collect();
            if let Ok(whole) = ReadResponse::decode(&bytes[..]) {
                let series = whole.results.into_iter().flat_map(|result| result.timeseries);
                let read: Vec<_> = read.unwrap().into_iter().map(|(_, one)| one).collect();
                prop_assert_eq!(read, series.collect::<Vec<_>>());
            }
        }
    }
}
