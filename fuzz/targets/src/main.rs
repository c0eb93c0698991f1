//! Runs the fuzz targets for some seconds each, on stable Rust:
//!
//! ```sh
//! cargo run -p quarrel-fuzz-targets -- 5              # seconds for each target
//! cargo run -p quarrel-fuzz-targets -- 60 promql wal  # some of them
//! cargo run -p quarrel-fuzz-targets -- FILE promql    # one input, such as a finding
//! ```
//!
//! An input that panics or takes longer than [`SLOW`] is left in
//! `fuzz/artifacts/TARGET/`, one that ends the process in the file that is said
//! at the beginning. `QUARREL_FUZZ_SEED` repeats a run.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fastrand::Rng;
use quarrel_fuzz_targets::mutate::mutate;
use quarrel_fuzz_targets::{TARGETS, Target, corpus, home, memory};

/// Longest input.
const MOST: usize = 4096;
/// The time of one input that counts as a finding. Inputs are small; this leaves
/// room for a busy machine.
const SLOW: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(first), names) = (arguments.next(), arguments.collect::<Vec<_>>()) else {
        eprintln!("usage: fuzz-seconds SECONDS|FILE [TARGET...]");
        return ExitCode::from(2);
    };
    if let Some(unknown) = names.iter().find(|n| TARGETS.iter().all(|t| t.0 != **n)) {
        eprintln!("no target {unknown:?}");
        return ExitCode::from(2);
    }
    let chosen = TARGETS
        .iter()
        .filter(|t| names.is_empty() || names.iter().any(|n| n == t.0));
    match run(&first, chosen) {
        Ok((passed, failed)) => {
            println!("{passed} passed, {failed} failed");
            ExitCode::from(u8::from(failed > 0))
        }
        Err(e) => {
            eprintln!("fuzz-seconds: {e}");
            ExitCode::from(2)
        }
    }
}

fn run<'t>(
    first: &str,
    chosen: impl Iterator<Item = &'t (&'static str, Target)>,
) -> Result<(usize, usize), Box<dyn Error>> {
    let Ok(seconds) = first.parse() else {
        let input = std::fs::read(first)?;
        chosen.for_each(|(_, target)| target(&input));
        return Ok((1, 0));
    };
    let seed = match std::env::var("QUARREL_FUZZ_SEED") {
        Ok(text) => text.parse()?,
        Err(_) => fastrand::u64(..),
    };
    println!("QUARREL_FUZZ_SEED={seed}");
    let (mut passed, mut failed) = (0, 0);
    for (name, target) in chosen {
        let found = fuzz(
            name,
            *target,
            Rng::with_seed(seed),
            Duration::from_secs_f64(seconds),
        )?;
        match found {
            None => passed += 1,
            Some(why) => {
                println!("{name}: {why}");
                failed += 1;
            }
        }
    }
    Ok((passed, failed))
}

/// Fuzzes one target until the time is up or something is found.
fn fuzz(
    name: &str,
    target: Target,
    mut rng: Rng,
    time: Duration,
) -> Result<Option<String>, Box<dyn Error>> {
    // Another mutation of these may be worth as much, so the corpus grows not.
    let seeds = corpus(name)?;
    // Whatever ends the process leaves the input here.
    let running = memory().join(format!("quarrel-fuzz-{name}-{}", std::process::id()));
    println!("{name}: running input in {}", running.display());
    let begin = Instant::now();
    let mut next = seeds.iter().map(|(_, bytes)| bytes.clone());
    let (mut count, mut slowest) = (0_u64, Duration::ZERO);
    while begin.elapsed() < time || count < seeds.len() as u64 {
        let input = next.next().unwrap_or_else(|| {
            let (_, one) = &seeds[rng.usize(0..seeds.len())];
            let (_, other) = &seeds[rng.usize(0..seeds.len())];
            mutate(&mut rng, one, other, MOST)
        });
        std::fs::write(&running, &input)?;
        let start = Instant::now();
        let panicked = catch_unwind(AssertUnwindSafe(|| target(&input))).is_err();
        let took = start.elapsed();
        slowest = slowest.max(took);
        count += 1;
        if panicked || took > SLOW {
            let kept = keep(name, if panicked { "crash" } else { "slow" }, &input)?;
            return Ok(Some(format!(
                "input {count} took {took:.1?}: {}",
                kept.display()
            )));
        }
    }
    std::fs::remove_file(&running)?;
    println!("{name}: {count} inputs, slowest {slowest:.1?}");
    Ok(None)
}

/// Keeps an input under a name by its content.
fn keep(name: &str, kind: &str, input: &[u8]) -> std::io::Result<PathBuf> {
    let folder = home().join("artifacts").join(name);
    std::fs::create_dir_all(&folder)?;
    let hash = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let kept = folder.join(format!("{kind}-{hash:016x}"));
    std::fs::write(&kept, input)?;
    Ok(kept)
}
