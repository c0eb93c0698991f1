//! Plans of selectors, subqueries, and the functions over their windows.

use quarrel_functions::fmt::quote;
use quarrel_functions::table::{Downsampled, Function, Kind, ValueType, WindowKind};

use super::absent::absent_labels;
use super::{Builder, Result};
use crate::ast::{
    AtModifier, Call, DurationValue, Expr, MatrixSelector, Span, Subquery, VectorSelector,
};
use crate::error::PlanError;
use crate::logical::durations;
use crate::logical::info::{self, Reference, shared_reference};
use crate::logical::times::{Enclosing, Scope, canonical, select_range};
use crate::logical::{
    Absent, Extension, Grid, Info, Plan, PlanOp, RawSelect, RawSubquery, Select, SubqueryWindow,
    Window, WindowCall, Windows,
};

/// The range vector among the arguments of a window function.
enum Range<'a> {
    Selector(&'a MatrixSelector),
    Subquery(&'a Subquery),
}

impl<'a> Builder<'a> {
    /// The functions of range vectors.
    pub(super) fn window_call(
        &mut self,
        call: &'a Call,
        args: &[&'a Expr],
        scope: Scope<'a>,
    ) -> Result<Plan> {
        let Call { function, span, .. } = *call;
        let range = args.iter().find_map(|arg| match arg {
            Expr::MatrixSelector(matrix) => Some(Range::Selector(matrix)),
            Expr::Subquery(subquery) => Some(Range::Subquery(subquery)),
            _ => None,
        });
        // A range in parentheses, where those stay, is none.
        let Some(range) = range else {
            return Err(bare_range(span, scope));
        };
        let Some(kind) = WindowKind::of(function) else {
            return self.unsupported(format!("function {}", quote(function.name)), span);
        };
        let absent = function.kind == Kind::AbsentOverTime;
        let inner = match range {
            Range::Subquery(subquery) => Some(self.subquery(subquery, scope)?),
            Range::Selector(_) => None,
        };
        let params = self.window_params(function, args, span, scope)?;
        let mut window = WindowCall {
            function: kind,
            params,
            start_timestamps: false,
            // Rows that are only looked at for presence may become equal.
            drops_name: !function.keeps_name && !absent,
            argument: match args.first() {
                // Prometheus no longer has the span when it warns.
                None | Some(Expr::Subquery(_)) => Span::default(),
                Some(arg) => arg.span(),
            },
        };
        let op = match (range, inner) {
            (Range::Subquery(_), Some((input, inner, windows))) => {
                PlanOp::SubqueryWindow(SubqueryWindow {
                    input: Box::new(input),
                    inner,
                    windows,
                    call: window,
                })
            }
            (Range::Selector(matrix), _) => {
                let select = self.range_select(function, matrix, scope)?;
                window.start_timestamps =
                    function.uses_start_timestamps && self.options.use_start_timestamps;
                PlanOp::Window(Box::new(Window {
                    select,
                    call: window,
                }))
            }
            (Range::Subquery(subquery), None) => return Err(bare_range(subquery.span, scope)),
        };
        let rows = self.node(span, scope, ValueType::Vector, op);
        if !absent {
            return Ok(rows);
        }
        let labels = args.first().map_or_else(Vec::new, |arg| absent_labels(arg));
        let op = PlanOp::Absent(Absent {
            input: Box::new(rows),
            labels,
            drops_name: true,
        });
        Ok(self.node(span, scope, ValueType::Vector, op))
    }

    /// The scalar arguments beside a range, and those that are left out.
    fn window_params(
        &mut self,
        function: &Function,
        args: &[&'a Expr],
        span: Span,
        scope: Scope<'a>,
    ) -> Result<Vec<Plan>> {
        let mut params = Vec::new();
        for arg in args {
            if !matches!(arg, Expr::MatrixSelector(_) | Expr::Subquery(_)) {
                params.push(self.child(arg, scope)?);
            }
        }
        if params.is_empty() {
            params.extend(
                function
                    .default
                    .map(|value| self.number(value, span, scope)),
            );
        }
        Ok(params)
    }

    /// A subquery's expression, its grid, and the windows over it.
    fn subquery(
        &mut self,
        subquery: &'a Subquery,
        scope: Scope<'a>,
    ) -> Result<(Plan, Grid, Windows)> {
        let range_ms = durations::resolve(&subquery.range, false, self.options)?;
        let step_ms = match &subquery.step {
            Some(step) => durations::resolve(step, false, self.options)?,
            None => 0,
        };
        let step_ms = match &subquery.step {
            // Less than a millisecond, which Prometheus divides by. What rounds to no
            // nanosecond is no step.
            Some(DurationValue::Known(1..)) if step_ms == 0 && scope.grid.len > 0 => {
                let message = "unexpected error: runtime error: integer divide by zero".into();
                let span = subquery.span;
                return Err(PlanError::Execution { message, span });
            }
            _ if step_ms > 0 => step_ms,
            _ => (self.options.subquery_step)(range_ms),
        };
        let times = Enclosing {
            offset_ms: durations::resolve(&subquery.offset, true, self.options)?,
            range_ms,
            at_ms: self.at(subquery.at, scope),
        };
        let grid = scope.subquery(times, step_ms, &self.enclosing);
        self.enclosing.push(times);
        // Prometheus settles the offsets of pinned selectors anew only if
        // the subquery's first step is another one.
        let moved = grid.start_ms != scope.grid.start_ms;
        let settled = if moved {
            self.enclosing.len()
        } else {
            scope.settled
        };
        let windows = scope.subquery_windows(times);
        let inner = Scope {
            grid: canonical(grid),
            settled,
            range_query: grid.start_ms < windows.end_ms(),
            hint_step_ms: step_ms,
            downsampled: scope.downsampled.in_subquery(),
            ..scope.plain()
        };
        let plan = self.child(&subquery.expr, inner)?;
        self.enclosing.pop();
        let windows = Windows {
            ends: windows,
            range_ms,
            extension: None,
        };
        Ok((plan, grid, windows))
    }

    /// The time that `@` fixes, ms.
    fn at(&self, at: Option<AtModifier>, scope: Scope<'_>) -> Option<i64> {
        match at? {
            AtModifier::Start | AtModifier::End if !scope.prepared => None,
            at => self.options.at(Some(at)),
        }
    }

    pub(super) fn raw_select(
        &mut self,
        matrix: &'a MatrixSelector,
        scope: Scope<'a>,
    ) -> Result<RawSelect> {
        let range_ms = durations::resolve(&matrix.range, false, self.options)?;
        let select = self.select(&matrix.selector, Some(range_ms), matrix.span, scope)?;
        let node = self.node_info(matrix.span, scope);
        Ok(RawSelect { node, select })
    }

    pub(super) fn raw_subquery(
        &mut self,
        subquery: &'a Subquery,
        scope: Scope<'a>,
    ) -> Result<RawSubquery> {
        let (input, inner, _) = self.subquery(subquery, scope)?;
        let node = self.node_info(subquery.span, scope);
        Ok(RawSubquery { node, input, inner })
    }

    pub(super) fn instant(
        &mut self,
        selector: &'a VectorSelector,
        scope: Scope<'a>,
    ) -> Result<Plan> {
        let select = self.select(selector, None, selector.span, scope)?;
        let call = WindowCall {
            function: if selector.smoothed {
                WindowKind::Smoothed
            } else {
                WindowKind::Latest
            },
            params: Vec::new(),
            start_timestamps: false,
            drops_name: false,
            argument: selector.span,
        };
        let op = PlanOp::Window(Box::new(Window { select, call }));
        Ok(self.node(selector.span, scope, ValueType::Vector, op))
    }

    /// `timestamp` and `start_timestamp` of a selector: the times of its samples,
    /// not of the steps. They do not care about `smoothed`.
    pub(super) fn timestamp(
        &mut self,
        call: &Call,
        selector: &'a VectorSelector,
        function: WindowKind,
        scope: Scope<'a>,
    ) -> Result<Plan> {
        let mut select = self.select(selector, None, selector.span, scope)?;
        select.windows.extension = None;
        if let Some(at_ms) = self.at(selector.at, scope) {
            // Prometheus forgets the offset of a pinned selector here.
            select.windows.ends = scope.pinned(at_ms);
        }
        let window = WindowCall {
            function,
            params: Vec::new(),
            start_timestamps: matches!(function, WindowKind::LatestStart)
                && self.options.use_start_timestamps,
            drops_name: true,
            argument: selector.span,
        };
        let op = PlanOp::Window(Box::new(Window {
            select,
            call: window,
        }));
        Ok(self.node(call.span, scope, ValueType::Vector, op))
    }

    /// `info`: its rows, and the info metrics at the time that these look at.
    pub(super) fn info(
        &mut self,
        call: &'a Call,
        args: &[&'a Expr],
        scope: Scope<'a>,
    ) -> Result<Plan> {
        let [arg, ..] = args else {
            return self.unsupported("a call without arguments", call.span);
        };
        let selector = match args.get(1) {
            Some(Expr::VectorSelector(selector)) => Some(&**selector),
            _ => None,
        };
        let input = Box::new(self.child(arg, scope)?);
        let (names, data) = info::split(selector);
        let shared = shared_reference(arg, self.options, |at| self.at(at, scope));
        let ends = match shared {
            Some(Reference {
                at_ms: Some(at_ms),
                offset_ms,
            }) => scope.pinned(at_ms.saturating_sub(offset_ms)),
            shared => {
                let offset_ms = shared.map_or(0, |shared| shared.offset_ms);
                Grid {
                    start_ms: scope.grid.start_ms.saturating_sub(offset_ms),
                    ..scope.grid
                }
            }
        };
        let mut select = Select {
            matchers: data.iter().chain(&names).cloned().collect(),
            windows: Windows {
                ends,
                range_ms: self.options.lookback_delta_ms,
                extension: None,
            },
            time_range: (0, 0),
            group: None,
            projection: None,
            function: call.function.name.to_string(),
            grouping: Vec::new(),
            by: false,
            downsampled: Downsampled::Average,
            needs_two_samples: false,
            hint_step_ms: scope.hint_step_ms,
            instant: true,
            totals_only: false,
            span: selector.map_or(call.span, |selector| selector.span),
        };
        select.time_range = select.windows.reach();
        let window = WindowCall {
            function: WindowKind::InfoTime,
            params: Vec::new(),
            start_timestamps: false,
            drops_name: false,
            argument: select.span,
        };
        let span = select.span;
        let op = PlanOp::Window(Box::new(Window {
            select,
            call: window,
        }));
        let series = Box::new(self.node(span, scope, ValueType::Vector, op));
        let op = PlanOp::Info(Info {
            input,
            series,
            names,
            data,
        });
        Ok(self.node(call.span, scope, ValueType::Vector, op))
    }

    fn range_select(
        &self,
        function: &Function,
        matrix: &'a MatrixSelector,
        scope: Scope<'a>,
    ) -> Result<Select> {
        let selector = &matrix.selector;
        let refused =
            (selector.anchored && !function.anchored) || (selector.smoothed && !function.smoothed);
        if refused && scope.grid.len > 0 {
            let message = extended_misused(selector.anchored, function.name);
            return Err(PlanError::Execution {
                message,
                span: matrix.span,
            });
        }
        let range_ms = durations::resolve(&matrix.range, false, self.options)?;
        let mut select = self.select(selector, Some(range_ms), matrix.span, scope.plain())?;
        if self.at(selector.at, scope).is_some() {
            // The samples are fetched for the first step and kept.
            select.windows.ends = scope.pinned(select.windows.ends.start_ms);
        }
        select.needs_two_samples = function.needs_two_samples;
        if refused {
            // It is not evaluated.
            select.windows.extension = None;
        }
        Ok(select)
    }

    /// How far a selector looks beyond its windows. `anchored` changes nothing
    /// about an instant selector.
    fn extension(&self, selector: &VectorSelector, instant: bool) -> Option<Extension> {
        let lookback_ms = self.options.lookback_delta_ms;
        let smoothed = selector.smoothed;
        let extended = smoothed || (selector.anchored && !instant);
        extended.then_some(Extension {
            smoothed,
            before_ms: if instant { 0 } else { lookback_ms },
            after_ms: if smoothed { lookback_ms } else { 0 },
        })
    }

    /// The selector; `range_ms` is `None` for an instant one.
    fn select(
        &self,
        selector: &VectorSelector,
        range_ms: Option<i64>,
        span: Span,
        scope: Scope<'_>,
    ) -> Result<Select> {
        let options = self.options;
        let offset_ms = durations::resolve(&selector.offset, true, options)?;
        let at_ms = self.at(selector.at, scope);
        let window_ms = range_ms.unwrap_or(options.lookback_delta_ms);
        let end_ms = if options.is_instant() {
            options.start_ms
        } else {
            options.end_ms
        };
        let query = (options.start_ms, end_ms);
        let extension = self.extension(selector, range_ms.is_none());
        let (before_ms, after_ms) = extension.map_or((0, 0), |extension| {
            (extension.before_ms, extension.after_ms)
        });
        let windows_ms = (window_ms.saturating_add(before_ms), after_ms);
        let (grouping, by) = scope.grouping.unwrap_or_default();
        Ok(Select {
            matchers: selector.matchers.clone(),
            windows: Windows {
                ends: scope.reference(at_ms, offset_ms, &self.enclosing),
                range_ms: window_ms,
                extension,
            },
            time_range: select_range(query, &self.enclosing, at_ms, offset_ms, windows_ms),
            group: None,
            projection: None,
            function: scope.function.to_string(),
            grouping: grouping.to_vec(),
            by,
            downsampled: match range_ms {
                // One that reads all alike may be shared.
                None if !options.downsampled => Downsampled::Average,
                _ => scope.downsampled,
            },
            needs_two_samples: false,
            hint_step_ms: scope.hint_step_ms,
            instant: range_ms.is_none(),
            totals_only: self.totals.contains(selector),
            span,
        })
    }
}

/// A range vector where Prometheus does not look for one.
pub(super) fn bare_range(span: Span, scope: Scope<'_>) -> PlanError {
    let message = if scope.grid.len > 1 {
        "unexpected error: cannot do range evaluation of matrix selector"
    } else {
        "unexpected error: runtime error: index out of range [0] with length 0"
    };
    PlanError::Execution {
        message: message.into(),
        span,
    }
}

fn extended_misused(anchored: bool, function: &str) -> String {
    let word = if anchored { "anchored" } else { "smoothed" };
    let allowed: Vec<&str> = quarrel_functions::table::all()
        .iter()
        .filter(|f| if anchored { f.anchored } else { f.smoothed })
        .map(|f| f.name)
        .collect();
    let allowed = allowed.join(", ");
    format!("{word} modifier can only be used with: {allowed} - not with {function}")
}
