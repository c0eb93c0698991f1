// Package quarrel runs PromQL queries on the quarrel engine, a vectorized
// PromQL engine in Rust. [Engine] is a promql.QueryEngine and reads samples
// through any storage.Queryable.
//
// The engine is linked as a static library, which `make install-lib` builds and
// installs; see README.md. Go calls Rust, and Rust never calls Go: a query that needs samples
// stops, Go reads them in the goroutine that runs the query, and the query
// continues.
package quarrel
