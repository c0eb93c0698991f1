//! What `explain` shows of physical plans.

use futures::executor::block_on;
use insta::assert_snapshot;
use quarrel_engine::QueryOptions;

use crate::fake::Fake;
use crate::support::{engine, over_secs};

/// The physical plan of a range query of eleven steps, over a store that is
/// large enough for the engine's threads, of which there are two.
fn physical(text: &str) -> String {
    let x = Fake::many("x", 300, 4).and(Fake::many("x_total", 300, 4));
    let store = Fake {
        estimate: Some(10_000_000),
        ..x.and(Fake::many("y", 5, 4))
    };
    let query = engine(2).prepare(text).expect("a query");
    let query = query.range(store.store(), over_secs((0, 600, 60)), QueryOptions::new());
    let explained = block_on(query.explain()).expect("a plan");
    explained.physical.expect("a physical plan")
}

#[test]
fn scans_and_what_is_folded_into_them() {
    assert_snapshot!(physical("1 + 2"), @r"
    Broadcast: steps=11
      Scalar: 3
    ");
    assert_snapshot!(physical("x"), @r"
    Gather: partitions=2 morsels=2
      Scan: latest series=300 range=300000ms morsels=2 partitions=2
    ");
    assert_snapshot!(physical("rate(x_total[5m])"), @r"
    Gather: partitions=2 morsels=2
      Scan: rate series=300 range=300000ms morsels=2 partitions=2
    ");
    assert_snapshot!(physical("sum by (g) (rate(x_total[5m]))"), @r"
    Aggregate: sum groups=1 of 300 mode=partial by morsel, final
      Scan: rate series=300 range=300000ms morsels=2 partitions=2
    ");
}

#[test]
fn rows_that_change_their_steps() {
    assert_snapshot!(physical("max_over_time(sum(x)[5m:1m])"), @r"
    SubqueryWindow: max_over_time range=300000ms inner steps=15 step=60000ms
      Aggregate: sum groups=1 of 300 mode=partial by morsel, final
        Scan: latest series=300 range=300000ms morsels=2 partitions=2
    ");
    assert_snapshot!(physical(r#"absent(nothing{a="b"})"#), @r"
    Absent
      Gather: partitions=2 morsels=0
        Scan: latest series=0 range=300000ms morsels=0 partitions=2
    ");
    assert_snapshot!(physical("x @ 60 + scalar(y)"), @r"
    Gather: partitions=2 morsels=2
      VectorScalar: Arithmetic(Add) right=input 1
        Broadcast: steps=11
          Scan: latest series=300 range=300000ms morsels=2 partitions=2
        Scalar: of vector
          Gather: partitions=2 morsels=1
            Scan: latest series=5 range=300000ms morsels=1 partitions=2
    ");
    assert_snapshot!(physical(r#"histogram_quantile(0.9, -{__name__=~"x|y"})"#), @r"
    Histogram: histogram_quantile(0.9) native
      Merge: rows=300 of 305
        Gather: partitions=2 morsels=2
          Elementwise: -
            Scan: latest series=305 range=300000ms morsels=2 partitions=2
    ");
}

#[test]
fn operators_that_take_one_input_as_it_comes() {
    assert_snapshot!(physical("x + on (i) y"), @r"
    Gather: partitions=2 morsels=2
      Join: Arithmetic(Add) one-to-one groups=5 pairs=5 streams=left
        Scan: latest series=300 range=300000ms morsels=2 partitions=2 needed=5
        Gather: partitions=2 morsels=1
          Scan: latest series=5 range=300000ms morsels=1 partitions=2 needed=5
    ");
    assert_snapshot!(physical("x * on (i) group_left () y"), @r"
    Gather: partitions=2 morsels=2
      Join: Arithmetic(Mul) many-to-one groups=5 pairs=5 streams=left
        Scan: latest series=300 range=300000ms morsels=2 partitions=2 needed=5
        Gather: partitions=2 morsels=1
          Scan: latest series=5 range=300000ms morsels=1 partitions=2 needed=5
    ");
    assert_snapshot!(physical("x unless on (i) y"), @r"
    Gather: partitions=2 morsels=2
      Set: unless groups=300
        Scan: latest series=300 range=300000ms morsels=2 partitions=2
        Gather: partitions=2 morsels=1
          Scan: latest series=5 range=300000ms morsels=1 partitions=2 needed=5
    ");
}

#[test]
fn operators_that_need_whole_inputs() {
    assert_snapshot!(physical("topk(2, x)"), @r"
    TopK: k=2 groups=1 of 300
      Gather: partitions=2 morsels=2
        Scan: latest series=300 range=300000ms morsels=2 partitions=2
    ");
    assert_snapshot!(physical("quantile(0.9, x)"), @r"
    Quantile: q=0.9 groups=1 of 300
      Gather: partitions=2 morsels=2
        Scan: latest series=300 range=300000ms morsels=2 partitions=2
    ");
    assert_snapshot!(physical(r#"count_values("v", x)"#), @"Rows: rows=900");
}
