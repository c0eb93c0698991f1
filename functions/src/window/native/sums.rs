//! `sum_over_time` and `avg_over_time`.

use super::annotations::{WindowAnnotation, WindowAnnotations};
use super::output::Writer;
use super::runs::{DenseWindow, Runs};
use super::series::{MixedOutput, Series};
use crate::histogram::native::{
    Found, Histogram, HistogramRef, IncompatibleSchemas, MeanOfHistograms, StepAggregate,
    SumOfHistograms,
};

/// Windows of histograms alone have a sum and a mean.
pub(in crate::window) fn aggregate(
    series: &Series<'_>,
    kind: StepAggregate,
    out: &mut MixedOutput<'_>,
) {
    let mut writer = Writer::new(out.histograms, series.steps());
    let mut runs = Runs::new(None);
    for window in series.windows() {
        out.present[window.step] = false;
        if !window.floats.is_empty() {
            out.annotations.add(WindowAnnotation::MixedFloatsHistograms);
            continue;
        }
        if let Some(dense) = runs.window(series, window.histograms.clone())
            && append(dense, kind, &mut writer, out.annotations)
        {
            writer.appended(window.step);
            continue;
        }
        match single(series.points(window.histograms), kind) {
            Ok((h, found)) => {
                out.annotations.aggregation(found);
                writer.push(window.step, &h.view());
            }
            Err(IncompatibleSchemas) => out
                .annotations
                .add(WindowAnnotation::MixedExponentialCustom),
        }
    }
    writer.finish();
}

/// Appends the aggregate of dense rows; false if that cannot be.
fn append(
    dense: DenseWindow<'_, '_>,
    kind: StepAggregate,
    writer: &mut Writer<'_>,
    annotations: &mut WindowAnnotations,
) -> bool {
    let rows = writer.rows(dense.rows.layout(), dense.rows.is_compact());
    let collision = match kind {
        StepAggregate::Sum => Some(dense.windows.sum(dense.range, rows)),
        StepAggregate::Mean => dense.windows.mean(dense.range, rows),
    };
    annotations.add_if(
        collision == Some(true),
        WindowAnnotation::AggregationCollision,
    );
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
