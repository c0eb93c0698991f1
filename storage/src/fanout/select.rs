//! The series of all parts as one answer.

use std::sync::Arc;

use futures::future::join_all;
use quarrel_engine::labels::{Label, LabelList};
use quarrel_engine::storage::{SelectRequest, Selected, StorageError};

use super::rows::{PartRows, unite};
use super::source::FanoutSource;
use super::{FanoutSnapshot, PartView};

impl FanoutSnapshot {
    /// Asks the parts that can have what matches, side by side.
    ///
    /// # Errors
    /// The end of the query, and a part's failure if the answer of some is not enough.
    pub(super) async fn select_all(
        &self,
        request: SelectRequest<'_>,
    ) -> Result<Selected, StorageError> {
        let with = self.views.iter().filter(|part| part.has(request.range));
        let with = with.filter_map(|view| Some((view, view.part.matchers(request.matchers)?)));
        let asked: Vec<(&PartView, Vec<_>)> = with.collect();
        if let [(view, _)] = &asked[..]
            && view.part.labels.is_empty()
            && view.part.shard.is_none()
        {
            return match view.view.select(request).await {
                Ok(selected) => Ok(selected),
                Err(error) => Ok(nothing().with_warnings([self.failed(&view.part, error)?])),
            };
        }
        // Rows of which labels are left out could not be told apart.
        let answers = asked.iter().map(|(view, matchers)| {
            let own = SelectRequest::new(matchers, request.range, request.hints, request.symbols);
            view.view.select(own.with_control(request.control))
        });
        let answers = join_all(answers).await;
        let (mut lists, mut sources, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for ((view, _), answer) in asked.iter().zip(answers) {
            match answer {
                Ok(answer) => {
                    lists.push(rows_of(view, answer.labels, &request)?);
                    sources.push(answer.series);
                    warnings.extend(answer.warnings);
                }
                Err(error) => warnings.push(self.failed(&view.part, error)?),
            }
        }
        let rows = lists.iter().map(|list| list.rows.len()).sum::<usize>();
        let labels = lists.iter().map(|list| list.labels.bytes()).sum::<usize>();
        request.control.reserve(labels + FanoutSource::room(rows))?;
        let (labels, united) = unite(&lists, request.symbols, request.control)?;
        let source = FanoutSource::new(sources, united);
        Ok(Selected::new(labels, Arc::new(source)).with_warnings(warnings))
    }
}

fn nothing() -> Selected {
    let source = FanoutSource::new(Vec::new(), Default::default());
    Selected::new(LabelList::new(), Arc::new(source))
}

/// The rows of a part as the query sees them: with the part's labels, and of its shard.
fn rows_of(
    view: &PartView,
    labels: LabelList,
    request: &SelectRequest<'_>,
) -> Result<PartRows, StorageError> {
    let part = &view.part;
    let external: Vec<Label> = {
        let mut symbols = request.symbols.write();
        let label = |(name, value): &(String, String)| Label {
            name: symbols.intern(name),
            value: symbols.intern(value),
        };
        part.labels.iter().map(label).collect()
    };
    let labels = if external.is_empty() {
        labels
    } else {
        request.control.reserve(labels.bytes())?;
        let symbols = request.symbols.read();
        labels.map(|row, out| {
            let own = row.iter().copied();
            out.extend(own.filter(|label| !external.iter().any(|e| e.name == label.name)));
            out.extend_from_slice(&external);
            out.sort_by(|a, b| symbols.compare_text(a.name, b.name));
        })
    };
    request.control.check()?;
    let symbols = request.symbols.read();
    let mut buffer = Vec::new();
    let in_shard = |row: &u32| match &part.shard {
        None => true,
        Some(shard) => {
            let row = labels.get(*row as usize).iter();
            let texts = row.map(|label| (symbols.get(label.name), symbols.get(label.value)));
            shard.matches(texts, &mut buffer)
        }
    };
    let rows: Vec<u32> = (0..labels.len() as u32).filter(in_shard).collect();
    drop(symbols);
    let mut rows = PartRows { labels, rows };
    if !external.is_empty() {
        rows.sort(request.symbols);
    }
    Ok(rows)
}
