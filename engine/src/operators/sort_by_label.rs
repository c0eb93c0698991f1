//! `sort_by_label` and `sort_by_label_desc`: an instant query's rows in the
//! natural order of some labels. See [`quarrel_functions::natural`] for what
//! becomes of rows that this order does not settle.

use std::cmp::Ordering;
use std::sync::Arc;

use quarrel_functions::natural;

use crate::bound::Bound;
use crate::exec::context::QueryContext;
use crate::exec::operator::{BatchStream, Operator, Output, Run, computed};
use crate::labels::{LabelList, Symbol, Symbols};

#[derive(Debug)]
struct SortByLabel {
    names: Vec<Symbol>,
    descending: bool,
    labels: Arc<LabelList>,
}

/// Sorts the rows of `input` by labels of these names.
pub(crate) fn bind(
    context: &QueryContext,
    input: Bound,
    names: &[String],
    descending: bool,
) -> Bound {
    let symbols = &context.symbols;
    let (labels, grid) = (input.row_labels(), input.grid);
    let sort = SortByLabel {
        names: names.iter().map(|name| symbols.intern(name)).collect(),
        descending,
        labels: Arc::clone(&labels.list),
    };
    Bound::whole(Arc::new(sort), vec![input], labels, grid)
}

impl Operator for SortByLabel {
    fn name(&self) -> &'static str {
        "SortByLabel"
    }

    fn describe(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.descending {
            ": descending"
        } else {
            ": ascending"
        })
    }

    fn stream(self: Arc<Self>, run: Run) -> BatchStream {
        computed(async move {
            let rows = self.labels.len();
            let collecting = run.inputs[0].collect(rows, &run.context, "sort_by_label");
            let (input, mut account) = collecting.await?;
            account.grow(rows * 8)?;
            let mut order: Vec<u32> = input.arrived().map(|row| row.series).collect();
            {
                let symbols = run.context.symbols.read();
                natural::sort(&mut order, &mut |a, b| self.precedes(&symbols, *a, *b));
            }
            let mut output = Output::new(&run.context, "sort_by_label");
            for row in order.into_iter().filter_map(|row| input.get(row)) {
                output.push_kept(row.series, &row, |_| true)?;
            }
            Ok(output)
        })
    }
}

impl SortByLabel {
    fn precedes(&self, symbols: &Symbols<'_>, a: u32, b: u32) -> bool {
        let (a, b) = (self.labels.get(a as usize), self.labels.get(b as usize));
        for &name in &self.names {
            let (left, right) = (symbols.value_of(a, name), symbols.value_of(b, name));
            if left != right {
                return natural::precedes(left, right) != self.descending;
            }
        }
        let wanted = if self.descending {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        symbols.compare(a, b) == wanted
    }
}
