//! Prints random queries as JSON strings, one a line:
//!
//! ```sh
//! cargo run -p quarrel-compliance --example random_queries -- [SEED [NUMBER [BROKEN]]]
//! ```
//!
//! `BROKEN` of 100 are wrong on purpose. The data are made up; the Go program
//! `parsetest` reads such lines to compare parsers.

use std::io::Write as _;

use quarrel_compliance::random::{Generator, Options, Schema};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut number = |default: u64| args.next().map_or(Ok(default), |arg| arg.parse());
    let (seed, count, broken) = (number(1)?, number(1_000)?, number(25)?);
    let options = Options {
        experimental: true,
        broken: u8::try_from(broken)?,
        past: false,
    };
    let queries = Generator::new(Schema::example(), seed, options);
    let mut out = std::io::stdout().lock();
    for case in queries.take(usize::try_from(count)?) {
        writeln!(out, "{}", serde_json::to_string(&case.query)?)?;
    }
    Ok(())
}
