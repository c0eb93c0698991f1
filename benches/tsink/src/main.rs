//! tsink, a time-series database in Rust with PromQL of its own, as a process
//! that `make bench-peers` times.
//!
//! It holds the samples of a data directory in memory, floats alone; quarrel's
//! reader gets them out of the blocks. The loop is that of
//! `compliance/go/benchchild`. A query cannot be ended, so the process is, by
//! the one who asked, after it has answered that the time is over.

#[path = "../../peers/allocator.rs"]
mod allocator;
#[path = "../../peers/memory.rs"]
mod memory;
#[path = "../../peers/protocol.rs"]
mod protocol;

mod load;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tsink::Storage;
use tsink::promql::{Engine, PromqlValue};

use crate::allocator::{allocated, give_back};
use crate::memory::Watch;
use crate::protocol::{Answer, Asked, Hello, Request};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Why there is no answer.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A first run that took longer is the only one.
const LONG: Duration = Duration::from_secs(10);

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut say = |line: String| writeln!(out, "{line}").and_then(|()| out.flush());
    let hello = Hello {
        module: "tsink@0.10.2".to_string(),
        runtime: if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        }
        .to_string(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(serde_json::to_string(&hello)?)?;
    let mut opened: Option<(String, Arc<dyn Storage>)> = None;
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        if opened.as_ref().is_none_or(|o| o.0 != request.data) {
            drop(opened.take());
            opened = Some((request.data.clone(), load::load(&request.data)?));
        }
        if let Some((_, storage)) = &opened {
            let answer = answer(Arc::clone(storage), request);
            say(serde_json::to_string(&answer)?)?;
        }
    }
    Ok(())
}

/// Measures on a thread of its own, so that there is an answer if it takes too
/// long.
fn answer(storage: Arc<dyn Storage>, request: Request) -> Answer {
    let limit = Duration::from_millis(request.timeout_ms + 3 * request.most_ms) + LONG;
    let (send, measured) = channel();
    std::thread::spawn(move || {
        let mut answer = Answer::default();
        if let Err(error) = measure(&Engine::new(storage), &request, &mut answer) {
            answer.error = error.to_string();
        }
        // Nobody listens if it is late.
        let _ = send.send(answer);
    });
    measured.recv_timeout(limit).unwrap_or_else(|_| Answer {
        timed_out: true,
        error: "the time is over, or the engine panicked".to_string(),
        ..Answer::default()
    })
}

fn measure(engine: &Engine, request: &Request, answer: &mut Answer) -> Result<(), Failure> {
    let text = &request.asked.query;
    if request.variants > 0 {
        return variants(engine, request, answer);
    }
    let most = Duration::from_millis(request.most_ms);
    let mut before = allocated();
    let first = once(engine, text, &request.asked, answer)?;
    let mut took = Vec::new();
    if first < LONG {
        let started = Instant::now();
        before = allocated();
        while took.len() < request.runs as usize && more(took.len(), started.elapsed(), most) {
            took.push(once(engine, text, &request.asked, answer)?);
        }
    } else {
        took.push(first);
    }
    answer.alloc_bytes = (allocated() - before).checked_div(took.len() as u64);
    answer.times_ns = took.into_iter().map(nanos).collect();
    if request.memory {
        give_back();
        let watch = Watch::start()?;
        let value = run(engine, text, &request.asked);
        answer.peak_bytes = Some(watch.stop());
        value?;
    }
    Ok(())
}

/// Whether a turn goes on: for one run, for its time, for three runs if they
/// are not much longer.
fn more(runs: usize, elapsed: Duration, most: Duration) -> bool {
    runs == 0 || elapsed < most || runs < 3 && elapsed < 3 * most
}

/// Runs a query once for each number that stands for its `#`.
fn variants(engine: &Engine, request: &Request, answer: &mut Answer) -> Result<(), Failure> {
    let (before, mut total) = (allocated(), Duration::ZERO);
    for i in 0..request.variants {
        let text = request.asked.query.replace('#', &i.to_string());
        total += once(engine, &text, &request.asked, answer)?;
    }
    answer.alloc_bytes = (allocated() - before).checked_div(u64::from(request.variants));
    answer.times_ns = vec![nanos(total / request.variants.max(1))];
    Ok(())
}

fn once(
    engine: &Engine,
    text: &str,
    asked: &Asked,
    answer: &mut Answer,
) -> Result<Duration, Failure> {
    let started = Instant::now();
    let value = run(engine, text, asked)?;
    let took = started.elapsed();
    answer.rows = match &value {
        PromqlValue::InstantVector(rows) => rows.len() as u64,
        PromqlValue::RangeVector(rows) => rows.len() as u64,
        _ => 1,
    };
    Ok(took)
}

fn run(engine: &Engine, text: &str, asked: &Asked) -> Result<PromqlValue, Failure> {
    let value = if asked.step_ms == 0 {
        engine.instant_query(text, asked.start_ms)
    } else {
        engine.range_query(text, asked.start_ms, asked.end_ms, asked.step_ms)
    };
    value.map_err(|e| e.to_string().into())
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
