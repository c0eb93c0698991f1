//! A query of a bench: its text, its times, and how it is asked.

use std::sync::Arc;

use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, QueryError, QueryOptions, QueryRange, QueryResult, QueryTimes, Timestamp,
};

use crate::data::Shape;

/// One query, and how it is asked.
#[derive(Clone, Debug)]
pub struct BenchQuery {
    /// Its short name, if the benches of criterion know it by one.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// The data that it is asked of.
    pub data: Shape,
    /// First evaluation time, ms.
    pub start_ms: i64,
    /// Last evaluation time, ms.
    pub end_ms: i64,
    /// Step, ms; 0 for an instant query.
    pub step_ms: i64,
    /// quarrel parses it once, before all runs.
    pub prepared: bool,
    /// Each run is the first one after the store was opened.
    pub cold: bool,
    /// How many numbers stand for `#` in the text, one after the other; 0 for a
    /// text that stays. The time is then the mean.
    pub variants: u32,
    /// It is part of the short table.
    pub quick: bool,
    /// What the row says of it instead of its text, where that is long.
    pub title: Option<String>,
}

impl BenchQuery {
    /// A query at one time.
    pub fn instant(data: Shape, text: impl Into<String>, at_ms: i64) -> Self {
        BenchQuery {
            name: "",
            text: text.into(),
            data,
            start_ms: at_ms,
            end_ms: at_ms,
            step_ms: 0,
            prepared: false,
            cold: false,
            variants: 0,
            quick: false,
            title: None,
        }
    }

    /// A query over a range of times.
    pub fn range(data: Shape, text: impl Into<String>, (from, to): (i64, i64), step: i64) -> Self {
        BenchQuery {
            end_ms: to,
            step_ms: step,
            ..BenchQuery::instant(data, text, from)
        }
    }

    /// Makes it part of the short table.
    pub fn quick(self) -> Self {
        BenchQuery {
            quick: true,
            ..self
        }
    }

    /// Makes it part of the short table if so.
    pub fn quick_if(self, quick: bool) -> Self {
        BenchQuery { quick, ..self }
    }

    /// Lets quarrel parse it once.
    pub fn prepared(self) -> Self {
        BenchQuery {
            prepared: true,
            ..self
        }
    }

    /// Opens the store anew before each run.
    pub fn cold(self) -> Self {
        BenchQuery { cold: true, ..self }
    }

    /// Asks as many texts, each with another number for `#`.
    pub fn variants(self, variants: u32) -> Self {
        BenchQuery { variants, ..self }
    }

    /// Says this in its row.
    pub fn titled(self, title: impl Into<String>) -> Self {
        BenchQuery {
            title: Some(title.into()),
            ..self
        }
    }

    /// What its row says of it.
    pub fn shown(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.text)
    }

    /// The times that it is evaluated at.
    ///
    /// # Errors
    /// For a range that is none.
    pub fn times(&self) -> Result<QueryTimes, QueryError> {
        if self.step_ms == 0 {
            return Ok(Timestamp::from_millis(self.start_ms).into());
        }
        Ok(QueryRange::from_millis(self.start_ms..=self.end_ms, self.step_ms)?.into())
    }

    /// Parses, plans and runs the query.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn run(
        &self,
        engine: &Engine,
        store: &Arc<dyn Storage>,
    ) -> Result<QueryResult, QueryError> {
        let prepared = engine.prepare(&self.text)?;
        let (store, options) = (Arc::clone(store), QueryOptions::default());
        prepared
            .query(store, self.times()?, options)
            .execute()
            .await
    }
}
