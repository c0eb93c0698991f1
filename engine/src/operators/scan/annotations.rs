//! What users should know about the samples that a window function looked at.

use std::sync::Arc;

use quarrel_functions::fmt::quote;
use quarrel_functions::window::{WindowAnnotation, WindowAnnotations};
use quarrel_planner::ast::Span;
use quarrel_planner::logical::WindowCall;

use super::kernel::KernelScratch;
use crate::annotations::Level;
use crate::exec::context::QueryContext;
use crate::exec::operator::Run;
use crate::labels::{LabelList, Symbol, find_label};

/// Turns what kernels annotation into annotations.
#[derive(Debug)]
pub(crate) struct AnnotationSource {
    /// The plan node, and the span of its first argument.
    node: u32,
    span: Span,
    /// The labels before the name was dropped.
    labels: Arc<LabelList>,
    wants_counter: bool,
    /// Whether the label `__type__` tells which metrics are counters.
    type_labels: bool,
}

/// The last annotation, so that it is not added again for each series.
#[derive(Debug, Default)]
pub(crate) struct LastAnnotated {
    counter: Option<(Symbol, Option<Symbol>)>,
    annotations: Option<(Option<Symbol>, WindowAnnotations)>,
}

impl AnnotationSource {
    /// For functions and what interpolates; other instant selectors annotate
    /// nothing.
    pub fn of(
        context: &QueryContext,
        call: &WindowCall,
        node: u32,
        labels: &Arc<LabelList>,
    ) -> Option<Self> {
        let kind = call.function;
        kind.annotates().then(|| AnnotationSource {
            node,
            span: call.argument,
            labels: Arc::clone(labels),
            wants_counter: kind.wants_counter(),
            type_labels: context.semantics.type_and_unit_labels,
        })
    }

    /// Whether floats of a metric that is no counter are annotated.
    pub fn wants_counter(&self) -> bool {
        self.wants_counter
    }

    /// Annotates row `row`, whose result is in `scratch`.
    pub fn annotate(
        &self,
        run: &Run,
        row: u32,
        scratch: &KernelScratch,
        last_annotated: &mut LastAnnotated,
    ) {
        let labels = self.labels.get(row as usize);
        let name = find_label(labels, Symbol::NAME);
        if self.wants_counter && scratch.has_floats() {
            let kind = find_label(labels, Symbol::TYPE).filter(|_| self.type_labels);
            let metric = name.map(|name| (name, kind));
            if metric != last_annotated.counter {
                last_annotated.counter = metric;
                if let Some((name, kind)) = metric {
                    self.counter(run, name, kind);
                }
            }
        }
        let said = Some((name, scratch.annotations));
        let overlaps = u64::from(scratch.annotations.overlaps());
        if scratch.annotations.is_empty() || (last_annotated.annotations == said && overlaps == 0) {
            return;
        }
        last_annotated.annotations = said;
        let symbols = run.context.symbols.read();
        let name = quote(name.map_or("", |name| symbols.get(name)));
        let annotations = &run.context.annotations;
        for annotation in scratch.annotations.iter() {
            let (level, text) = text(annotation, &name);
            if annotation == WindowAnnotation::StartTimeOverlap {
                annotations.warn_times(self.node, self.span, text, overlaps);
            } else {
                annotations.add(level, self.node, Some(self.span), text);
            }
        }
    }

    /// The info that a metric does not look like a counter, by its type or by
    /// its name.
    fn counter(&self, run: &Run, name: Symbol, kind: Option<Symbol>) {
        let symbols = run.context.symbols.read();
        let name = symbols.get(name);
        let why = if self.type_labels {
            let kind = kind.map_or("", |kind| symbols.get(kind));
            if matches!(kind, "counter" | "histogram") {
                return;
            }
            format!(
                "__type__ label is not set to \"counter\" or \"histogram\", got {}",
                quote(kind)
            )
        } else {
            let ends = ["_total", "_sum", "_count", "_bucket"];
            if ends.iter().any(|end| name.ends_with(end)) {
                return;
            }
            "name does not end in _total/_sum/_count/_bucket".to_owned()
        };
        let message = format!("metric might not be a counter, {why}: {}", quote(name));
        run.context.annotations.info(self.node, self.span, message);
    }
}

/// An annotation in the words of Prometheus, `name` in quotes.
fn text(annotation: WindowAnnotation, name: &str) -> (Level, String) {
    let reconciled = |operation: &str| {
        let text = format!("mismatched custom buckets were reconciled during {operation}");
        (Level::Info, text)
    };
    let (level, text) = match annotation {
        WindowAnnotation::MixedFloatsHistograms => (
            Level::Warning,
            "encountered a mix of histograms and floats for metric name",
        ),
        WindowAnnotation::HistogramsIgnored => (
            Level::Info,
            "ignored histograms in a range containing both floats and histograms for metric name",
        ),
        WindowAnnotation::MixedExponentialCustom => (
            Level::Warning,
            "vector contains a mix of histograms with exponential and custom buckets schemas \
             for metric name",
        ),
        WindowAnnotation::NotCounter => (
            Level::Warning,
            "this native histogram metric is not a counter:",
        ),
        WindowAnnotation::NotGauge => (
            Level::Warning,
            "this native histogram metric is not a gauge:",
        ),
        WindowAnnotation::StartTimeOverlap => (
            Level::Warning,
            "sample has start time that overlaps with previous sample timestamp for metric",
        ),
        WindowAnnotation::AdditionReconciled => return reconciled("addition"),
        WindowAnnotation::SubtractionReconciled => return reconciled("subtraction"),
        WindowAnnotation::AggregationReconciled => return reconciled("aggregation"),
        WindowAnnotation::AggregationCollision => {
            let text = "conflicting counter resets during histogram aggregation";
            return (Level::Warning, text.to_owned());
        }
    };
    (level, format!("{text} {name}"))
}
