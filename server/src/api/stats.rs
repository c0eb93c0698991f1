//! What a query cost, as the API shows it.

use quarrel_engine::{PerStepStats, QueryStats};

use crate::json;

/// The statistics, with Prometheus's names. `innerEvalTime` is the computation
/// here, `resultSortTime` the preparation of the result.
pub(super) fn write(stats: &QueryStats, out: &mut Vec<u8>) {
    let evaluation = stats.prepare + stats.evaluate + stats.result;
    let timings = [
        ("evalTotalTime", evaluation),
        ("resultSortTime", stats.result),
        ("queryPreparationTime", stats.prepare),
        ("innerEvalTime", stats.evaluate),
        ("execQueueTime", stats.queue),
        ("execTotalTime", stats.total()),
    ];
    out.extend_from_slice(b"{\"timings\":{");
    for (i, (name, duration)) in timings.into_iter().enumerate() {
        out.extend_from_slice(if i > 0 { b"," } else { b"" });
        json::string(out, name);
        out.push(b':');
        json::number(out, duration.as_secs_f64());
    }
    out.extend_from_slice(b"},\"samples\":{");
    let steps = stats.per_step.as_ref();
    if let Some(steps) = steps {
        let counts = &steps.total_queryable_samples;
        write_steps("totalQueryableSamplesPerStep", steps, counts, out);
    }
    write_count("totalQueryableSamples", stats.total_queryable_samples, out);
    if let Some(steps) = steps {
        write_steps("samplesReadPerStep", steps, &steps.samples_read, out);
    }
    write_count("samplesRead", stats.decoded_samples, out);
    write_count("seriesTouched", stats.series, out);
    write_count("peakSamples", stats.peak_samples, out);
    out.pop();
    out.extend_from_slice(b"}}");
}

/// Writes a count and a comma.
fn write_count(name: &str, count: u64, out: &mut Vec<u8>) {
    json::string(out, name);
    out.push(b':');
    json::integer(out, count as i64);
    out.push(b',');
}

/// Writes counts by step and a comma.
fn write_steps(name: &str, steps: &PerStepStats, counts: &[u64], out: &mut Vec<u8>) {
    json::string(out, name);
    out.extend_from_slice(b":[");
    for (step, &count) in (0i64..).zip(counts) {
        if step > 0 {
            out.push(b',');
        }
        let at = step.saturating_mul(steps.step_ms);
        out.push(b'[');
        json::number(out, steps.start_ms.saturating_add(at) as f64 / 1000.0);
        out.push(b',');
        json::integer(out, count as i64);
        out.push(b']');
    }
    out.extend_from_slice(b"],");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_each_step_stand_before_their_sums() {
        let mut stats = QueryStats {
            total_queryable_samples: 7,
            decoded_samples: 5,
            ..QueryStats::default()
        };
        let samples = |stats: &QueryStats| {
            let mut out = Vec::new();
            write(stats, &mut out);
            let text = String::from_utf8(out).unwrap();
            text.split_once("\"samples\":").unwrap().1.to_string()
        };
        let rest = "\"seriesTouched\":0,\"peakSamples\":0}}";
        assert_eq!(
            samples(&stats),
            format!("{{\"totalQueryableSamples\":7,\"samplesRead\":5,{rest}")
        );
        stats.per_step = Some(PerStepStats {
            start_ms: 1500,
            step_ms: 1000,
            total_queryable_samples: vec![3, 4],
            samples_read: vec![3, 2],
        });
        assert_eq!(
            samples(&stats),
            format!(
                "{{\"totalQueryableSamplesPerStep\":[[1.5,3],[2.5,4]],\"totalQueryableSamples\":7,\
                 \"samplesReadPerStep\":[[1.5,3],[2.5,2]],\"samplesRead\":5,{rest}"
            )
        );
    }
}
