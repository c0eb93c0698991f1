//! What was measured, as Markdown.

use std::fmt::Write as _;

use quarrel_benches::stats::geometric_mean;

use crate::load::Load;
use crate::request::Row;

fn ms(nanos: u64) -> String {
    let ms = nanos as f64 / 1e6;
    match ms {
        0.0..10.0 => format!("{ms:.2}"),
        10.0..100.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

fn mb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// A row a request; quarrel is the first server, Prometheus the second.
pub fn requests(rows: &[Row]) -> String {
    let mut out = String::from(
        "| request | | quarrel, ms | Prometheus, ms | times | first bytes, ms | MB | memory, MB |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let [own, peer] = &row.of[..] else { continue };
        let encoding = if row.request.gzip { "gzip" } else { "plain" };
        // Writing into a string can't fail.
        let _ = writeln!(
            out,
            "| {} | {encoding} | {} | {} | {:.1} | {} / {} | {} / {} | {} / {} |",
            row.request.shown,
            ms(own.whole_ns),
            ms(peer.whole_ns),
            ratio(row),
            ms(own.first_ns),
            ms(peer.first_ns),
            mb(own.bytes),
            mb(peer.bytes),
            mb(own.peak),
            mb(peer.peak),
        );
    }
    let mean = geometric_mean(rows.iter().map(ratio)).unwrap_or_default();
    let _ = writeln!(out, "| geometric mean | | | | {mean:.1} | | | |");
    out
}

/// How many times as fast quarrel is.
fn ratio(row: &Row) -> f64 {
    match &row.of[..] {
        [own, peer] => peer.whole_ns as f64 / own.whole_ns.max(1) as f64,
        _ => 0.0,
    }
}

/// A row a server.
pub fn loads(loads: &[Load]) -> String {
    let mut out = String::from(
        "| 64 clients | answers a second | light, ms, 50 / 99 % | heavy, ms, 50 / 99 % | failed | memory, MB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for load in loads {
        let _ = writeln!(
            out,
            "| {} | {:.0} | {} / {} | {} / {} | {} | {} |",
            load.name,
            load.a_second,
            ms(load.light[0]),
            ms(load.light[1]),
            ms(load.heavy[0]),
            ms(load.heavy[1]),
            load.failed,
            mb(load.peak),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Request, Took};

    #[test]
    fn rows_have_their_ratio_and_a_mean() {
        let took = |whole_ns| Took {
            whole_ns,
            first_ns: 2_000_000,
            bytes: 16_180_000,
            peak: 1_000_000,
        };
        let rows = [2_000_000, 8_000_000].map(|peer| Row {
            request: Request {
                shown: "`x`".into(),
                target: String::new(),
                gzip: true,
            },
            of: vec![took(1_000_000), took(peer)],
        });
        let table = requests(&rows);
        assert!(table.contains("| `x` | gzip | 1.00 | 8.00 | 8.0 | 2.00 / 2.00 | 16.18 / 16.18 |"));
        assert!(table.ends_with("| geometric mean | | | | 4.0 | | | |\n"));
    }
}
