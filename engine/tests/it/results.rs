//! How an answer is read without a match.

use quarrel_engine::Value;

use crate::support::{instant, range, store};

const DATA: &str = "
    x{a=\"1\"} 1 2 3
    x{a=\"2\"} 4 5 6
";

#[test]
fn each_type_has_its_accessor() {
    let store = store(DATA);
    let at = |text: &str| instant(&store, text, 60).unwrap().value;
    let over = range(&store, "x", (0, 60, 30)).unwrap().value;
    let all = [at("1"), at("'a'"), at("x"), over];
    let answers = |value: &Value| {
        [
            value.as_scalar().is_some(),
            value.as_str().is_some(),
            value.as_vector().is_some(),
            value.as_matrix().is_some(),
        ]
    };
    for (i, value) in all.iter().enumerate() {
        let mut expected = [false; 4];
        expected[i] = true;
        assert_eq!(answers(value), expected, "{}", value.type_name());
        assert_eq!(value.series().is_some(), i > 1);
        assert_eq!(value.iter().count(), if i > 1 { 2 } else { 0 });
    }
    let [scalar, text, vector, _] = all;
    assert_eq!((scalar.as_scalar(), text.as_str()), (Some(1.0), Some("a")));
    assert_eq!(vector.into_series().map(|set| set.len()), Some(2));
    assert!(scalar.into_series().is_none());
}

#[test]
fn series_are_iterated_both_ways() {
    let value = instant(&store(DATA), "x", 60).unwrap().value;
    let set = value.as_vector().unwrap();
    let metrics: Vec<String> = set.iter().map(|series| series.metric()).collect();
    assert_eq!(metrics, ["x{a=\"1\"}", "x{a=\"2\"}"]);
    let mut back: Vec<String> = set.iter().rev().map(|series| series.metric()).collect();
    back.reverse();
    assert_eq!(metrics, back);
    assert_eq!(set.iter().len(), 2);
    let values: Vec<_> = set
        .into_iter()
        .filter_map(|s| s.value()?.as_float())
        .collect();
    assert_eq!(values, [3.0, 6.0]);
    let first = set.first().unwrap();
    assert_eq!(first.label("a").as_deref(), Some("1"));
    assert_eq!((first.label("b"), first.label("nowhere")), (None, None));
    assert!(set.get(2).is_none() && set.get(1).is_some());
    assert_eq!(set.slice(1, 1).first().unwrap().metric(), metrics[1]);
    assert!(set.slice(2, 0).is_empty());
}

#[test]
fn floats_are_those_of_the_points() {
    let store = store("x{a=\"1\"} 1 _ 3 4\nx{a=\"2\"} 5 6 7 8\ny 1");
    for (text, unchanged) in [("x", true), ("x > 3", true), ("-x", false)] {
        let value = range(&store, text, (0, 90, 30)).unwrap().value;
        let set = value.as_matrix().unwrap();
        assert_eq!(set.len(), 2);
        for series in set {
            let points = series.points();
            let expected: Vec<_> = points
                .filter_map(|p| Some((p.timestamp, p.value.as_float()?)))
                .collect();
            let mut floats = Vec::new();
            series.for_each_float(|timestamp, value| floats.push((timestamp, value)));
            assert_eq!(floats, expected);
            assert_eq!(series.float_count(), expected.len());
            let labels = set.labels().get(series.row() as usize);
            assert_eq!(labels, series.labels());
            assert_eq!(unchanged, series.label("__name__").is_some());
        }
    }
    // Samples as they are stored.
    let value = instant(&store, "x{a=\"1\"}[10m]", 90).unwrap().value;
    let series = value.as_matrix().unwrap().first().unwrap();
    let mut floats = Vec::new();
    series.for_each_float(|timestamp, value| floats.push((timestamp, value)));
    assert_eq!(floats, [(0, 1.0), (60_000, 3.0), (90_000, 4.0)]);
    assert_eq!(series.float_count(), 3);
}
