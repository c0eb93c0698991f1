//! The series that one server sends, kept as they arrive.

use std::cmp::Ordering;

use quarrel_engine::labels::{Label, LabelList, Symbol, SymbolTable, SymbolsMut};
use quarrel_engine::storage::TimeRange;
use quarrel_functions::fmt::quote_bytes;

use super::chunk::SentChunk;
use crate::shard::Shard;

/// A label as a server sends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SentLabel<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The labels of a message.
#[cfg(feature = "remote_read")]
pub(crate) fn sent_labels(labels: &[quarrel_proto::labels::Label]) -> Vec<SentLabel<'_>> {
    let labels = labels.iter();
    let sent = labels.map(|label| SentLabel {
        name: &label.name,
        value: &label.value,
    });
    sent.collect()
}

/// The series of a server, with labels in a table of its own.
#[derive(Debug, Default)]
pub(crate) struct SentSeries {
    pub(crate) symbols: SymbolTable,
    pub(crate) labels: LabelList,
    pub(crate) chunks: Vec<SentChunk>,
    /// The end of each row's chunks.
    pub(crate) ends: Vec<usize>,
}

/// Takes in the series of a server.
#[derive(Debug)]
pub(crate) struct Collector {
    series: SentSeries,
    /// The range that is asked for; chunks outside of it are dropped.
    range: TimeRange,
    /// The shard that is asked for, if the server does not know of it.
    shard: Option<Shard>,
    /// Labels that are left out.
    without: Vec<String>,
    /// Whether each row was above the one before.
    is_sorted: bool,
    row: Vec<Label>,
    hashed: Vec<u8>,
}

/// What a message has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) series: u64,
    pub(crate) chunks: u64,
    pub(crate) samples: u64,
    /// Bytes of labels and chunks in the message.
    pub(crate) sent: usize,
    /// Bytes of memory that the message holds, and what was made of it.
    pub(crate) held: usize,
}

impl Collector {
    pub(crate) fn new(range: TimeRange, shard: Option<Shard>) -> Self {
        Collector {
            series: SentSeries::default(),
            range,
            shard,
            without: Vec::new(),
            is_sorted: true,
            row: Vec::new(),
            hashed: Vec::new(),
        }
    }

    /// The same without labels of these names.
    #[cfg(feature = "remote_read")]
    pub(crate) fn without(mut self, names: Vec<String>) -> Self {
        self.without = names;
        self
    }

    /// Takes in the series of one message: labels, and chunks.
    ///
    /// # Errors
    /// When a series is not what it should be.
    pub(crate) fn take<'a, C>(
        &mut self,
        series: impl IntoIterator<Item = (Vec<SentLabel<'a>>, C)>,
    ) -> Result<Taken, String>
    where
        C: IntoIterator<Item = Result<Option<SentChunk>, String>>,
    {
        let before = self.series.bytes();
        let mut taken = Taken::default();
        for (labels, chunks) in series {
            taken.series += 1;
            taken.sent += labels.iter().map(sent_bytes).sum::<usize>();
            if self.row_of(&labels)? {
                self.take_chunks(chunks, &mut taken)?;
            }
        }
        // Chunks are views of the message, which they hold as a whole.
        taken.held = self.series.bytes().saturating_sub(before) + taken.sent;
        Ok(taken)
    }

    /// Makes the series' row the last one; false if it is not asked for.
    fn row_of(&mut self, labels: &[SentLabel<'_>]) -> Result<bool, String> {
        let SentSeries {
            symbols,
            labels: rows,
            ends,
            chunks,
        } = &mut self.series;
        let last = rows.len().checked_sub(1).map(|row| rows.get(row));
        let mut symbols = symbols.write();
        read_labels(
            labels,
            &self.without,
            last.unwrap_or_default(),
            &mut symbols,
            &mut self.row,
        )?;
        if let Some(shard) = &self.shard {
            let texts = self.row.iter();
            let texts = texts.map(|label| (symbols.get(label.name), symbols.get(label.value)));
            if !shard.matches(texts, &mut self.hashed) {
                return Ok(false);
            }
        }
        match last.map(|last| compare(&symbols, last, &self.row)) {
            // A series may come in several messages.
            Some(Ordering::Equal) => return Ok(true),
            Some(Ordering::Greater) => self.is_sorted = false,
            Some(Ordering::Less) | None => {}
        }
        rows.push(self.row.iter().copied());
        ends.push(chunks.len());
        Ok(true)
    }

    /// Adds chunks to the last row.
    fn take_chunks(
        &mut self,
        sent: impl IntoIterator<Item = Result<Option<SentChunk>, String>>,
        taken: &mut Taken,
    ) -> Result<(), String> {
        let SentSeries { chunks, ends, .. } = &mut self.series;
        for chunk in sent {
            taken.chunks += 1;
            let Some(chunk) = chunk? else {
                continue;
            };
            taken.sent += chunk.bytes();
            taken.samples += chunk.samples();
            let (start, end) = chunk.times();
            if self.range.overlaps(start, end) {
                chunks.push(chunk);
            }
        }
        if let Some(end) = ends.last_mut() {
            *end = chunks.len();
        }
        Ok(())
    }

    /// How many series there are.
    #[cfg(any(feature = "store_api", test))]
    pub(crate) fn len(&self) -> usize {
        self.series.labels.len()
    }

    /// All series: sorted, each once.
    pub(crate) fn finish(self) -> SentSeries {
        match self.is_sorted {
            true => self.series,
            false => self.series.sorted(),
        }
    }
}

impl SentSeries {
    /// The chunks of a row.
    pub(crate) fn chunks_of(&self, row: usize) -> &[SentChunk] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.chunks[start..self.ends[row]]
    }

    /// Bytes of labels and of the list of chunks, without those of the chunks.
    fn bytes(&self) -> usize {
        self.symbols.bytes()
            + self.labels.bytes()
            + self.chunks.capacity() * size_of::<SentChunk>()
            + self.ends.capacity() * size_of::<usize>()
    }

    /// The same series in order of their labels; equal ones are united.
    fn sorted(mut self) -> Self {
        let mut order: Vec<u32> = (0..self.labels.len() as u32).collect();
        let mut labels = LabelList::with_capacity(self.labels.len(), self.labels.labels_a_row());
        let mut chunks = Vec::with_capacity(self.chunks.len());
        let mut ends: Vec<usize> = Vec::with_capacity(self.ends.len());
        {
            let symbols = self.symbols.read();
            let row = |row: u32| self.labels.get(row as usize);
            order.sort_by(|&a, &b| symbols.compare(row(a), row(b)));
            let mut before = None;
            for at in order {
                if before.replace(row(at)) != Some(row(at)) {
                    labels.push(row(at).iter().copied());
                    ends.push(0);
                }
                chunks.extend_from_slice(self.chunks_of(at as usize));
                if let Some(end) = ends.last_mut() {
                    *end = chunks.len();
                }
            }
        }
        (self.labels, self.chunks, self.ends) = (labels, chunks, ends);
        self
    }
}

fn sent_bytes(label: &SentLabel<'_>) -> usize {
    label.name.len() + label.value.len()
}

/// Reads the labels of a series into `row`, but for those of some names. Those that are
/// the same as at their place in the series before, as most are, are not looked up.
fn read_labels(
    labels: &[SentLabel<'_>],
    without: &[String],
    before: &[Label],
    symbols: &mut SymbolsMut<'_>,
    row: &mut Vec<Label>,
) -> Result<(), String> {
    row.clear();
    let mut in_order = true;
    for (at, label) in labels.iter().enumerate() {
        if label.value.is_empty() && !label.name.is_empty() {
            // In Prometheus, the same as no label.
            continue;
        }
        if without.iter().any(|name| name.as_bytes() == label.name) {
            continue;
        }
        let known = before.get(at);
        let name = symbol(label.name, known.map(|label| label.name), symbols);
        let value = symbol(label.value, known.map(|label| label.value), symbols);
        let (Some(name), Some(value)) = (name, value) else {
            return Err(wrong(labels, "has a label that is not UTF-8"));
        };
        if label.name.is_empty() {
            return Err(wrong(labels, "has a label without a name"));
        }
        in_order &= row
            .last()
            .is_none_or(|last| symbols.get(last.name) < symbols.get(name));
        row.push(Label { name, value });
    }
    if !in_order {
        row.sort_by(|a, b| symbols.get(a.name).cmp(symbols.get(b.name)));
        if row.windows(2).any(|pair| pair[0].name == pair[1].name) {
            return Err(wrong(labels, "has a label twice"));
        }
    }
    Ok(())
}

/// The symbol of a text, which may be that of `known`; `None` if it is not UTF-8.
fn symbol(bytes: &[u8], known: Option<Symbol>, symbols: &mut SymbolsMut<'_>) -> Option<Symbol> {
    let same = |&known: &Symbol| symbols.get(known).as_bytes() == bytes;
    match known.filter(same) {
        Some(known) => Some(known),
        None => Some(symbols.intern(std::str::from_utf8(bytes).ok()?)),
    }
}

/// What is wrong with a series, and which it is.
pub(crate) fn wrong(labels: &[SentLabel<'_>], why: &str) -> String {
    const LONGEST: usize = 20;
    let shown = labels.iter().take(LONGEST);
    let shown: Vec<String> = shown
        .map(|l| {
            format!(
                "{}={}",
                String::from_utf8_lossy(l.name),
                quote_bytes(l.value)
            )
        })
        .collect();
    let more = if labels.len() > LONGEST { ", ..." } else { "" };
    format!("series {{{}{more}}} {why}", shown.join(", "))
}

/// Orders two label sets as [`quarrel_engine::labels::Symbols::compare`] does.
fn compare(symbols: &SymbolsMut<'_>, a: &[Label], b: &[Label]) -> Ordering {
    for (x, y) in a.iter().zip(b) {
        if x.name != y.name {
            return symbols.get(x.name).cmp(symbols.get(y.name));
        }
        if x.value != y.value {
            return symbols.get(x.value).cmp(symbols.get(y.value));
        }
    }
    a.len().cmp(&b.len())
}
