//! What queries answer, by hand.

use crate::support::{at_secs, instant, range, show, store};

fn requests() -> std::sync::Arc<dyn quarrel_engine::storage::Storage> {
    store(
        "
        requests_total{job=\"a\",pod=\"1\"} 0 30 60 90 120 150 180 210 240 270 300
        requests_total{job=\"a\",pod=\"2\"} 0 60 120 180 240 300 360 420 480 540 600
        requests_total{job=\"b\",pod=\"1\"} 10 20 30 40 5 15 25 35 45 55 65
        gauge{job=\"a\"} 1 2 3 _ _ 6 7 stale 9
        limit{job=\"a\"} 100 100 100 100 100 100 100 100 100 100 100
        limit{job=\"b\"} 50 50 50 50 50 50 50 50 50 50 50
    ",
    )
}

#[test]
fn sum_of_rates() {
    let result = range(&requests(), "sum(rate(requests_total[2m]))", (120, 300, 60)).unwrap();
    assert_eq!(
        show(&result),
        "{} 3.2777777777777772@120 3.2777777777777772@180 3.333333333333333@240 3.333333333333333@300"
    );
    assert!(result.infos.is_empty(), "{:?}", result.infos);
    let by = instant(&requests(), "sum by (job) (rate(requests_total[2m]))", 300).unwrap();
    assert_eq!(
        show(&by),
        "{job=a} 2.9999999999999996@300\n{job=b} 0.3333333333333333@300"
    );
}

#[test]
fn selectors_look_back_and_stop_at_stale_markers() {
    let result = range(&requests(), "gauge", (0, 270, 30)).unwrap();
    assert_eq!(
        show(&result),
        "{__name__=gauge,job=a} 1@0 2@30 3@60 3@90 3@120 6@150 7@180 9@240 9@270"
    );
}

#[test]
fn joins_sets_and_comparisons() {
    let ask = |text| show(&instant(&requests(), text, 300).unwrap());
    assert_eq!(
        ask("requests_total / on (job) group_left () limit"),
        "{job=a,pod=1} 3@300\n{job=a,pod=2} 6@300\n{job=b,pod=1} 1.3@300"
    );
    assert_eq!(
        ask("requests_total > 100 and on (job) limit == 100"),
        "{__name__=requests_total,job=a,pod=1} 300@300\n{__name__=requests_total,job=a,pod=2} 600@300"
    );
    assert_eq!(
        ask("limit unless on (job) gauge"),
        "{__name__=limit,job=b} 50@300"
    );
    assert_eq!(
        ask("topk(1, requests_total)"),
        "{__name__=requests_total,job=a,pod=2} 600@300"
    );
    assert_eq!(ask("1 + 2 * 3"), "7 @300");
    assert_eq!(
        ask("count_values(\"v\", limit)"),
        "{v=100} 1@300\n{v=50} 1@300"
    );
    assert_eq!(ask("absent(nothing{a=\"b\"})"), "{a=b} 1@300");
    assert_eq!(ask("max_over_time(sum(limit)[2m:1m])"), "{} 150@300");
    let error = instant(&requests(), "limit + on () requests_total", 300).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("found duplicate series for the match group {}"),
        "{error}"
    );
    let error = instant(
        &requests(),
        "label_replace(limit, \"job\", \"x\", \"\", \"\")",
        300,
    );
    assert!(error.unwrap_err().to_string().contains("same labelset"));
}

#[test]
fn chains_of_thousands_of_operators_work_on_a_small_stack() {
    let run = || {
        let sums = vec!["limit"; 5000].join(" + ");
        let answer = instant(&requests(), &sums, 300).unwrap();
        assert_eq!(show(&answer), "{job=a} 500000@300\n{job=b} 250000@300");
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_query_may_have_its_own_step_for_subqueries() {
    let store = store("x 0 1 2 3 4 5 6 7 8 9 10");
    let prepared = crate::support::engine(1)
        .prepare("count_over_time(x[2m:])")
        .unwrap();
    let count = |subquery_step| {
        let mut options = quarrel_engine::QueryOptions::new();
        options.subquery_step = subquery_step;
        let query = prepared.instant(std::sync::Arc::clone(&store), at_secs(300), options);
        show(&futures::executor::block_on(query.execute()).unwrap())
    };
    assert_eq!(count(None), "{} 2@300");
    let quarter: quarrel_engine::SubqueryStep = std::sync::Arc::new(|range_ms| range_ms / 4);
    assert_eq!(count(Some(quarter)), "{} 4@300");
}
