//! quarrel as a process that is timed: the loop of `compliance/go/benchchild`,
//! in Rust.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use quarrel_benches::{BenchError, open, rows};
use quarrel_engine::storage::Storage;
use quarrel_engine::{
    Engine, EngineOptions, ErrorClass, ParserOptions, Prepared, QueryError, QueryOptions,
    QueryRange, QueryResult, QueryTimes, Timestamp,
};
use tokio::runtime::Runtime;

use crate::allocator::{allocated, give_back};
use crate::protocol::{Answer, Asked, Hello, Request};
use quarrel_benches::memory::{Status, Watch};

/// Answers requests until the input ends.
pub fn serve() -> Result<(), BenchError> {
    let mut out = std::io::stdout().lock();
    let mut say = |line: String| -> std::io::Result<()> {
        writeln!(out, "{line}")?;
        out.flush()
    };
    let hello = Hello {
        module: format!("quarrel@{}", env!("CARGO_PKG_VERSION")),
        runtime: if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        }
        .to_string(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    say(serde_json::to_string(&hello)?)?;
    let mut child = Child {
        runtime: tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
        engines: HashMap::new(),
        opened: None,
    };
    for line in std::io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        say(serde_json::to_string(&child.answer(&request))?)?;
    }
    Ok(())
}

struct Child {
    runtime: Runtime,
    /// By their number of threads.
    engines: HashMap<usize, Engine>,
    opened: Option<(String, Arc<dyn Storage>)>,
}

impl Child {
    fn answer(&mut self, request: &Request) -> Answer {
        let mut answer = Answer::default();
        if let Err(error) = self.measure(request, &mut answer) {
            let query = error.downcast_ref::<QueryError>();
            answer.timed_out = query.is_some_and(|e| e.class() == ErrorClass::Timeout);
            answer.error = error.to_string();
        }
        answer
    }

    fn measure(&mut self, request: &Request, answer: &mut Answer) -> Result<(), BenchError> {
        let (engine, store) = (self.engine(request.threads)?, self.store(&request.data)?);
        let text = &request.asked.query;
        let mut asking = Asking {
            runtime: &self.runtime,
            prepared: request.prepared.then(|| engine.prepare(text)).transpose()?,
            engine,
            store,
            request,
        };
        if request.variants > 0 {
            return asking.variants(answer);
        }
        let _heavy = asking.beside();
        asking.repeat(answer)?;
        if request.memory && !request.cold {
            answer.peak_bytes = Some(asking.peak()?);
        }
        Ok(())
    }

    fn engine(&mut self, threads: usize) -> Result<Engine, BenchError> {
        if let Some(engine) = self.engines.get(&threads) {
            return Ok(engine.clone());
        }
        // What a query costs is the question, not where a limit ends it.
        let mut options = EngineOptions::new()
            .max_samples(u64::MAX)
            .parser(ParserOptions::all());
        options.timeout = None;
        options.threads = (threads > 0).then_some(threads);
        let engine = options.build()?;
        self.engines.insert(threads, engine.clone());
        Ok(engine)
    }

    fn store(&mut self, data: &str) -> Result<Arc<dyn Storage>, BenchError> {
        if let Some((of, store)) = &self.opened
            && of == data
        {
            return Ok(Arc::clone(store));
        }
        self.opened = None;
        let store = open(Path::new(data))?;
        self.opened = Some((data.to_string(), Arc::clone(&store)));
        Ok(store)
    }
}

/// A first run that took longer is the only one.
const LONG: Duration = Duration::from_secs(10);

/// Whether a turn goes on: for one run, for its time, for three runs if they
/// are not much longer.
fn more(runs: usize, elapsed: Duration, most: Duration) -> bool {
    runs == 0 || elapsed < most || runs < 3 && elapsed < 3 * most
}

/// A request, and what runs it.
struct Asking<'a> {
    runtime: &'a Runtime,
    engine: Engine,
    prepared: Option<Prepared>,
    store: Arc<dyn Storage>,
    request: &'a Request,
}

impl Asking<'_> {
    /// Runs a text once.
    fn run(&self, text: &str) -> Result<QueryResult, BenchError> {
        let options = QueryOptions::new().timeout(self.timeout());
        let (store, times) = (Arc::clone(&self.store), times(&self.request.asked)?);
        let query = match &self.prepared {
            Some(prepared) => prepared.query(store, times, options),
            None => self.engine.query(text, store, times, options),
        };
        Ok(self.runtime.block_on(query.execute())?)
    }

    fn timeout(&self) -> Duration {
        Duration::from_millis(self.request.timeout_ms)
    }

    /// How long it takes to run a text once.
    fn once(&mut self, text: &str, answer: &mut Answer) -> Result<Duration, BenchError> {
        if self.request.cold {
            self.store = open(Path::new(&self.request.data))?;
        }
        let started = Instant::now();
        let result = self.run(text)?;
        let took = started.elapsed();
        answer.rows = rows(&result.value) as u64;
        Ok(took)
    }

    /// Runs the query once to warm up, and then several times.
    fn repeat(&mut self, answer: &mut Answer) -> Result<(), BenchError> {
        let request = self.request;
        let text = &request.asked.query;
        let most = Duration::from_millis(request.most_ms);
        let mut before = allocated();
        let first = self.once(text, answer)?;
        let mut took: Vec<Duration> = Vec::new();
        if first < LONG {
            let started = Instant::now();
            before = allocated();
            while took.len() < request.runs as usize && more(took.len(), started.elapsed(), most) {
                took.push(self.once(text, answer)?);
            }
        } else {
            took.push(first);
        }
        if !request.cold && request.beside.is_none() {
            answer.alloc_bytes = (allocated() - before).checked_div(took.len() as u64);
        }
        answer.times_ns = took.into_iter().map(nanos).collect();
        Ok(())
    }

    /// Runs a query once for each number that stands for its `#`.
    fn variants(&mut self, answer: &mut Answer) -> Result<(), BenchError> {
        let (request, most) = (self.request, self.timeout());
        let text = |i: u32| request.asked.query.replace('#', &i.to_string());
        for i in 0..=request.variants / 100 {
            self.once(&text(i), answer)?;
        }
        let (before, mut total) = (allocated(), Duration::ZERO);
        for i in 0..request.variants {
            total += self.once(&text(i), answer)?;
            if total > most {
                answer.timed_out = true;
                return Err("the time is over".into());
            }
        }
        answer.alloc_bytes = (allocated() - before).checked_div(u64::from(request.variants));
        answer.times_ns = vec![nanos(total / request.variants.max(1))];
        Ok(())
    }

    /// Runs the query once more and watches how far the process grows. It is a
    /// run of its own, since watching costs time.
    fn peak(&self) -> Result<u64, BenchError> {
        self.engine.on_all_threads(give_back);
        give_back();
        std::thread::sleep(Duration::from_millis(30));
        let watch = Watch::start(Status::open("self")?);
        let result = self.run(&self.request.asked.query);
        let peak = watch.stop();
        result?;
        Ok(peak)
    }

    /// Starts what is to run beside the query, until the value is dropped.
    fn beside(&self) -> Option<Running> {
        let heavy = self.request.beside.as_ref()?;
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..heavy.times {
            let (engine, store) = (self.engine.clone(), Arc::clone(&self.store));
            let (asked, stop) = (heavy.asked.clone(), Arc::clone(&stop));
            self.runtime.spawn(async move {
                while !stop.load(Relaxed) {
                    let Ok(times) = times(&asked) else { return };
                    let options = QueryOptions::default();
                    let query = engine.query(&asked.query, Arc::clone(&store), times, options);
                    if query.execute().await.is_err() {
                        return;
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(200));
        Some(Running(stop))
    }
}

/// Queries that run until this is dropped.
struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn times(asked: &Asked) -> Result<QueryTimes, QueryError> {
    if asked.step_ms == 0 {
        return Ok(Timestamp::from_millis(asked.start_ms).into());
    }
    Ok(QueryRange::from_millis(asked.start_ms..=asked.end_ms, asked.step_ms)?.into())
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
