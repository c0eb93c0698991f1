//! Compares with what Thanos's deduplication makes of replicas, see
//! `compliance/go/stack/programs/thanos/dedupgolden`. To compare with another file of
//! that program, name it in `QUARREL_PENALTY_GOLDEN`.

use quarrel_functions::replicas::{FloatValues, PenaltySample, penalty};
use serde_json::Value;

struct Values(Vec<Vec<f64>>);

impl FloatValues for Values {
    fn float(&self, replica: usize, index: usize) -> Option<f64> {
        Some(self.0[replica][index])
    }
}

fn lists<T>(value: &Value, item: impl Fn(&Value) -> Option<T>) -> Vec<Vec<T>> {
    let list = |list: &Value| {
        list.as_array()
            .unwrap()
            .iter()
            .map(|v| item(v).unwrap())
            .collect()
    };
    value.as_array().unwrap().iter().map(list).collect()
}

#[test]
fn what_counts_is_what_counts_in_thanos() {
    let text = match std::env::var_os("QUARREL_PENALTY_GOLDEN") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => include_str!("data/penalty.jsonl").to_string(),
    };
    let mut lifted = 0;
    for (number, line) in text.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let times = lists(&case["times"], Value::as_i64);
        let values = Values(lists(&case["values"], Value::as_f64));
        let expected = lists(&case["expected"], Value::as_i64);
        let counter = case["counter"].as_bool().unwrap();
        let counter = counter.then_some(&values as &dyn FloatValues);
        let columns: Vec<&[i64]> = times.iter().map(Vec::as_slice).collect();
        let counting = penalty(&columns, counter);
        lifted += counting.iter().filter(|sample| sample.added > 0.0).count();
        let sample = |s: &PenaltySample| {
            let value = values.0[s.replica][s.index] + s.added;
            vec![times[s.replica][s.index], value as i64]
        };
        let got: Vec<_> = counting.iter().map(sample).collect();
        assert_eq!(got, expected, "case {number}");
    }
    assert!(text.lines().count() >= 200, "the file is cut");
    assert!(lifted > 0, "no counter was lifted");
}
