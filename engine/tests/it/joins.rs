//! Joins by hand: which errors come, at which steps, and in which words.

use std::sync::Arc;

use quarrel_engine::storage::Storage;

use crate::fake::{Fake, floats};
use crate::support::{instant, range, show, store};

fn error(store: &Arc<dyn Storage>, text: &str, times: (i64, i64, i64)) -> String {
    match range(store, text, times) {
        Err(error) => error.to_string(),
        Ok(result) => panic!("{text} answered {}", show(&result)),
    }
}

#[test]
fn rows_that_take_turns_are_one_partner() {
    let store = store(
        "
        many{x=\"1\",p=\"a\"} 1 1 1 1 1 1
        many{x=\"1\",p=\"b\"} 2 2 2 2 2 2
        info{x=\"1\",v=\"old\"} 10 10 stale
        info{x=\"1\",v=\"new\"} _ _ _ 20 20 20
    ",
    );
    let ask = |text| show(&range(&store, text, (0, 150, 30)).unwrap());
    assert_eq!(
        ask("many * on (x) group_left () info"),
        "{p=a,x=1} 10@0 10@30 20@90 20@120 20@150\n{p=b,x=1} 20@0 20@30 40@90 40@120 40@150"
    );
    assert_eq!(
        ask("many * on (x) group_left (v) info"),
        "{p=a,v=new,x=1} 20@90 20@120 20@150\n{p=a,v=old,x=1} 10@0 10@30\n\
         {p=b,v=new,x=1} 40@90 40@120 40@150\n{p=b,v=old,x=1} 20@0 20@30"
    );
}

#[test]
fn repeats_on_the_one_side_matter_where_the_other_side_has_samples() {
    let store = store(
        "
        many{x=\"2\"} _ _ 1 stale
        one{x=\"1\",v=\"a\"} 1 1 stale
        one{x=\"1\",v=\"b\"} 1 1 1 1
        late{x=\"1\",v=\"a\"} 1 1 1 1
        late{x=\"1\",v=\"b\"} 1 1 1 1
        late{x=\"0\",v=\"c\"} _ _ 1 1
        late{x=\"0\",v=\"d\"} _ _ 1 1
    ",
    );
    // Steps 0 and 30 have repeats, but nothing that could meet them.
    let result = range(&store, "many * on (x) one", (0, 90, 30)).unwrap();
    assert_eq!(show(&result), "");
    // At 60 any sample of the other side is enough, partner or not.
    assert_eq!(
        error(&store, "many * on (x) group_left () late", (0, 90, 30)),
        "found duplicate series for the match group {x=\"1\"} on the right hand-side of the \
         operation: [{__name__=\"late\", v=\"a\", x=\"1\"}, {__name__=\"late\", v=\"b\", \
         x=\"1\"}];many-to-many matching not allowed: matching labels must be unique on one side"
    );
    let swapped = error(&store, "late * on (x) group_right () many", (0, 90, 30));
    assert!(swapped.contains("on the left hand-side"), "{swapped}");
}

#[test]
fn the_first_repeat_in_time_is_told() {
    let store = store(
        "
        many 1 1 1
        one{x=\"1\",v=\"a\"} _ _ 1
        one{x=\"1\",v=\"b\"} _ _ 1
        one{x=\"2\",v=\"a\"} _ 1 1
        one{x=\"2\",v=\"b\"} _ 1 1
    ",
    );
    let told = error(&store, "many * on (x) one", (0, 60, 30));
    assert!(told.contains("match group {x=\"2\"}"), "{told}");
}

#[test]
fn a_comparison_that_drops_a_repeat_is_an_error_all_the_same() {
    let store = store(
        "
        many{x=\"1\",p=\"a\"} 1 1
        many{x=\"1\",p=\"b\"} 2 2
        one{x=\"1\"} 2 2
    ",
    );
    assert_eq!(
        error(&store, "many == on (x) one", (0, 30, 30)),
        "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
    assert_eq!(
        error(&store, "many == on (x) group_left (p) one", (0, 30, 30)),
        "multiple matches for labels: grouping labels must ensure unique matches"
    );
    let kept = instant(&store, "many == on (x) group_left () one", 30).unwrap();
    assert_eq!(show(&kept), "{__name__=many,p=b,x=1} 2@30");
}

/// The names are dropped only for `absent_over_time` to count by, so equal
/// labels are no error there.
#[test]
fn absent_over_time_looks_at_presence_alone() {
    let store = store("a{x=\"1\"} 1 1\nb{x=\"1\"} 1 1");
    let ask = |text| show(&instant(&store, text, 30).unwrap());
    assert_eq!(ask("absent_over_time({x=\"1\"}[1m])"), "");
    assert_eq!(ask("absent_over_time({x=\"1\"}[1m:30s])"), "");
    assert_eq!(ask("absent_over_time({x=\"2\"}[1m])"), "{x=2} 1@30");
}

/// Where labels alone would give far more pairs than rows, the rows are computed
/// first, and only those that have samples are matched.
#[test]
fn many_rows_that_take_turns_are_matched_by_their_samples() {
    let lasting: Vec<(i64, f64)> = (0..100).map(|i| (i * 30, 1.0)).collect();
    let stale = f64::from_bits(0x7ff0_0000_0000_0002);
    let many = (0..300).map(|i| (format!("many{{p=\"{i:03}\"}}"), vec![floats(&lasting)]));
    let one = (0..300i64).map(|i| {
        // The first twenty take turns; the others come at once, but later.
        let samples = if i < 20 {
            floats(&[(i * 30, 2.0), (i * 30 + 30, stale)])
        } else {
            floats(&[(1200, 3.0)])
        };
        (format!("one{{v=\"{i:03}\"}}"), vec![samples])
    });
    let store = Fake::new(many).and(Fake::new(one)).store();
    let ask = |text| show(&range(&store, text, (30, 120, 30)).unwrap());
    let all = "{} 300@30 300@60 300@90 300@120";
    assert_eq!(ask("count(many * on () group_left (v) one)"), all);
    assert_eq!(ask("count((many @ 30) * on () group_left (v) one)"), all);
    assert_eq!(ask("count(one * on () group_right (v) many)"), all);
    assert_eq!(
        ask("sum by (v) (many * on () group_left (v) one)"),
        "{v=001} 600@30\n{v=002} 600@60\n{v=003} 600@90\n{v=004} 600@120"
    );
    // At 1200 s all of the others are there at once.
    let told = error(&store, "many * on () group_left (v) one", (0, 2400, 30));
    assert!(
        told.starts_with("found duplicate series for the match group {}"),
        "{told}"
    );
    let within = "max_over_time((many * on () group_left (v) one)[2m:30s])";
    let result = range(&store, &format!("count({within})"), (150, 150, 30)).unwrap();
    assert_eq!(show(&result), "{} 1200@150");
}

/// A matcher of one side may be asked of the other only where that neither
/// hides an error nor changes what is counted or kept.
#[test]
fn matchers_of_one_side_do_not_change_the_other() {
    let store = store(
        "
        a{x=\"1\"} 1
        a{x=\"2\",y=\"1\"} 1
        a{x=\"2\",y=\"2\"} 1
        b{x=\"1\"} 10
    ",
    );
    let ask = |text| show(&instant(&store, text, 0).unwrap());
    // The label that is matched is the one that holds the value.
    assert_eq!(
        ask("count_values by (x) (\"x\", a) and on (x) b{x=\"1\"}"),
        "{x=1} 3@0"
    );
    assert_eq!(
        ask("topk(1, a) and on (x) b{x=\"1\"}"),
        "{__name__=a,x=1} 1@0"
    );
    let told = instant(&store, "b{x=\"1\"} + on (x) topk by (x) (2, a)", 0).unwrap_err();
    assert!(told.to_string().contains("match group {x=\"2\"}"), "{told}");
    let told = instant(&store, "b{x=\"1\"} + on (x) a", 0).unwrap_err();
    assert!(told.to_string().contains("match group {x=\"2\"}"), "{told}");
    let told = instant(&store, "a + on (x) b{x=\"2\"}", 0).unwrap();
    assert_eq!(show(&told), "");
    assert_eq!(ask("sum by (x) (a) * on (x) b{x=\"1\"}"), "{x=1} 10@0");
    assert_eq!(ask("a unless on (x) b{x=\"1\"}").lines().count(), 2);
}
