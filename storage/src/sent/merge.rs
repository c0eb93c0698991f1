//! The series of several servers as one answer.

use std::cmp::Ordering;
use std::sync::Arc;

use quarrel_engine::labels::{LabelList, SymbolTable};
use quarrel_engine::storage::{SelectControl, StorageError};

use super::chunk::SentChunk;
use super::collect::SentSeries;
use super::source::SentSource;
use crate::sorted::merge_sorted;
use crate::translation::Known;

/// Rows between two questions whether the query still wants the answer.
const ROWS_A_CHECK: usize = 4096;

/// Unites the series of all stores, with their addresses: one row for each label set, with the chunks of all
/// stores in order of time; chunks that several have sent alike occur once. Of
/// overlapping chunks, those of the first store come first.
///
/// # Errors
/// The end of the query.
pub(crate) async fn merge(
    stores: Vec<(Arc<str>, SentSeries)>,
    symbols: &SymbolTable,
    control: &dyn SelectControl,
) -> Result<(LabelList, SentSource), StorageError> {
    let (addresses, stores): (Vec<_>, Vec<_>) = stores.into_iter().unzip();
    let mut translated = Vec::with_capacity(stores.len());
    for store in &stores {
        translated.push(translate(store, symbols, control).await?);
    }
    let rows = order(&translated, symbols);
    let mut labels = LabelList::with_capacity(rows.len(), 8);
    let chunks = stores.iter().map(|store| store.chunks.len()).sum();
    control.reserve(SentSource::room(rows.len(), chunks))?;
    let mut source = SentSource::with_capacity(addresses, rows.len(), chunks);
    let mut row: Vec<(usize, SentChunk)> = Vec::new();
    let mut rest = &rows[..];
    while let Some(&(store, number)) = rest.first() {
        if labels.len().is_multiple_of(ROWS_A_CHECK) {
            control.check()?;
            yield_now().await;
        }
        let own = translated[store].get(number as usize);
        let equal =
            |&&(store, number): &&(usize, u32)| translated[store].get(number as usize) == own;
        let (same, others) = rest.split_at(rest.iter().take_while(equal).count());
        rest = others;
        labels.push(own.iter().copied());
        row.clear();
        for &(store, number) in same {
            let own = stores[store].chunks_of(number as usize);
            row.extend(own.iter().map(|chunk| (store, chunk.clone())));
        }
        in_order(&mut row);
        source.push(row.drain(..));
    }
    Ok((labels, source))
}

/// The rows of all stores in the order of their labels: store and row.
fn order(lists: &[LabelList], symbols: &SymbolTable) -> Vec<(usize, u32)> {
    let rows = |(store, list): (usize, &LabelList)| {
        (0..list.len() as u32).map(|row| (store, row)).collect()
    };
    let rows: Vec<Vec<(usize, u32)>> = lists.iter().enumerate().map(rows).collect();
    let symbols = symbols.read();
    merge_sorted(rows, &mut |a: &(usize, u32),
                             b: &(usize, u32)|
     -> Ordering {
        symbols.compare(lists[a.0].get(a.1 as usize), lists[b.0].get(b.1 as usize))
    })
}

/// The labels of a store's rows as symbols of the query.
async fn translate(
    store: &SentSeries,
    symbols: &SymbolTable,
    control: &dyn SelectControl,
) -> Result<LabelList, StorageError> {
    let rows = store.labels.len();
    let mut list = LabelList::with_capacity(rows, store.labels.labels_a_row());
    let mut known = Known::default();
    for start in (0..rows).step_by(ROWS_A_CHECK) {
        control.check()?;
        {
            let mut translation = known.between(&store.symbols, symbols);
            for row in start..rows.min(start + ROWS_A_CHECK) {
                list.push(
                    store
                        .labels
                        .get(row)
                        .iter()
                        .map(|label| translation.label(label)),
                );
            }
        }
        yield_now().await;
    }
    Ok(list)
}

/// Lets other tasks of the thread come in between.
async fn yield_now() {
    tokio::task::yield_now().await;
}

/// Brings the chunks of a row in order of time, and leaves one of each kind.
fn in_order(row: &mut Vec<(usize, SentChunk)>) {
    let ascends = |pair: &[(usize, SentChunk)]| pair[0].1.times() < pair[1].1.times();
    if row.windows(2).all(ascends) {
        return;
    }
    row.sort_by_key(|(_, chunk)| chunk.times());
    let mut kept = 0;
    for at in 0..row.len() {
        let own = &row[at].1;
        let known = row[..kept]
            .iter()
            .rev()
            .take_while(|(_, chunk)| chunk.times() == own.times())
            .any(|(_, chunk)| chunk.is_same(own));
        if !known {
            row.swap(kept, at);
            kept += 1;
        }
    }
    row.truncate(kept);
}
