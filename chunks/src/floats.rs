//! Decodes float chunks to columns.

use crate::encoding::Encoding;
use crate::error::ChunkError;
use crate::lane::{self, Lane, Out};
use crate::plain::Plain;
use crate::xor::XorReader;
use crate::xor2::Xor2Reader;

/// Timestamps (ms) and values that samples are appended to.
pub(crate) struct Columns<'a> {
    pub(crate) timestamps: &'a mut Vec<i64>,
    pub(crate) values: &'a mut Vec<f64>,
}

impl Columns<'_> {
    fn len(&self) -> [usize; 2] {
        [self.timestamps.len(), self.values.len()]
    }

    pub(crate) fn truncate(&mut self, [timestamps, values]: [usize; 2]) {
        self.timestamps.truncate(timestamps);
        self.values.truncate(values);
    }

    fn push(&mut self, (timestamp, value): (i64, f64)) {
        self.timestamps.push(timestamp);
        self.values.push(value);
    }

    /// Appends `samples` zeros for a lane to write to.
    fn grow(&mut self, samples: usize) -> Out<'_> {
        let [timestamps, values] = self.len();
        self.timestamps.resize(timestamps + samples, 0);
        self.values.resize(values + samples, 0.0);
        Out {
            timestamps: &mut self.timestamps[timestamps..],
            values: &mut self.values[values..],
        }
    }
}

/// Appends the samples of a float chunk to two columns. On an error the columns
/// are unchanged.
///
/// # Errors
/// When the chunk is corrupt or holds histograms.
pub fn decode_floats(
    encoding: Encoding,
    bytes: &[u8],
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    decode_floats_until(encoding, bytes, i64::MAX, timestamps, values)
}

/// Appends the samples of a float chunk that come before the first one later
/// than `until` (ms). What stands behind that one is not read. On an error the
/// columns are unchanged.
///
/// # Errors
/// When what is read is corrupt, or the chunk holds histograms.
pub fn decode_floats_until(
    encoding: Encoding,
    bytes: &[u8],
    until: i64,
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let mut columns = Columns { timestamps, values };
    decode(encoding, bytes, until, &mut columns).map(|_| ())
}

/// As [`decode_floats`], with a column of start timestamps (ms), 0 where
/// unknown.
///
/// # Errors
/// As [`decode_floats`].
pub fn decode_floats_with_start(
    encoding: Encoding,
    bytes: &[u8],
    start_timestamps: &mut Vec<i64>,
    timestamps: &mut Vec<i64>,
    values: &mut Vec<f64>,
) -> Result<(), ChunkError> {
    let (from, mut columns) = (timestamps.len(), Columns { timestamps, values });
    // Lanes do not keep start timestamps.
    if encoding == Encoding::Xor2
        && let reader = Xor2Reader::new(bytes)?
        && reader.start_from() < usize::MAX
    {
        return decode_changing_starts(reader, start_timestamps, &mut columns);
    }
    let start = decode(encoding, bytes, i64::MAX, &mut columns)?;
    let samples = columns.timestamps.len() - from;
    start_timestamps.resize(start_timestamps.len() + samples, start);
    Ok(())
}

fn decode_changing_starts(
    mut reader: Xor2Reader<'_>,
    start_timestamps: &mut Vec<i64>,
    columns: &mut Columns<'_>,
) -> Result<(), ChunkError> {
    let (from, starts_from) = (columns.len(), start_timestamps.len());
    for _ in 0..reader.samples() {
        match reader.next() {
            Ok(sample) => {
                columns.push(sample);
                start_timestamps.push(reader.start());
            }
            Err(error) => {
                columns.truncate(from);
                start_timestamps.truncate(starts_from);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Appends samples up to `until` (ms) and returns the start timestamp of all.
fn decode(
    encoding: Encoding,
    bytes: &[u8],
    until: i64,
    columns: &mut Columns<'_>,
) -> Result<i64, ChunkError> {
    match encoding {
        Encoding::Xor => decode_as::<XorReader<'_>>(bytes, until, columns),
        Encoding::Xor2 => decode_as::<Xor2Reader<'_>>(bytes, until, columns),
        _ => Err(ChunkError::NotFloats),
    }
}

fn decode_as<'a, P: Plain<'a>>(
    bytes: &'a [u8],
    until: i64,
    columns: &mut Columns<'_>,
) -> Result<i64, ChunkError> {
    if !cfg!(quarrel_paths = "plain")
        && let Some(start) = decode_with_lane::<P>(bytes, until, columns)
    {
        return Ok(start);
    }
    let from = columns.len();
    let decoded = decode_plain::<P>(bytes, until, columns);
    if decoded.is_err() {
        columns.truncate(from);
    }
    decoded
}

/// `None`, and unchanged columns, if the chunk is short or damaged.
pub(crate) fn decode_with_lane<'a, P: Plain<'a>>(
    bytes: &'a [u8],
    until: i64,
    columns: &mut Columns<'_>,
) -> Option<i64> {
    let begun = Begun::new::<P>(bytes)?;
    let from = columns.len();
    let read = begun.read::<P>(until, columns.grow(begun.samples));
    columns.truncate(from.map(|len| len + read.unwrap_or(0)));
    read.map(|_| begun.start)
}

/// Decodes sample by sample: short chunks and damaged ones.
pub(crate) fn decode_plain<'a, P: Plain<'a>>(
    bytes: &'a [u8],
    until: i64,
    columns: &mut Columns<'_>,
) -> Result<i64, ChunkError> {
    let mut reader = P::new(bytes)?;
    for _ in 0..reader.samples() {
        let sample = reader.next()?;
        if sample.0 > until {
            break;
        }
        columns.push(sample);
    }
    Ok(reader.start())
}

/// Samples that the plain reader reads before a lane does.
const FIRST: usize = 2;

/// A chunk whose first samples are read.
struct Begun<'a> {
    data: &'a [u8],
    lane: Lane,
    first: [(i64, f64); FIRST],
    /// All of the chunk, if it is not damaged.
    samples: usize,
    start: i64,
    start_from: usize,
}

impl<'a> Begun<'a> {
    /// `None` if the chunk is short or damaged.
    fn new<P: Plain<'a>>(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = P::new(bytes).ok()?;
        let samples = reader.samples();
        if samples <= FIRST || samples > reader.most() {
            return None;
        }
        let first = [reader.next().ok()?, reader.next().ok()?];
        let (data, lane) = reader.lane();
        Some(Begun {
            data,
            lane,
            first,
            samples,
            start: reader.start(),
            start_from: reader.start_from(),
        })
    }

    /// Writes the samples up to `until` (ms) and returns their number. `None`
    /// if the chunk is damaged.
    fn read<P: Plain<'a>>(&self, until: i64, mut out: Out<'_>) -> Option<usize> {
        let rest = out.put(self.first)?;
        if let Some(read) = self.first.iter().position(|&(t, _)| t > until) {
            return Some(read);
        }
        let read = match until {
            i64::MAX => self.read_rest::<P, false>(until, rest),
            _ => self.read_rest::<P, true>(until, rest),
        };
        Some(FIRST + read?)
    }

    fn read_rest<P: Plain<'a>, const UNTIL: bool>(
        &self,
        until: i64,
        mut out: Out<'_>,
    ) -> Option<usize> {
        let (data, mut lane) = (self.data, self.lane);
        let without_start = out.first(self.start_from.saturating_sub(FIRST));
        let (read, later) = lane::read::<P::Format, UNTIL>(data, &mut lane, until, without_start)?;
        if later || self.start_from >= self.samples {
            return Some(read);
        }
        let rest = out.rest(read)?;
        let (more, _) = lane::read::<P::WithStart, UNTIL>(data, &mut lane, until, rest)?;
        Some(read + more)
    }
}
