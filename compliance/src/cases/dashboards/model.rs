//! A dashboard, whichever schema it is written in.

/// A dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dashboard {
    pub title: String,
    pub variables: Vec<Variable>,
    pub queries: Vec<Query>,
    /// The data sources that an export asks for: name and type.
    pub inputs: Vec<(String, String)>,
}

/// A query of a panel or an annotation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    /// Where it stands.
    pub place: String,
    /// PromQL with variables, if it has any.
    pub expr: Option<String>,
    pub source: Source,
    /// `Min step`: of the query.
    pub min_step: String,
    /// `Min interval`: of the panel.
    pub min_interval: String,
    /// `Resolution`, 1 for 1/1, 2 for 1/2.
    pub interval_factor: f64,
    /// `Max data points`: of the panel.
    pub max_data_points: Option<u32>,
    pub instant: bool,
    pub range: bool,
    /// The variable for whose values the panel is repeated.
    pub repeat: Option<String>,
}

/// A data source: its type and its name, as far as they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub kind: Option<String>,
    pub name: Option<String>,
}

/// A variable.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Variable {
    pub name: String,
    pub kind: VariableKind,
    pub query: String,
    pub regex: String,
    pub sort: Sort,
    pub multi: bool,
    pub include_all: bool,
    pub all_value: Option<String>,
    /// The saved choice.
    pub current: Vec<String>,
    /// Filters of an ad hoc variable.
    pub filters: Vec<Filter>,
    /// Into how many intervals an automatic one divides the range, and the
    /// shortest one.
    pub auto: Option<(u32, String)>,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum VariableKind {
    #[default]
    Query,
    /// A list of values with commas.
    Custom,
    /// A list of durations with commas.
    Interval,
    /// The one value that it has.
    Fixed,
    DataSource,
    AdHoc,
    /// None that is known here.
    Other,
}

impl VariableKind {
    pub fn of(name: &str) -> Self {
        match name {
            "query" | "QueryVariable" => VariableKind::Query,
            "custom" | "CustomVariable" => VariableKind::Custom,
            "interval" | "IntervalVariable" => VariableKind::Interval,
            "constant" | "ConstantVariable" | "textbox" | "TextVariable" => VariableKind::Fixed,
            "datasource" | "DatasourceVariable" => VariableKind::DataSource,
            "adhoc" | "AdhocVariable" => VariableKind::AdHoc,
            _ => VariableKind::Other,
        }
    }
}

/// The order of a query's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sort {
    pub by: SortKey,
    pub descending: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SortKey {
    /// As they come.
    #[default]
    None,
    Text,
    Number,
    TextWithoutCase,
}

/// A matcher that is added to every selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub key: String,
    pub operator: String,
    pub values: Vec<String>,
}
