//! All rows of a node.

use super::{Row, SeriesBatch};

/// All rows of a node, found by number.
#[derive(Debug, Default)]
pub struct Rows {
    batches: Vec<SeriesBatch>,
    /// For each row number its batch and row, or `NONE`.
    places: Vec<(u32, u32)>,
}

const NONE: u32 = u32::MAX;

impl Rows {
    /// What a row number takes, bytes.
    pub const BYTES_A_ROW: usize = size_of::<(u32, u32)>();

    /// Room for rows numbered below `rows`.
    pub fn new(rows: usize) -> Self {
        Rows {
            batches: Vec::new(),
            places: vec![(NONE, 0); rows],
        }
    }

    /// Takes a batch in.
    pub fn add(&mut self, batch: SeriesBatch) {
        let b = self.batches.len() as u32;
        for (i, &series) in batch.series.iter().enumerate() {
            self.places[series as usize] = (b, i as u32);
        }
        self.batches.push(batch);
    }

    /// Row `number`, if it has any sample.
    pub fn get(&self, number: u32) -> Option<Row<'_>> {
        let (b, i) = *self.places.get(number as usize)?;
        (b != NONE).then(|| self.batches[b as usize].row(i as usize))
    }

    /// All rows that have samples, by number.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.places.len() as u32).filter_map(|n| self.get(n))
    }

    /// All rows in the order in which they came.
    pub fn arrived(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches.iter().flat_map(|b| b.rows())
    }

    /// The batches as they came.
    pub fn into_batches(self) -> Vec<SeriesBatch> {
        self.batches
    }

    /// How many row numbers there are.
    pub fn capacity(&self) -> usize {
        self.places.len()
    }
}
