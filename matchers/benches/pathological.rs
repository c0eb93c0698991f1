//! What hostile patterns cost in time and memory, for comparison with Go:
//! `compliance/go/cmd/regexcost` measures the same file.
//!
//! `cargo bench -p quarrel-matchers --bench pathological` prints, for each pattern
//! and for a default and an empty budget, microseconds to make a matcher, of its
//! first match and of a later one, the most kilobytes at a time, and those that
//! the matcher holds then.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use quarrel_matchers::{Regex, RegexBudget};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls go to the system's allocator as they are.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promises are those of this call.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let now = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ROUNDS: usize = 9;

fn micros(begin: Instant) -> f64 {
    begin.elapsed().as_nanos() as f64 / 1000.0
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn measure(name: &str, pattern: &str, value: &[u8], limit: usize) {
    let make = || Regex::new_within(pattern, &RegexBudget::new(limit)).expect("a good pattern");
    drop(make()); // tables that all patterns share exist from now on
    let (mut made, mut first, mut later) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let regex = make();
        made.push(micros(begin));
        for times in [&mut first, &mut later] {
            let begin = Instant::now();
            black_box(regex.is_match(value));
            times.push(micros(begin));
        }
    }
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let regex = make();
    black_box(regex.is_match(value));
    let kilobytes =
        |counter: &AtomicUsize| (counter.load(Ordering::Relaxed) - before) as f64 / 1024.0;
    println!(
        "{name:32} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>10.1}",
        median(made),
        median(first),
        median(later),
        kilobytes(&MOST),
        kilobytes(&HELD)
    );
    drop(regex);
}

fn main() {
    for limit in [RegexBudget::DEFAULT_LIMIT, 0] {
        println!("budget of {limit} bytes");
        println!(
            "pattern                             make us   first us   match us    most KB    held KB"
        );
        for line in include_str!("pathological.jsonl").lines() {
            let entry: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
            let value: String = entry["value"]
                .as_array()
                .expect("parts")
                .iter()
                .map(|part| {
                    let count = part[1].as_u64().expect("a count") as usize;
                    part[0].as_str().expect("a text").repeat(count)
                })
                .collect();
            measure(&text("name"), &text("pattern"), value.as_bytes(), limit);
        }
    }
}
