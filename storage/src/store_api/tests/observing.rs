//! Who watches the calls to stores.

use std::sync::Arc;

use parking_lot::Mutex;

use super::super::{Call, CallObserver, CallOutcome, ObservedCall, StoreQuery};
use super::stores::*;

/// The calls that have begun, and what came of them.
#[derive(Debug, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

#[derive(Clone, Debug)]
struct Recorded {
    endpoint: String,
    method: &'static str,
    matchers: Vec<String>,
    outcome: Option<CallOutcome>,
}

impl CallObserver for Recorder {
    fn begin(&self, call: &Call<'_>) -> Box<dyn ObservedCall> {
        let mut calls = self.0.lock();
        calls.push(Recorded {
            endpoint: call.endpoint.to_string(),
            method: call.method,
            matchers: call.matchers.to_vec(),
            outcome: None,
        });
        Box::new(Recording(Arc::clone(&self.0), calls.len() - 1))
    }
}

struct Recording(Arc<Mutex<Vec<Recorded>>>, usize);

impl ObservedCall for Recording {
    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("thanos-tenant", "watched".to_string())]
    }

    fn end(&mut self, outcome: CallOutcome) {
        self.0.lock()[self.1].outcome = Some(outcome);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_seen_with_what_has_come_of_them() {
    let running = zones(&["a"]).await;
    let recorder = Arc::new(Recorder::default());
    let query = StoreQuery {
        observer: Some(Arc::clone(&recorder) as _),
        ..StoreQuery::default()
    };
    let storage = over(&running, query).await;
    select(&storage, &[equal("job", "a")]).await.unwrap();
    names(&storage, Some("job"), &[vec![equal("job", "b")]])
        .await
        .unwrap();
    // Headers of who watches go to the store.
    assert_eq!(running[0].tenants()[0], Some("watched".to_string()));
    let address = running[0].address().to_string();
    let calls = recorder.0.lock().clone();
    let [series, values] = &calls[..] else {
        panic!("{calls:?}");
    };
    assert_eq!(
        (&*series.endpoint, series.method),
        (&*address, "thanos.Store/Series")
    );
    assert_eq!(series.matchers, [r#"job="a""#]);
    let outcome = series.outcome.as_ref().unwrap();
    assert_eq!(
        (outcome.series, outcome.chunks, outcome.samples),
        (1, 1, 10)
    );
    assert!(outcome.messages > 0 && outcome.bytes > 0 && outcome.error.is_none());
    assert_eq!(values.method, "thanos.Store/LabelValues");
    assert_eq!(values.matchers, [r#"job="b""#]);
    assert!(values.outcome.as_ref().unwrap().error.is_none());
    drop(running);
    let answer = select(&storage, &[equal("job", "a")]).await.unwrap();
    assert!(answer.series.is_empty());
    let last = recorder.0.lock().last().unwrap().clone();
    assert!(last.outcome.unwrap().error.is_some());
}
