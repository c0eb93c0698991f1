//! Buffers of batches that nobody needs any more, for the batches to come: with
//! most allocators fresh memory costs more than what is computed in it.

use parking_lot::Mutex;

use super::SeriesBatch;

/// Batches whose buffers are kept at most; a thread needs one or two.
const KEPT: usize = 8;

/// The buffers of one batch.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub series: Vec<u32>,
    pub first_step: Vec<u32>,
    pub ends: Vec<i32>,
    pub values: Vec<f64>,
}

/// The buffers that wait for a batch of their query.
#[derive(Debug, Default)]
pub struct SpareBuffers {
    spare: Mutex<Vec<Buffers>>,
}

impl SpareBuffers {
    /// Keeps the buffers of a batch, those that nobody else holds.
    pub fn give_back(&self, batch: SeriesBatch) {
        if self.spare.lock().len() >= KEPT {
            return;
        }
        let ends = batch.offsets.into_inner().into_inner();
        let mut buffers = Buffers {
            series: batch.series.into_inner().into_vec().unwrap_or_default(),
            first_step: batch.first_step.into_inner().into_vec().unwrap_or_default(),
            ends: ends.into_vec().unwrap_or_default(),
            values: batch.values.into_inner().into_vec().unwrap_or_default(),
        };
        buffers.series.clear();
        buffers.first_step.clear();
        buffers.ends.clear();
        buffers.values.clear();
        if buffers.values.capacity() > 0 {
            self.spare.lock().push(buffers);
        }
    }

    /// Buffers for a batch: empty, with the room that they had before.
    pub(super) fn take(&self) -> Buffers {
        self.spare.lock().pop().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::BatchBuilder;

    fn batch(spare: &SpareBuffers) -> SeriesBatch {
        let mut builder = BatchBuilder::with_target(100);
        builder.begin(3, spare);
        for series in 0..3 {
            builder.push_full(series, 0, &[1.0, 2.0]);
        }
        builder.finish()
    }

    #[test]
    fn buffers_come_again_unless_somebody_holds_them() {
        let spare = SpareBuffers::default();
        let first = batch(&spare);
        let place = first.row(0).values.as_ptr();
        let held = first.clone();
        spare.give_back(first);
        assert_eq!(spare.take().values.capacity(), 0, "held by another");
        spare.give_back(held);
        let again = batch(&spare);
        assert_eq!(again.row(0).values.as_ptr(), place);
        assert_eq!((again.len(), again.row(2).values), (3, &[1.0, 2.0][..]));
    }

    #[test]
    fn few_are_kept() {
        let spare = SpareBuffers::default();
        let batches: Vec<_> = (0..20).map(|_| batch(&spare)).collect();
        batches.into_iter().for_each(|batch| spare.give_back(batch));
        assert_eq!(spare.spare.lock().len(), KEPT);
    }
}
