//! The selects of a query: each asked once, all on one snapshot.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use quarrel_functions::table::Aggregate;
use quarrel_planner::logical::Select;

use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::{QueryContext, ROWS_A_CHECK};
use crate::exec::store_control::StoreControl;
use crate::labels::{Label, LabelList, Symbol};
use crate::storage::{
    Deduplication, Matcher, SelectControl, SelectHints, SelectRequest, Selected, SeriesSource,
    Snapshot, StorageError, TimeRange,
};

/// Thanos's coarsest resolution, ms.
const LONGEST_WINDOW_MS: i64 = 60 * 60 * 1000;

/// The series of one selector.
#[derive(Clone)]
pub(crate) struct Selection {
    /// Their labels, sorted.
    pub labels: Arc<LabelList>,
    /// Their samples.
    pub source: Arc<dyn SeriesSource>,
    /// How the replicas of a row become one.
    pub deduplication: Deduplication,
    /// For each row its number in `source`; `None` if they are the same.
    pub rows: Option<Arc<[u32]>>,
    /// Samples in all series, guessed.
    pub estimated_samples: u64,
}

impl Selection {
    /// Fetches rows of the source, where the store has to, and takes in what the store
    /// says of them. Whether there was anything to fetch.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn fetch(
        &self,
        rows: Range<u32>,
        context: &QueryContext,
    ) -> Result<bool, QueryError> {
        let Some(fetching) = self.source.prefetch(rows) else {
            return Ok(false);
        };
        context.wait_on_runtime(fetching).await?;
        context.add_storage_warnings(self.source.take_warnings());
        Ok(true)
    }
}

impl std::fmt::Debug for Selection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selection")
            .field("series", &self.labels.len())
            .finish_non_exhaustive()
    }
}

/// The answers of all selects, by the plan node that asked.
#[derive(Debug, Default)]
pub(crate) struct Selections {
    by_node: HashMap<u32, Selection>,
    /// What the labels hold of the query's memory.
    account: Option<Account>,
}

/// What makes two selects one.
#[derive(PartialEq, Eq, Hash)]
struct Key<'p> {
    matchers: &'p [Matcher],
    range: TimeRange,
}

/// The time range that all selectors together look at.
pub(crate) fn time_range(selects: &[(u32, &Select)], max_resolution_ms: i64) -> TimeRange {
    let start = selects
        .iter()
        .map(|(_, s)| asked_range(s, max_resolution_ms).start)
        .min();
    let end = selects
        .iter()
        .map(|(_, s)| asked_range(s, max_resolution_ms).end)
        .max();
    match (start, end) {
        (Some(start), Some(end)) => TimeRange { start, end },
        _ => TimeRange { start: 0, end: -1 },
    }
}

/// The range that is asked for: where downsampled data may come, whole windows,
/// also of those that begin before it or end behind it.
fn asked_range(select: &Select, max_resolution_ms: i64) -> TimeRange {
    let (start, end) = select
        .group
        .as_ref()
        .map_or(select.time_range, |g| g.time_range);
    let by_ms = match start <= end {
        true => max_resolution_ms.min(LONGEST_WINDOW_MS),
        false => 0,
    };
    TimeRange {
        start: start.saturating_sub(by_ms),
        end: end.saturating_add(by_ms),
    }
}

impl Selections {
    /// Asks the store for all selectors of a plan.
    ///
    /// # Errors
    /// Those of the store, and the query's limits; any error if the query
    /// turned out heavy and did not pass the gate.
    pub async fn load(
        selects: &[(u32, &Select)],
        snapshot: &dyn Snapshot,
        context: &Arc<QueryContext>,
        control: StoreControl,
    ) -> Result<Self, QueryError> {
        #[expect(
            clippy::mutable_key_type,
            reason = "matchers hash by their text, not by what is built for it"
        )]
        let mut asked: HashMap<Key<'_>, Vec<(u32, &Select)>> = HashMap::new();
        for &(id, select) in selects {
            let group = select.group.as_ref();
            let key = Key {
                matchers: group.map_or(&select.matchers, |g| &g.matchers),
                range: asked_range(select, context.semantics.max_resolution_ms),
            };
            asked.entry(key).or_default().push((id, select));
        }
        let mut asked: Vec<_> = asked.into_iter().collect();
        asked.sort_unstable_by_key(|(_, nodes)| nodes[0].0);
        let answers = asked.iter().map(|(key, nodes)| {
            let hints = hints_of(nodes, context.semantics.max_resolution_ms);
            let projection = projection_of(nodes);
            let control = &control;
            async move {
                let request = SelectRequest::new(key.matchers, key.range, &hints, &context.symbols)
                    .with_control(control)
                    .with_projection(projection.as_deref());
                let mut selected = snapshot.select(request).await?;
                if selected.projected && !selected.labels.has_one_metadata() {
                    // Nobody could tell whether rows differ without it.
                    selected = snapshot.select(request.with_projection(None)).await?;
                }
                control.check()?;
                Ok::<_, StorageError>(selected)
            }
        });
        let answers = futures::future::try_join_all(answers).await;
        let answers = answers.map_err(|error| control.reason(error))?;
        let held = |answer: &Selected| answer.labels.bytes() + answer.series.held_bytes();
        let mut account = control.settle(answers.iter().map(held).sum())?;
        let mut by_node = HashMap::new();
        for (answer, (_, nodes)) in answers.into_iter().zip(asked) {
            context.check()?;
            check_order(&answer.labels, answer.projected, context)?;
            let shared = Selection::new(answer, context);
            for (id, select) in nodes {
                let selection = match &select.group {
                    Some(_) => shared.narrow(&select.matchers, context, &mut account)?,
                    None => shared.clone(),
                };
                by_node.insert(id, selection);
            }
        }
        Ok(Selections {
            by_node,
            account: Some(account),
        })
    }

    /// Hands the memory of the labels over to the query: from here on they live
    /// as long as its plan.
    pub fn keep(&mut self) {
        if let Some(account) = self.account.take() {
            account.keep_lasting();
        }
    }

    /// The series that the selector of node `id` brought.
    pub fn of(&self, id: u32) -> Result<&Selection, QueryError> {
        let missing = || QueryError::Internal(format!("plan node {id} has no select"));
        self.by_node.get(&id).ok_or_else(missing)
    }

    /// Series of all selectors together.
    pub fn series(&self) -> usize {
        self.by_node.values().map(|s| s.labels.len()).sum()
    }

    /// Samples in all series, guessed.
    pub fn estimated_samples(&self) -> u64 {
        self.by_node.values().map(|s| s.estimated_samples).sum()
    }
}

impl Selection {
    fn new(selected: Selected, context: &Arc<QueryContext>) -> Self {
        let Selected {
            labels,
            series,
            deduplication,
            warnings,
            ..
        } = selected;
        context.add_storage_warnings(warnings);
        context.stats.series.fetch_add(labels.len() as u64, Relaxed);
        // A store that cannot guess has about an hour of samples a series.
        let guess = || labels.len() as u64 * 240;
        Selection {
            estimated_samples: series.estimated_samples().unwrap_or_else(guess),
            labels: Arc::new(labels),
            source: series,
            deduplication,
            rows: None,
        }
    }

    /// The number that a row has in the source.
    pub fn source_row(&self, row: u32) -> u32 {
        self.rows.as_ref().map_or(row, |map| map[row as usize])
    }

    /// The rows that satisfy all matchers.
    fn narrow(
        &self,
        matchers: &[Matcher],
        context: &Arc<QueryContext>,
        account: &mut Account,
    ) -> Result<Selection, QueryError> {
        let symbols = context.symbols.read();
        let mut tests: Vec<(Option<Symbol>, &Matcher, HashMap<Symbol, bool>)> = matchers
            .iter()
            .map(|m| (symbols.find(m.name()), m, HashMap::new()))
            .collect();
        let mut rows = Vec::new();
        for (row, labels) in self.labels.iter().enumerate() {
            if row.is_multiple_of(ROWS_A_CHECK) {
                context.check()?;
            }
            let all = tests.iter_mut().all(|(name, matcher, memo)| {
                let value = name
                    .and_then(|n| crate::labels::find_label(labels, n))
                    .unwrap_or(Symbol::EMPTY);
                *memo
                    .entry(value)
                    .or_insert_with(|| matcher.matches(symbols.get(value)))
            });
            if all {
                rows.push(row as u32);
            }
        }
        if rows.len() == self.labels.len() {
            return Ok(self.clone());
        }
        account.grow(self.labels.bytes_of(rows.len()) + rows.len() * size_of::<u32>())?;
        let share = self.estimated_samples / (self.labels.len() as u64).max(1);
        Ok(Selection {
            labels: Arc::new(self.labels.take(&rows)),
            source: Arc::clone(&self.source),
            deduplication: self.deduplication,
            estimated_samples: share * rows.len() as u64,
            rows: Some(rows.into()),
        })
    }
}

/// Makes sure that a store gives series in order and each once: ties are
/// decided by it, and rows with equal labels would stay apart. Of projected rows
/// the order cannot be told.
pub(crate) fn check_order(
    labels: &LabelList,
    projected: bool,
    context: &QueryContext,
) -> Result<(), QueryError> {
    let symbols = context.symbols.read();
    let told = |what: String| Err(QueryError::Storage(StorageError::Other(what)));
    let mut before: Option<&[Label]> = None;
    for (number, row) in labels.iter().enumerate() {
        if number.is_multiple_of(ROWS_A_CHECK) {
            context.check()?;
        }
        let in_order = row
            .windows(2)
            .all(|pair| symbols.compare_text(pair[0].name, pair[1].name) == Ordering::Less);
        if !in_order || row.iter().any(|label| label.value == Symbol::EMPTY) {
            return told(format!(
                "the store gave series {}: labels must be sorted by name, differ, and have values",
                symbols.display_braces(row)
            ));
        }
        if let Some(before) = before.filter(|_| !projected)
            && symbols.compare(before, row) != Ordering::Less
        {
            return told(format!(
                "the store gave series {} behind {}: series must be sorted by labels and differ",
                symbols.display_braces(row),
                symbols.display_braces(before)
            ));
        }
        before = Some(row);
    }
    Ok(())
}

/// The labels that any of the selectors needs; `None` if one needs all.
fn projection_of(nodes: &[(u32, &Select)]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for (_, select) in nodes {
        names.extend_from_slice(select.projection.as_ref()?);
    }
    names.sort_unstable();
    names.dedup();
    Some(names)
}

/// What the store is told of the plan above selectors that ask together: the
/// first one's function, and what any of them needs of downsampled data.
fn hints_of(nodes: &[(u32, &Select)], max_resolution_ms: i64) -> SelectHints {
    let select = nodes[0].1;
    let finest = nodes.iter().map(|(_, select)| match select {
        Select {
            needs_two_samples: true,
            windows,
            ..
        } => max_resolution_ms.min(windows.range_ms / 2),
        _ => max_resolution_ms,
    });
    let wanted = |select: &Select| select.downsampled.aggregates();
    let mut aggregates: Vec<Aggregate> = (nodes.iter())
        .flat_map(|(_, select)| wanted(select).iter().copied())
        .collect();
    aggregates.sort_unstable();
    aggregates.dedup();
    SelectHints {
        max_resolution_ms: finest.min().unwrap_or(0).max(0),
        aggregates,
        step_ms: select.hint_step_ms,
        range_ms: if select.instant {
            0
        } else {
            select.windows.range_ms
        },
        function: select.function.clone(),
        grouping: select.grouping.clone(),
        by: select.by,
    }
}
