//! What `quarrel compare`, `quarrel bench` and `quarrel test` read.

use std::sync::Arc;

use quarrel_compliance::answer::Answer;
use quarrel_compliance::cases::{lines_from, rules_from, suite};
use quarrel_compliance::template::{AlertData, Environment, Sample, SampleValue, Template};

/// Answers of servers, which may be of any kind.
pub(crate) fn answer(data: &[u8]) {
    if let Ok(Answer::Data(data)) = Answer::read(200, data.to_vec()) {
        for row in data.value.rows() {
            let _ = row.labels.to_string();
        }
    }
}

/// Files with queries: lists and logs, rules, and the compliance suite's.
pub(crate) fn cases(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = lines_from("list", &text);
    let _ = rules_from("rules", &text);
    let _ = suite::load_text(&[("suite", &text)]);
}

/// Templates of alerts, which are expanded as well, but for those that call each
/// other and may never end.
pub(crate) fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let calls = text.contains("define") || text.contains("block");
    let Ok(template) = Template::parse("fuzz", text) else {
        return;
    };
    if !calls {
        let labels = [("job".to_string(), "api".to_string())];
        let _ = template.expand(
            AlertData {
                labels: Arc::new(labels.into()),
                external_labels: Arc::default(),
                external_url: "http://x".into(),
                value: SampleValue::Float(1.5),
            },
            &Nothing,
        );
    }
}

/// Nothing to ask.
struct Nothing;

impl Environment for Nothing {
    fn query(&self, _: &str) -> Result<Vec<Arc<Sample>>, String> {
        Ok(Vec::new())
    }

    fn now_ms(&self) -> i64 {
        0
    }

    fn server_url(&self) -> Option<&str> {
        None
    }
}
