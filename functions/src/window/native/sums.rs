//! `sum_over_time` and `avg_over_time`.

use super::output::Writer;
use super::runs::{DenseWindow, Runs};
use super::{MixedOutput, Series, WindowNote, WindowNotes};
use crate::histogram::native::{
    Found, Histogram, HistogramRef, IncompatibleSchemas, MeanOfHistograms, StepAggregate,
    SumOfHistograms,
};

/// Windows of histograms alone have a sum and a mean.
pub(super) fn aggregate(series: &Series<'_>, kind: StepAggregate, out: &mut MixedOutput<'_>) {
    let mut writer = Writer::new(out.histograms);
    let mut runs = Runs::new(None);
    for window in series.windows() {
        out.present[window.step] = false;
        if !window.floats.is_empty() {
            out.notes.add(WindowNote::MixedFloatsHistograms);
            continue;
        }
        if let Some(dense) = runs.window(series, window.histograms.clone())
            && append(dense, kind, &mut writer, out.notes)
        {
            writer.appended(window.step);
            continue;
        }
        match single(series.points(window.histograms), kind) {
            Ok((h, found)) => {
                out.notes.aggregation(found);
                writer.push(window.step, &h.view());
            }
            Err(IncompatibleSchemas) => out.notes.add(WindowNote::MixedExponentialCustom),
        }
    }
    writer.finish();
}

/// Appends the aggregate of dense rows; false if that cannot be.
fn append(
    dense: DenseWindow<'_, '_>,
    kind: StepAggregate,
    writer: &mut Writer<'_>,
    notes: &mut WindowNotes,
) -> bool {
    let rows = writer.rows(dense.rows.layout(), dense.rows.is_compact());
    let collision = match kind {
        StepAggregate::Sum => Some(dense.windows.sum(dense.range, rows)),
        StepAggregate::Mean => dense.windows.mean(dense.range, rows),
    };
    notes.add_if(collision == Some(true), WindowNote::AggregationCollision);
    collision.is_some()
}

/// The aggregate of a window, histogram by histogram.
fn single(
    points: &[HistogramRef<'_>],
    kind: StepAggregate,
) -> Result<(Histogram, Found), IncompatibleSchemas> {
    let (first, rest) = points.split_first().ok_or(IncompatibleSchemas)?;
    match kind {
        StepAggregate::Sum => {
            let mut sum = SumOfHistograms::new(first);
            rest.iter().try_for_each(|h| sum.add(h))?;
            Ok(sum.finish())
        }
        StepAggregate::Mean => {
            let mut mean = MeanOfHistograms::new(first);
            rest.iter().try_for_each(|h| mean.add(h))?;
            Ok(mean.finish())
        }
    }
}
