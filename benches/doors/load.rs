//! Many clients side by side.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use quarrel_benches::BenchError;
use quarrel_benches::stats::quantile;

use crate::client::Client;
use crate::request::escaped;
use crate::server::Server;

/// Clients that ask side by side.
const CLIENTS: u64 = 64;
/// Of so many requests of a client one is heavy.
const HEAVY: u64 = 10;

/// What a server did under load.
pub struct Load {
    pub name: &'static str,
    pub a_second: f64,
    /// Median and 99 % of light and heavy requests, ns.
    pub light: [u64; 2],
    pub heavy: [u64; 2],
    /// Requests without an answer.
    pub failed: u64,
    pub peak: u64,
}

/// What clients saw, ns.
#[derive(Default)]
struct Seen {
    light: Vec<u64>,
    heavy: Vec<u64>,
    failed: u64,
}

/// The request number `n` of a client, and whether it is heavy.
fn target(client: u64, n: u64) -> (String, bool) {
    let heavy = (client + n).is_multiple_of(HEAVY);
    let series = (client * 7919 + n * 104_729) % 3000;
    let query = match heavy {
        true => "sum by (job) (rate(x[5m]))".to_string(),
        false => format!(
            "rate(x{{instance=\"10.0.{}.{}:9100\"}}[5m])",
            series / 250,
            series % 250
        ),
    };
    let query = escaped(&query);
    let times = "start=1700013600&end=1700020800&step=30";
    (format!("/api/v1/query_range?query={query}&{times}"), heavy)
}

/// Lets all clients ask for so long, each on a connection of its own.
pub fn run(server: &Server, seconds: u64) -> Result<Load, BenchError> {
    let over = AtomicBool::new(false);
    let mut all = Seen::default();
    let peak = server.peak_of(|| {
        std::thread::scope(|scope| {
            let over = &over;
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| scope.spawn(move || ask(server, client, over)))
                .collect();
            std::thread::sleep(Duration::from_secs(seconds));
            over.store(true, Relaxed);
            for client in clients {
                let seen = client.join().map_err(|_| "a client died")?;
                all.light.extend(seen.light);
                all.heavy.extend(seen.heavy);
                all.failed += seen.failed;
            }
            Ok(())
        })
    })?;
    let of = |took: &[u64]| [0.5, 0.99].map(|part| quantile(took, part).unwrap_or_default());
    Ok(Load {
        name: server.name,
        a_second: (all.light.len() + all.heavy.len()) as f64 / seconds as f64,
        light: of(&all.light),
        heavy: of(&all.heavy),
        failed: all.failed,
        peak,
    })
}

fn ask(server: &Server, client: u64, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    let mut connection = None;
    for n in 0.. {
        if over.load(Relaxed) {
            break;
        }
        let (target, heavy) = target(client, n);
        let answer = match &mut connection {
            Some(open) => Client::get(open, &target, true),
            none => {
                Client::connect(server.address).and_then(|new| none.insert(new).get(&target, true))
            }
        };
        match answer {
            Ok(answer) => {
                let took = if heavy {
                    &mut seen.heavy
                } else {
                    &mut seen.light
                };
                took.push(answer.whole.as_nanos() as u64);
            }
            Err(_) => {
                seen.failed += 1;
                connection = None;
            }
        }
    }
    seen
}
