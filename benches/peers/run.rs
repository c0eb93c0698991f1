//! Asks each query of each engine in turn.

use std::io::Write;

use quarrel_benches::classes::{Class, beside};
use quarrel_benches::{BenchError, BenchQuery};

use crate::peer::Peer;
use crate::protocol::{Answer, Asked, Heavy, Request};
use crate::row::{Outcome, Row};

/// How often and how long queries run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Each engine has its turn this many times a query.
    pub rounds: u32,
    /// The most runs in a turn, after one to warm up.
    pub runs: u32,
    /// A turn ends after this time, but for three runs.
    pub most_ms: u64,
    /// The most time for one run.
    pub timeout_ms: u64,
}

/// A query of quarrel alone, on one thread and on two.
#[derive(Clone, Debug)]
pub struct Threaded {
    pub query: BenchQuery,
    pub one: Outcome,
    pub two: Outcome,
}

/// The latency of a small query, alone and beside heavy ones.
#[derive(Clone, Debug, Default)]
pub struct Crowded {
    pub small: String,
    pub heavy: String,
    pub times: u32,
    pub alone: Vec<u64>,
    pub beside: Vec<u64>,
}

impl From<&BenchQuery> for Asked {
    fn from(query: &BenchQuery) -> Self {
        Asked {
            query: query.text.clone(),
            start_ms: query.start_ms,
            end_ms: query.end_ms,
            step_ms: query.step_ms,
        }
    }
}

/// The request for a query.
fn request(query: &BenchQuery, plan: Plan) -> Result<Request, BenchError> {
    let data = query.data.directory()?;
    let data = data.to_str().ok_or("the target folder is not UTF-8")?;
    Ok(Request {
        asked: Asked::from(query),
        data: data.to_string(),
        runs: plan.runs,
        most_ms: plan.most_ms,
        timeout_ms: plan.timeout_ms,
        cold: query.cold,
        variants: query.variants,
        prepared: query.prepared,
        ..Request::default()
    })
}

/// Asks a query of all engines, one after the other, several times.
pub fn row(
    class: Class,
    query: BenchQuery,
    peers: &mut [Peer],
    plan: Plan,
) -> Result<Row, BenchError> {
    let mut request = request(&query, plan)?;
    let outcome = |peer: &Peer| Outcome {
        door: peer.door,
        ..Outcome::default()
    };
    let mut outcomes: Vec<Outcome> = peers.iter().map(outcome).collect();
    // The mean of many is steady, and takes its time.
    let rounds = if query.variants > 0 { 1 } else { plan.rounds };
    for round in 0..rounds {
        request.memory = round == 0;
        for (peer, outcome) in peers.iter_mut().zip(&mut outcomes) {
            // What took too long once is not tried again.
            if outcome.failure.is_none() && peer.classes.contains(&class) {
                outcome.add(peer.ask(&request)?, plan.timeout_ms);
            }
        }
    }
    let row = Row {
        class,
        query,
        outcomes,
    };
    tell(&row);
    Ok(row)
}

/// Says on stderr how it goes.
fn tell(row: &Row) {
    let one = |outcome: &Outcome| match (&outcome.failure, outcome.median()) {
        (Some(failure), _) => failure.chars().take(30).collect(),
        (None, median) => median.map_or("-".into(), |ns| format!("{:.3}", ns as f64 / 1e6)),
    };
    let medians: Vec<String> = row.outcomes.iter().map(one).collect();
    let text: String = row.query.shown().chars().take(100).collect();
    let class = row.class.name();
    // A broken pipe is no reason to stop.
    let _ = writeln!(
        std::io::stderr(),
        "{class}: {text}: {} ms",
        medians.join(", ")
    );
}

/// Asks queries of quarrel on one thread and on two.
pub fn threads(
    queries: Vec<BenchQuery>,
    quarrel: &mut Peer,
    plan: Plan,
) -> Result<Vec<Threaded>, BenchError> {
    let mut out = Vec::new();
    for query in queries {
        let mut request = request(&query, plan)?;
        let (mut one, mut two) = (Outcome::default(), Outcome::default());
        for _ in 0..plan.rounds.max(2) {
            for (threads, outcome) in [(1, &mut one), (2, &mut two)] {
                request.threads = threads;
                outcome.add(quarrel.ask(&request)?, plan.timeout_ms);
            }
        }
        out.push(Threaded { query, one, two });
    }
    Ok(out)
}

/// The runs of the small query, alone and beside others.
const CROWDED_RUNS: u32 = 200;

/// Asks a small query of quarrel alone and beside heavy ones.
pub fn crowded(quarrel: &mut Peer, plan: Plan) -> Result<Crowded, BenchError> {
    let setup = beside();
    let most_ms = 5_000;
    let plan = Plan {
        runs: CROWDED_RUNS,
        most_ms,
        ..plan
    };
    let mut request = request(&setup.small, plan)?;
    let ask = |quarrel: &mut Peer, request: &Request| -> Result<Vec<u64>, BenchError> {
        let answer: Answer = quarrel.ask(request)?;
        if !answer.error.is_empty() {
            return Err(answer.error.into());
        }
        Ok(answer.times_ns)
    };
    let alone = ask(quarrel, &request)?;
    request.beside = Some(Heavy {
        asked: Asked::from(&setup.heavy),
        times: setup.times,
    });
    Ok(Crowded {
        beside: ask(quarrel, &request)?,
        small: setup.small.text,
        heavy: setup.heavy.text,
        times: setup.times,
        alone,
    })
}
