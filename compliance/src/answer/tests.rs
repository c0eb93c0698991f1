use proptest::prelude::*;

use super::*;

fn read(body: &str) -> Result<Answer, Unreadable> {
    Answer::read(200, body.as_bytes().to_vec())
}

fn value(body: &str) -> Value {
    match read(body) {
        Ok(Answer::Data(data)) => data.value,
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn each_type_is_read() {
    let vector = value(
        r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"job":"a","__name__":"up"},"value":[1.5,"NaN"]},
            {"metric":{},"histogram":[2,{"count":"3","sum":"-Inf","buckets":[[0,"1","2","3"]]}]}
        ]}}"#,
    );
    let [first, second] = vector.rows() else {
        panic!()
    };
    assert_eq!(first.labels.to_string(), r#"{__name__="up", job="a"}"#);
    assert_eq!(first.labels.get("job"), Some("a"));
    assert!(first.floats[0].0 == 1500 && first.floats[0].1.is_nan());
    let (time, histogram) = &second.histograms[0];
    assert_eq!(
        (*time, histogram.count, histogram.sum),
        (2000, 3.0, f64::NEG_INFINITY)
    );
    assert_eq!(histogram.buckets[0].upper, 2.0);

    // The type may come last, and other members may be there.
    let matrix = value(
        r#"{"data":{"stats":{"a":[1]},"result":[{"metric":{"a":"é\n"},
            "values":[[0.001,"1"],[1435781430.781,"2e3"]],"histograms":[]}],
            "resultType":"matrix"},"status":"success"}"#,
    );
    assert_eq!(matrix.kind(), "matrix");
    assert_eq!(
        matrix.rows()[0].floats,
        [(1, 1.0), (1_435_781_430_781, 2000.0)]
    );
    assert_eq!(matrix.rows()[0].labels.get("a"), Some("é\n"));

    let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[7,"+Inf"]}}"#;
    assert_eq!(value(scalar), Value::Scalar(7000, f64::INFINITY));
    let text = r#"{"status":"success","data":{"resultType":"string","result":[7.25,"7"]}}"#;
    assert_eq!(value(text), Value::Text(7250, "7".to_string()));
}

#[test]
fn errors_and_notes_are_read() {
    let body = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
    let failure = Failure {
        status: 400,
        kind: "bad_data".to_string(),
        message: "no".to_string(),
    };
    let answer = Answer::read(400, body.as_bytes().to_vec());
    assert_eq!(answer, Ok(Answer::Failure(failure)));
    let body = r#"{"status":"success","warnings":["w"],"infos":["i","j"],
        "data":{"resultType":"vector","result":[]}}"#;
    let Ok(Answer::Data(data)) = read(body) else {
        panic!()
    };
    assert_eq!((data.warnings.len(), data.infos.len()), (1, 2));
}

#[test]
fn what_is_no_answer_says_why() {
    for (body, reason) in [
        ("", "no body"),
        ("<html>", "it begins with \"<html>\""),
        ("{}", "status"),
        (r#"{"status":"fine"}"#, "its status is \"fine\""),
        (r#"{"status":"success"}"#, "no result"),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[1,"2"]}}"#,
            "no result",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#,
            "no number",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"1","a":"2"},"value":[1,"1"]}]}}"#,
            "a label name twice",
        ),
        (
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]"#,
            "no answer",
        ),
    ] {
        let error = read(body).unwrap_err().to_string();
        assert!(error.contains(reason), "{body}: {error}");
    }
    let success = br#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;
    assert!(Answer::read(500, success.to_vec()).is_err());
}

#[test]
fn milliseconds_are_seconds() {
    for (ms, text) in [(0, "0"), (1500, "1.500"), (-1, "-0.001"), (-2000, "-2")] {
        assert_eq!(seconds(ms), text);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Answer::read(200, body);
    }

    #[test]
    fn damaged_answers_are_no_panic(at in 0usize..160, byte in any::<u8>()) {
        let mut body = br#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1.5,"1"]],"histograms":[[2,{"count":"3","sum":"4","buckets":[[0,"1","2","3"]]}]]}]}}"#.to_vec();
        body[at] = byte;
        let _ = Answer::read(200, body.clone());
        body.truncate(at);
        let _ = Answer::read(200, body);
    }

    #[test]
    fn label_sets_come_back(pairs in prop::collection::btree_map("[a-z\u{e9}]{1,3}", ".{1,5}", 0..5)) {
        let given: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        let labels = Labels::new(given.iter().rev().copied().collect()).unwrap();
        prop_assert_eq!(labels.iter().collect::<Vec<_>>(), given);
        prop_assert_eq!(labels.len(), pairs.len());
    }
}
