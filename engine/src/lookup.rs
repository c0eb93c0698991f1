//! Look-ups of series, label names and label values, within a query's limits.

mod read;

use std::sync::Arc;

use quarrel_matchers::Matcher;

pub use read::SeriesReader;

use crate::error::QueryError;
use crate::exec::account::Account;
use crate::exec::context::{QueryContext, ROWS_A_CHECK};
use crate::exec::memory::Held;
use crate::exec::store_control::StoreControl;
use crate::labels::{LabelList, SymbolTable};
use crate::options::{QueryOptions, least};
use crate::query::CancelHandle;
use crate::shared::EngineShared;
use crate::statement::{bytes_of, check_length, is_long};
use crate::storage::{
    self, LabelsRequest, SelectControl, SelectHints, SelectRequest, Snapshot, Storage,
    StorageError, TimeRange,
};

/// A look-up of series, label names or label values. It takes a place among the
/// running queries, is parsed and computed on the engine's threads, and has a
/// query's limits. Dropping it, or any future it gave, stops its work.
///
/// # Examples
/// ```no_run
/// # use std::sync::Arc;
/// # use quarrel_engine::{Engine, QueryError, QueryOptions, storage::{Storage, TimeRange}};
/// # async fn find(engine: Engine, storage: Arc<dyn Storage>) -> Result<(), QueryError> {
/// let selectors = vec!["up{job=~\"api.*\"}".to_string()];
/// let lookup = engine.lookup(storage, selectors, TimeRange::ALL, QueryOptions::new());
/// for job in lookup.label_values("job").await?.found {
///     println!("{job}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct Lookup {
    engine: Arc<EngineShared>,
    storage: Arc<dyn Storage>,
    selectors: Selectors,
    range: TimeRange,
    max_selected: Option<u64>,
    context: Arc<QueryContext>,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup")
            .field("selectors", &self.selectors)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// What a look-up is asked for: any of these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Selectors {
    /// Selectors in PromQL. Each must exclude the empty string, as in Prometheus.
    Text(Vec<String>),
    /// Matchers, of which those of one list must all match.
    Matchers(Vec<Vec<Matcher>>),
}

impl From<Vec<String>> for Selectors {
    fn from(texts: Vec<String>) -> Self {
        Selectors::Text(texts)
    }
}

impl From<Vec<Vec<Matcher>>> for Selectors {
    fn from(matchers: Vec<Vec<Matcher>>) -> Self {
        Selectors::Matchers(matchers)
    }
}

/// What a look-up found. It counts against the engine's memory pool until it is
/// dropped.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found<T> {
    /// The answer, sorted.
    pub found: T,
    /// What the user should know about it.
    pub warnings: Vec<String>,
    _held: Held,
}

/// Series that a look-up found: their label sets, sorted and all different.
#[derive(Debug)]
#[non_exhaustive]
pub struct SeriesLabels {
    /// One row a series.
    pub labels: LabelList,
    /// The strings behind the labels' symbols.
    pub symbols: Arc<SymbolTable>,
}

/// A look-up that has begun.
#[derive(Clone)]
struct Begun {
    context: Arc<QueryContext>,
    selectors: Vec<Vec<Matcher>>,
    range: TimeRange,
    snapshot: Arc<dyn Snapshot>,
    /// Series that may be read.
    max_selected: Option<u64>,
    /// Whether it is taken for a short one.
    is_short: bool,
}

impl Lookup {
    pub(crate) fn new(
        engine: Arc<EngineShared>,
        storage: Arc<dyn Storage>,
        selectors: Selectors,
        range: TimeRange,
        options: &QueryOptions,
    ) -> Self {
        let own = engine.options.max_selected_series;
        Lookup {
            max_selected: least(own, options.max_selected_series),
            context: engine.context(options),
            engine,
            storage,
            selectors,
            range,
        }
    }

    /// A handle that ends this look-up.
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle::new(self.context.cancellation())
    }

    /// The label sets of all series that any selector matches.
    ///
    /// # Errors
    /// As [`Query::execute`](crate::Query::execute), and when a selector matches
    /// the empty string alone.
    pub async fn series(self) -> Result<Found<SeriesLabels>, QueryError> {
        let work = |begun: Begun| async move { begun.series().await };
        self.run(work, true).await
    }

    /// The series of one selector, with their samples.
    ///
    /// # Errors
    /// As [`Lookup::series`], when they are more than
    /// [`max_selected_series`](crate::QueryOptions::max_selected_series), and when
    /// there is another number of selectors.
    pub async fn read(self) -> Result<SeriesReader, QueryError> {
        let work = |begun: Begun| async move { begun.reader().await };
        self.run(work, true).await
    }

    /// The label names of the series that any selector matches, or of all series
    /// if there is no selector.
    ///
    /// # Errors
    /// As [`Lookup::series`].
    pub async fn label_names(self) -> Result<Found<Vec<String>>, QueryError> {
        let work = |begun: Begun| async move { begun.names(None).await };
        self.run(work, false).await
    }

    /// The values of a label; series as in [`Lookup::label_names`].
    ///
    /// # Errors
    /// As [`Lookup::series`].
    pub async fn label_values(
        self,
        name: impl Into<String>,
    ) -> Result<Found<Vec<String>>, QueryError> {
        let name = name.into();
        let work = move |begun: Begun| {
            let name = name.clone();
            async move { begun.names(Some(&name)).await }
        };
        self.run(work, false).await
    }

    /// Parses the selectors, and does no more.
    ///
    /// # Errors
    /// As [`Lookup::series`].
    pub async fn parse(self) -> Result<Vec<Vec<Matcher>>, QueryError> {
        let parsing = async {
            self.context.start_clock();
            self.engine.enter(&self.context, false).await?;
            self.parsed().await
        };
        self.context.contained(Box::pin(parsing)).await
    }

    async fn run<T, F>(
        self,
        work: impl Fn(Begun) -> F + Send + Sync + 'static,
        is_heavy: bool,
    ) -> Result<T, QueryError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, QueryError>> + Send + 'static,
    {
        let context = Arc::clone(&self.context);
        let running = async {
            context.start_clock();
            self.engine.enter(&context, is_heavy).await?;
            let selectors = self.parsed().await?;
            let view = async { Ok(storage::snapshot(&*self.storage, self.range).await?) };
            let begun = Begun {
                snapshot: context.guard(view).await?,
                context: Arc::clone(&context),
                selectors,
                range: self.range,
                max_selected: self.max_selected,
                is_short: true,
            };
            let first = context.run_within_runtime(work(begun.clone())).await;
            if !context.take_turned_heavy() {
                return first;
            }
            self.engine.enter_heavy(&context).await?;
            let is_short = false;
            let again = work(Begun { is_short, ..begun });
            context.run_unyielding(again).await
        };
        context.contained(Box::pin(running)).await
    }

    /// The selectors' matchers. Each selector has one that excludes the empty
    /// string, as in Prometheus.
    async fn parsed(&self) -> Result<Vec<Vec<Matcher>>, QueryError> {
        let options = &self.engine.options;
        let selectors = match &self.selectors {
            Selectors::Text(texts) => texts,
            Selectors::Matchers(matchers) => return Ok(matchers.clone()),
        };
        for text in selectors {
            check_length(text, options)?;
        }
        let bytes = selectors.iter().map(|text| bytes_of(text)).sum();
        self.context.reserve_lasting(bytes, "selectors")?;
        let any_long = selectors.iter().any(|text| is_long(text));
        let (texts, parser) = (selectors.clone(), options.parser);
        let context = Arc::clone(&self.context);
        let parsing = async move {
            let mut selectors = Vec::with_capacity(texts.len());
            for text in texts {
                context.check()?;
                selectors.push(quarrel_planner::parse_metric_selector(&text, &parser)?);
            }
            if selectors
                .iter()
                .any(|matchers| matchers.iter().all(Matcher::matches_empty))
            {
                let message = "match[] must contain at least one non-empty matcher";
                return Err(QueryError::BadData(message.into()));
            }
            Ok(selectors)
        };
        match any_long {
            true => self.context.run_unyielding(parsing).await,
            false => self.context.run(parsing).await,
        }
    }
}

impl Begun {
    fn control(&self) -> StoreControl {
        let control = StoreControl::new(&self.context, None);
        match self.is_short {
            true => control.short(),
            false => control,
        }
    }

    async fn series(self) -> Result<Found<SeriesLabels>, QueryError> {
        let control = self.control();
        let mut warnings = self.snapshot.warnings();
        // Prometheus's hint for look-ups that need no samples.
        let hints = SelectHints {
            function: "series".to_string(),
            ..SelectHints::default()
        };
        let symbols = &self.context.symbols;
        let mut all = LabelList::new();
        for matchers in &self.selectors {
            let request = SelectRequest::new(matchers, self.range, &hints, symbols);
            let selected = self.snapshot.select(request.with_control(&control)).await;
            let selected = selected.map_err(|error| control.reason(error))?;
            warnings.extend(selected.warnings);
            all = if self.selectors.len() == 1 {
                selected.labels
            } else {
                let both = all.bytes() + selected.labels.bytes();
                let reserved = control.reserve(both);
                reserved.map_err(|error| control.reason(error))?;
                union(&self.context, &all, &selected.labels)?
            };
        }
        warnings.dedup();
        let account = control.settle(all.bytes())?;
        let symbols = Arc::clone(symbols);
        let found = SeriesLabels {
            labels: all,
            symbols,
        };
        Ok(answer(found, warnings, account))
    }

    /// The values of a label, or all names.
    async fn names(self, label: Option<&str>) -> Result<Found<Vec<String>>, QueryError> {
        let control = self.control();
        let request = LabelsRequest::new(&self.selectors, self.range).with_control(&control);
        let names: Result<Vec<String>, StorageError> = match label {
            Some(name) => self.snapshot.label_values(name, request).await,
            None => self.snapshot.label_names(request).await,
        };
        let names = names.map_err(|error| control.reason(error))?;
        let texts: usize = names.iter().map(String::capacity).sum();
        let account = control.settle(texts + names.capacity() * size_of::<String>())?;
        Ok(answer(names, self.snapshot.warnings(), account))
    }
}

fn answer<T>(found: T, warnings: Vec<String>, account: Account) -> Found<T> {
    Found {
        found,
        warnings,
        _held: account.hand_on(),
    }
}

/// Merges two sorted lists; equal rows occur once.
fn union(context: &QueryContext, a: &LabelList, b: &LabelList) -> Result<LabelList, QueryError> {
    let symbols = context.symbols.read();
    let mut out = LabelList::with_capacity(a.len() + b.len(), 8);
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if out.len().is_multiple_of(ROWS_A_CHECK) {
            context.check()?;
        }
        let order = match (i < a.len(), j < b.len()) {
            (true, true) => symbols.compare(a.get(i), b.get(j)),
            (true, false) => std::cmp::Ordering::Less,
            _ => std::cmp::Ordering::Greater,
        };
        let row = if order.is_le() { a.get(i) } else { b.get(j) };
        out.push(row.iter().copied());
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    Ok(out)
}
