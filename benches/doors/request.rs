//! The requests, and what each took.

use quarrel_benches::stats::median;
use quarrel_benches::{BenchError, Shape};

use crate::client::Client;
use crate::server::Server;

/// A request that is sent to both servers.
pub struct Request {
    /// What is asked, for the table.
    pub shown: String,
    pub target: String,
    pub gzip: bool,
}

/// What the servers took for a request, in their order.
pub struct Row {
    pub request: Request,
    pub of: Vec<Took>,
}

/// Medians.
pub struct Took {
    pub whole_ns: u64,
    pub first_ns: u64,
    pub bytes: u64,
    /// Anonymous memory above that of the idle server, bytes.
    pub peak: u64,
}

/// The first sample of the blocks, s, rounded up; they are aligned to two hours.
const START: u64 = 1_700_006_400;

impl Request {
    /// All requests with their data.
    pub fn all(quick: bool) -> Vec<(Shape, Vec<Request>)> {
        // Two hours at 30 s, from where windows reach samples.
        let range = |query: &str, gzip| Request::range(query, (START + 7200, 7200, 30), gzip);
        let mut all = vec![
            (
                Shape::X,
                vec![
                    range("x", false),
                    range("x", true),
                    range("max_over_time(x[30m])", false),
                    range("max_over_time(x[30m])", true),
                    range("rate(x[5m])", false),
                    range("rate(x[5m])", true),
                    range("sum by (job) (rate(x[5m]))", true),
                    Request::range("x", (START, 21_600, 60), true),
                    Request::instant("x", true),
                ],
            ),
            (
                Shape::Native,
                vec![
                    Request::range("latency", (START + 300, 3600, 30), false),
                    Request::range("latency", (START + 300, 3600, 30), true),
                ],
            ),
        ];
        if !quick {
            let look_up = |path: &str, gzip| Request {
                shown: format!("`{path}`, 1,000,000 series"),
                target: path.to_string(),
                gzip,
            };
            all.push((
                Shape::Million,
                vec![
                    look_up("/api/v1/series?match[]=x", false),
                    look_up("/api/v1/series?match[]=x", true),
                    look_up("/api/v1/labels", false),
                    look_up("/api/v1/label/pod/values", false),
                    look_up("/api/v1/label/pod/values", true),
                ],
            ));
        }
        all
    }

    fn range(query: &str, (start, seconds, step): (u64, u64, u64), gzip: bool) -> Self {
        let end = start + seconds;
        Request {
            shown: format!("`{query}`, {} steps", seconds / step + 1),
            target: format!(
                "/api/v1/query_range?query={}&start={start}&end={end}&step={step}",
                escaped(query)
            ),
            gzip,
        }
    }

    fn instant(query: &str, gzip: bool) -> Self {
        let time = START + 7200;
        Request {
            shown: format!("`{query}`, instant"),
            target: format!("/api/v1/query?query={}&time={time}", escaped(query)),
            gzip,
        }
    }
}

/// A query as it stands in a URL.
pub fn escaped(query: &str) -> String {
    query
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

impl Row {
    /// Sends a request to all servers in turn.
    pub fn measure(request: Request, servers: &[Server], runs: u32) -> Result<Self, BenchError> {
        let mut clients = Vec::new();
        for server in servers {
            let mut client = Client::connect(server.address)?;
            client.get(&request.target, request.gzip)?;
            clients.push(client);
        }
        let mut answers = vec![Vec::new(); servers.len()];
        for _ in 0..runs {
            for (client, answers) in clients.iter_mut().zip(&mut answers) {
                answers.push(client.get(&request.target, request.gzip)?);
            }
        }
        let mut of = Vec::new();
        for ((server, client), answers) in servers.iter().zip(&mut clients).zip(&answers) {
            let nanos = |of: fn(&crate::client::Answer) -> u64| {
                median(&answers.iter().map(of).collect::<Vec<_>>()).unwrap_or_default()
            };
            of.push(Took {
                whole_ns: nanos(|answer| answer.whole.as_nanos() as u64),
                first_ns: nanos(|answer| answer.first.as_nanos() as u64),
                bytes: nanos(|answer| answer.bytes),
                peak: server.peak_of(|| {
                    client.get(&request.target, request.gzip)?;
                    Ok(())
                })?,
            });
        }
        eprintln!("{}", request.shown);
        Ok(Row { request, of })
    }
}
