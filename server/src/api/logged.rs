//! Exemplars and metadata of the data directory's log, for HTTP and gRPC.

use std::collections::BTreeMap;
use std::sync::Arc;

use quarrel_engine::storage::TimeRange;
use quarrel_matchers::Matcher;
use quarrel_planner::ast::Expr;
use quarrel_storage::tsdb::head::{Head, Metadata, SeriesExemplars};

use super::error::{ApiError, ErrorType};
use super::service::Api;
use crate::source::TenantLabel;

/// The head of the data directory, if there is one.
pub(crate) async fn head(api: &Api) -> Result<Option<Arc<Head>>, ApiError> {
    let Some(tsdb) = api.tsdb() else {
        return Ok(None);
    };
    let head = tsdb.head().await;
    head.map(Some)
        .map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))
}

/// The matchers of each selector of a query, with that of the tenant's series.
pub(crate) fn selected(
    api: &Api,
    query: &str,
    tenant: Option<&TenantLabel>,
) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let options = &api.engine.options().parser;
    let tree = quarrel_planner::parse(query, options);
    let tree = tree.map_err(|error| ApiError::bad_data(error.to_string()))?;
    let mut sets = Vec::new();
    selectors(tree.expr(), &mut sets);
    let own = of_tenant(tenant)?;
    sets.iter_mut().for_each(|set| set.extend_from_slice(&own));
    Ok(sets)
}

/// Whether all of the data directory's series are a tenant's. `None` is everybody.
pub(crate) fn is_own(api: &Api, tenant: Option<&TenantLabel>) -> bool {
    let pairs = api.external_labels().iter();
    tenant.is_none_or(|own| own.is_in(pairs.map(|(name, value)| (name.as_str(), value.as_str()))))
}

/// The matchers that a tenant's series satisfy.
fn of_tenant(tenant: Option<&TenantLabel>) -> Result<Vec<Matcher>, ApiError> {
    let own = tenant.map(TenantLabel::matcher).transpose();
    let own = own.map_err(|error| ApiError::bad_data(error.to_string()))?;
    Ok(own.into_iter().collect())
}

/// The exemplars of a tenant's series that a query selects; `None` if it selects none.
/// `None` as a tenant is everybody.
pub(crate) async fn exemplars(
    api: &Api,
    query: &str,
    range: TimeRange,
    tenant: Option<&TenantLabel>,
) -> Result<Option<Vec<SeriesExemplars>>, ApiError> {
    let mut sets = selected(api, query, tenant)?;
    if sets.is_empty() {
        return Ok(None);
    }
    let external = api.external_labels();
    sets.retain_mut(|matchers| keep_own(matchers, external));
    let Some(head) = head(api).await?.filter(|_| !sets.is_empty()) else {
        return Ok(Some(Vec::new()));
    };
    let found = tokio::task::spawn_blocking(move || head.exemplars(range, &sets)).await;
    let mut found = found.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    for series in &mut found {
        add_external(&mut series.labels, external);
    }
    Ok(Some(found))
}

/// Leaves the matchers of labels that the head has itself. False if one of the others
/// does not match the external labels.
fn keep_own(matchers: &mut Vec<Matcher>, external: &[(String, String)]) -> bool {
    let mut all_match = true;
    matchers.retain(|matcher| {
        let own = external.iter().find(|(name, _)| name == matcher.name());
        all_match &= own.is_none_or(|(_, value)| matcher.matches(value));
        own.is_none()
    });
    all_match
}

/// Adds external labels, which replace those of the same name.
fn add_external(labels: &mut Vec<(String, String)>, external: &[(String, String)]) {
    if external.is_empty() {
        return;
    }
    labels.retain(|(name, _)| !external.iter().any(|(own, _)| own == name));
    labels.extend_from_slice(external);
    labels.sort();
}

/// The matchers of all selectors.
fn selectors(expr: &Expr, out: &mut Vec<Vec<Matcher>>) {
    quarrel_planner::with_stack(|| match expr {
        Expr::VectorSelector(selector) => out.push(selector.matchers.clone()),
        Expr::MatrixSelector(matrix) => out.push(matrix.selector.matchers.clone()),
        Expr::Number(_) | Expr::String(_) => {}
        Expr::Subquery(subquery) => selectors(&subquery.expr, out),
        Expr::Call(call) => call.args.iter().for_each(|arg| selectors(arg, out)),
        Expr::Aggregate(aggregate) => {
            selectors(&aggregate.expr, out);
            aggregate
                .param
                .iter()
                .for_each(|param| selectors(param, out));
        }
        Expr::Binary(binary) => {
            selectors(&binary.lhs, out);
            selectors(&binary.rhs, out);
        }
        Expr::Unary(unary) => selectors(&unary.expr, out),
        Expr::Paren(paren) => selectors(&paren.expr, out),
    });
}

/// What the log says about a metric of which a tenant has series, or about all of these
/// if the name is empty. `None` as a tenant is everybody.
pub(crate) async fn metadata(
    api: &Api,
    metric: String,
    tenant: Option<&TenantLabel>,
) -> Result<BTreeMap<String, Vec<Metadata>>, ApiError> {
    let mut own = of_tenant(tenant)?;
    let is_there = keep_own(&mut own, api.external_labels());
    let Some(head) = head(api).await?.filter(|_| is_there) else {
        return Ok(BTreeMap::new());
    };
    let found = tokio::task::spawn_blocking(move || {
        let metric = Some(metric.as_str()).filter(|metric| !metric.is_empty());
        head.metadata(metric, &own)
    });
    let found = found.await;
    found.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))
}

#[cfg(test)]
mod tests {
    use quarrel_matchers::MatchOp;

    use super::*;

    fn external() -> Vec<(String, String)> {
        vec![("cluster".to_string(), "a".to_string())]
    }

    #[test]
    fn matchers_of_external_labels_are_applied_and_removed() {
        let matcher = |name, value| Matcher::new(MatchOp::Equal, name, value).unwrap();
        let mut own = vec![matcher("cluster", "a"), matcher("job", "x")];
        assert!(keep_own(&mut own, &external()));
        assert_eq!(own.len(), 1);
        assert!(!keep_own(&mut vec![matcher("cluster", "b")], &external()));
        let mut all = vec![matcher("cluster", "a")];
        assert!(keep_own(&mut all, &external()) && all.is_empty());
    }

    #[test]
    fn external_labels_stand_in_order_and_win() {
        let label = |name: &str, value: &str| (name.to_string(), value.to_string());
        let mut labels = vec![label("a", "1"), label("cluster", "own"), label("z", "2")];
        add_external(&mut labels, &external());
        let want = vec![label("a", "1"), label("cluster", "a"), label("z", "2")];
        assert_eq!(labels, want);
    }
}
