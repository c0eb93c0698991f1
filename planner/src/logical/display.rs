//! A plan as text, for `quarrel explain`: an indented tree, one node a line.
//!
//! A line gives what the node computes and, where they differ from those of the
//! node above, its times: `times=` is a grid in seconds, `once` a step-invariant
//! part. Decisions of rules come last.

use std::fmt::{self, Display, Formatter, Write};

use quarrel_functions::fmt::{format_f, quote};
use quarrel_functions::table::Downsampled;
use quarrel_matchers::{MatchOp, Matcher};

use super::times::canonical;
use super::{
    Aggregate, Grid, LogicalPlan, Plan, PlanOp, Select, SelectGroup, SharedSubtree, SortOrder,
    SubqueryWindow, VectorScalar, Window, WindowCall,
};
use crate::ast::{Cardinality, VectorMatching};
use crate::print::{format_duration, write_labels};
use crate::with_stack;

/// From this depth on lines are not indented further.
const MAX_INDENT: usize = 100;

impl Display for LogicalPlan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            LogicalPlan::Rows(plan) => write_tree(f, plan, None, 0),
            LogicalPlan::RawSelect(raw) => {
                f.write_str("RawSelect: ")?;
                write_select(f, &raw.select, &raw.node.grid)?;
                writeln!(f, ", times={}", Times(&raw.node.grid))
            }
            LogicalPlan::RawSubquery(raw) => {
                let (inner, grid) = (Times(&raw.inner), Times(&raw.node.grid));
                writeln!(f, "RawSubquery: times={inner}, times={grid}")?;
                write_tree(f, &raw.input, Some(&canonical(raw.inner)), 1)
            }
            LogicalPlan::Text(text) => {
                let grid = Times(&text.node.grid);
                writeln!(f, "Text: {}, times={grid}", quote(&text.text))
            }
        }
    }
}

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_tree(f, self, None, 0)
    }
}

fn write_tree(
    f: &mut Formatter<'_>,
    plan: &Plan,
    parent: Option<&Grid>,
    depth: usize,
) -> fmt::Result {
    with_stack(|| {
        let indent = 2 * depth.min(MAX_INDENT);
        write!(f, "{:indent$}", "")?;
        write_node(f, plan)?;
        match parent {
            Some(parent) if parent == &plan.node.grid => {}
            Some(parent) if plan.is_invariant_for(parent) => {
                write!(f, ", once={}", Seconds(plan.node.grid.start_ms))?;
            }
            _ => write!(f, ", times={}", Times(&plan.node.grid))?,
        }
        if let Some(SharedSubtree { number, folded }) = plan.shared {
            let condition = if folded { " if small" } else { "" };
            write!(f, ", shared=#{number}{condition}")?;
        }
        f.write_char('\n')?;
        plan.inputs().into_iter().try_for_each(|input| {
            let scope = match &plan.op {
                // Its input has times of its own, which this line gives.
                PlanOp::SubqueryWindow(subquery) if std::ptr::eq(input, &*subquery.input) => {
                    canonical(subquery.inner)
                }
                _ => plan.node.grid,
            };
            write_tree(f, input, Some(&scope), depth + 1)
        })
    })
}

/// What a node computes, without its times and its inputs.
pub(crate) fn node_text(plan: &Plan) -> String {
    struct Node<'a>(&'a Plan);
    impl Display for Node<'_> {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            write_node(f, self.0)
        }
    }
    Node(plan).to_string()
}

fn write_node(f: &mut Formatter<'_>, plan: &Plan) -> fmt::Result {
    match &plan.op {
        PlanOp::Number(value) => write!(f, "Number: {}", format_f(*value)),
        PlanOp::Time => f.write_str("Time"),
        PlanOp::ScalarCall(call) => write!(f, "ScalarCall: {}", call.function.name()),
        PlanOp::ScalarBinary(binary) => write!(f, "ScalarBinary: {}", binary.op.symbol()),
        PlanOp::ScalarOf(_) => f.write_str("ScalarOf"),
        PlanOp::VectorOf(_) => f.write_str("VectorOf"),
        PlanOp::Negate(_) => f.write_str("Negate"),
        PlanOp::Window(window) => write_window(f, window, &plan.node.grid),
        PlanOp::SubqueryWindow(window) => write_subquery(f, window, &plan.node.grid),
        PlanOp::Elementwise(call) => write!(f, "Elementwise: {}", call.function.name),
        PlanOp::VectorScalar(operation) => write_vector_scalar(f, operation),
        PlanOp::Join(join) => {
            let bool = if join.return_bool { " bool" } else { "" };
            write!(f, "Join: {}{bool}", join.op.symbol())?;
            write_matching(f, &join.matching)
        }
        PlanOp::Set(set) => {
            write!(f, "Set: {}", set.op.symbol())?;
            write_matching(f, &set.matching)
        }
        PlanOp::Aggregate(aggregate) => write_aggregate(f, aggregate),
        PlanOp::CountValues(count) => {
            write!(f, "CountValues: {}", quote(&count.label))?;
            write_grouping(f, &count.grouping, count.without)
        }
        PlanOp::Relabel(relabel) => {
            write_strings(f, "Relabel", relabel.function.name, &relabel.params)
        }
        PlanOp::Sort(sort) => {
            write_strings(f, "Sort", sort.function.name, &sort.labels)?;
            match sort.order {
                SortOrder::Needless => f.write_str(", in any order"),
                SortOrder::Wanted | SortOrder::Ineffective => Ok(()),
            }
        }
        PlanOp::Absent(absent) => {
            f.write_str("Absent: {")?;
            for (i, (name, value)) in absent.labels.iter().enumerate() {
                let comma = if i > 0 { ", " } else { "" };
                write!(f, "{comma}{name}={}", quote(value))?;
            }
            f.write_char('}')
        }
        PlanOp::Info(info) if info.data.is_empty() => f.write_str("Info"),
        PlanOp::Info(info) => {
            f.write_str("Info: ")?;
            write_matchers(f, &info.data)
        }
        PlanOp::NoStartTimestamp(_) => f.write_str("NoStartTimestamp"),
        PlanOp::Histogram(histogram) => write!(f, "Histogram: {}", histogram.function.name),
        PlanOp::HistogramQuantiles(quantiles) => {
            write!(f, "HistogramQuantiles: {}", quote(&quantiles.label))
        }
    }
}

fn write_subquery(f: &mut Formatter<'_>, window: &SubqueryWindow, grid: &Grid) -> fmt::Result {
    f.write_str("SubqueryWindow: ")?;
    write_call(f, &window.call)?;
    write!(
        f,
        " of [{}:{}]",
        Duration(window.windows.range_ms),
        Duration(window.inner.step_ms)
    )?;
    write_ends(f, &window.windows.ends, grid)?;
    write!(f, ", inner={}", Times(&window.inner))
}

fn write_vector_scalar(f: &mut Formatter<'_>, operation: &VectorScalar) -> fmt::Result {
    let (left, right) = if operation.scalar_left {
        ("scalar", "vector")
    } else {
        ("vector", "scalar")
    };
    let bool = if operation.return_bool { " bool" } else { "" };
    let symbol = operation.op.symbol();
    write!(f, "VectorScalar: {left} {symbol}{bool} {right}")
}

fn write_aggregate(f: &mut Formatter<'_>, aggregate: &Aggregate) -> fmt::Result {
    write!(f, "Aggregate: {}", aggregate.op.name)?;
    write_grouping(f, &aggregate.grouping, aggregate.without)
}

fn write_grouping(f: &mut Formatter<'_>, grouping: &[String], without: bool) -> fmt::Result {
    if without || !grouping.is_empty() {
        f.write_str(if without { " without" } else { " by" })?;
        write_names(f, grouping)?;
    }
    Ok(())
}

fn write_strings(
    f: &mut Formatter<'_>,
    node: &str,
    function: &str,
    params: &[String],
) -> fmt::Result {
    write!(f, "{node}: {function}")?;
    params
        .iter()
        .try_for_each(|param| write!(f, " {}", quote(param)))
}

/// Names in parentheses, with a blank before.
fn write_names(f: &mut Formatter<'_>, names: &[String]) -> fmt::Result {
    let mut list = String::new();
    write_labels(&mut list, names, false);
    write!(f, " ({list})")
}

fn write_matching(f: &mut Formatter<'_>, matching: &VectorMatching) -> fmt::Result {
    if matching.on || !matching.labels.is_empty() {
        f.write_str(if matching.on { " on" } else { " ignoring" })?;
        write_names(f, &matching.labels)?;
    }
    let card = match matching.card {
        Cardinality::ManyToOne => Some(" group_left"),
        Cardinality::OneToMany => Some(" group_right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if let Some(card) = card {
        f.write_str(card)?;
        write_names(f, &matching.include)?;
    }
    for (word, fill) in [
        ("fill_left", matching.fill_left),
        ("fill_right", matching.fill_right),
    ] {
        if let Some(fill) = fill {
            write!(f, " {word}({})", format_f(fill))?;
        }
    }
    Ok(())
}

fn write_window(f: &mut Formatter<'_>, window: &Window, grid: &Grid) -> fmt::Result {
    f.write_str("Window: ")?;
    write_call(f, &window.call)?;
    f.write_str(" of ")?;
    write_select(f, &window.select, grid)
}

fn write_call(f: &mut Formatter<'_>, call: &WindowCall) -> fmt::Result {
    f.write_str(call.function.name())?;
    f.write_str(if call.start_timestamps {
        " from start timestamps"
    } else {
        ""
    })
}

fn write_select(f: &mut Formatter<'_>, select: &Select, grid: &Grid) -> fmt::Result {
    write_matchers(f, &select.matchers)?;
    if !select.instant {
        write!(f, "[{}]", Duration(select.windows.range_ms))?;
    }
    if let (Some(extension), false) = (select.windows.extension, select.instant) {
        let word = if extension.smoothed {
            "smoothed"
        } else {
            "anchored"
        };
        write!(f, " {word}")?;
    }
    write_ends(f, &select.windows.ends, grid)?;
    if select.instant {
        write!(f, ", lookback={}", Duration(select.windows.range_ms))?;
    }
    if select.time_range != select.windows.reach() {
        write!(f, ", samples={}", Closed(select.time_range))?;
    }
    // What a function of ranges reads follows from its name.
    if select.instant && select.downsampled != Downsampled::Average {
        write!(f, ", downsampled={}", select.downsampled.name())?;
    }
    if select.totals_only {
        f.write_str(", totals")?;
    }
    if let Some(names) = &select.projection {
        f.write_str(", labels")?;
        write_names(f, names)?;
    }
    if let Some(SelectGroup {
        id,
        matchers,
        time_range,
    }) = &select.group
    {
        write!(f, ", select=#{id} ")?;
        write_matchers(f, matchers)?;
        write!(f, " {}", Closed(*time_range))?;
    }
    Ok(())
}

/// Where the windows end, unless at the node's own times.
fn write_ends(f: &mut Formatter<'_>, ends: &Grid, grid: &Grid) -> fmt::Result {
    if ends == grid {
        return Ok(());
    }
    if ends.step_ms == 0 || grid.len == 1 {
        return write!(f, " @ {}", Seconds(ends.start_ms));
    }
    let offset = grid.start_ms.saturating_sub(ends.start_ms);
    write!(f, " offset {}", Duration(offset))
}

fn write_matchers(f: &mut Formatter<'_>, matchers: &[Matcher]) -> fmt::Result {
    let is_name = |m: &&Matcher| m.op() == MatchOp::Equal && m.name() == "__name__";
    let names: Vec<&Matcher> = matchers.iter().filter(is_name).collect();
    let plain = |name: &str| !crate::print::needs_quotes(name, false);
    let name = match names.as_slice() {
        [name] if plain(name.value()) => name.value(),
        _ => "",
    };
    f.write_str(name)?;
    let shown: Vec<String> = matchers
        .iter()
        .filter(|m| name.is_empty() || !is_name(m))
        .map(Matcher::to_string)
        .collect();
    if shown.is_empty() && !name.is_empty() {
        return Ok(());
    }
    write!(f, "{{{}}}", shown.join(", "))
}

/// A time in seconds.
struct Seconds(i64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (sign, ms) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}", ms / 1000)?;
        match ms % 1000 {
            0 => Ok(()),
            rest => write!(f, ".{rest:03}"),
        }
    }
}

/// A duration with its sign.
struct Duration(i64);

impl Display for Duration {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", format_duration(self.0.saturating_abs()))
    }
}

/// A grid: its first and last time, and the step.
struct Times<'a>(&'a Grid);

impl Display for Times<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Grid {
            start_ms,
            step_ms,
            len,
        } = *self.0;
        match len {
            0 => f.write_str("none"),
            1 => write!(f, "{}", Seconds(start_ms)),
            _ => {
                let (start, end) = (Seconds(start_ms), Seconds(self.0.end_ms()));
                write!(f, "{start}..{end}/{}", Duration(step_ms))
            }
        }
    }
}

/// A closed range of time.
struct Closed((i64, i64));

impl Display for Closed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}]", Seconds(self.0.0), Seconds(self.0.1))
    }
}
