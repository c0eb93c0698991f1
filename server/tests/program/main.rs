//! Tests of the built program, over the bundled demo data.

mod bench;
mod bucket;
mod compare;
mod faulty;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

fn quarrel(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarrel"));
    command.env_remove("QUARREL_DEMO_DATA").args(args);
    command.output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn a_query_runs_on_the_demo_data_with_a_message() {
    let output = quarrel(&["query", "count by (job) (up)"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("demo data"));
    let text = stdout(&output);
    let rows: Vec<&str> = text.lines().collect();
    assert!(
        rows[0].starts_with("job") && rows[0].ends_with("value"),
        "{text}"
    );
    assert!(rows.len() > 2, "{text}");
}

#[test]
fn a_directory_without_data_is_an_error_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    for command in ["query", "serve"] {
        let mut args = vec![command, "--data", path];
        match command {
            "query" => args.push("1"),
            _ => args.extend(["--listen", "127.0.0.1:0"]),
        }
        let output = quarrel(&args);
        assert_ne!(output.status.code(), Some(0), "{command}");
        let error = stderr(&output);
        assert!(error.contains("no data of a Prometheus there"), "{error}");
        assert!(!error.contains("did you mean"), "{error}");
    }
    std::fs::create_dir_all(dir.path().join("data/wal")).unwrap();
    let output = quarrel(&["query", "--data", path, "1"]);
    let meant = format!("did you mean {path}/data?");
    assert!(stderr(&output).contains(&meant), "{}", stderr(&output));
    let below = format!("{path}/data");
    let output = quarrel(&["query", "--data", &below, "1"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn all_formats_are_printed() {
    let range = [
        "query", "sum(up)", "--start", "-30m", "--step", "1m", "--format",
    ];
    for format in ["table", "json", "csv", "arrow", "plot"] {
        let output = quarrel(&[&range[..], &[format]].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{format}: {}",
            stderr(&output)
        );
        assert!(!output.stdout.is_empty(), "{format}");
        match format {
            "json" => {
                let body: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(body["status"], "success");
                let values = body["data"]["result"][0]["values"].as_array().unwrap();
                assert_eq!(values.len(), 31);
            }
            "csv" => assert_eq!(stdout(&output).lines().count(), 32),
            _ => {}
        }
    }
}

#[test]
fn exit_codes_are_those_of_promtool() {
    for (args, code, words) in [
        (vec!["--help"], 0, ""),
        (vec!["query", "--help"], 0, ""),
        (vec!["--version"], 0, ""),
        (vec![], 1, "Usage"),
        (vec!["query"], 1, "required"),
        (vec!["query", "up", "--nope"], 1, "--nope"),
        (vec!["query", "rate(up"], 1, "parse error"),
        (vec!["query", "up + on() up"], 1, "duplicate series"),
        (
            vec!["query", "up", "--data", "/nonexistent"],
            1,
            "/nonexistent",
        ),
        (vec!["query", "up", "--time", "tomorrow"], 1, "tomorrow"),
        (vec!["query", "vector(1)"], 0, ""),
        (vec!["format", "sum(up)by(job)"], 0, ""),
        (vec!["parse", "up"], 0, ""),
        (vec!["parse", "up{"], 1, "parse error"),
        (vec!["test", "/nonexistent.test"], 1, ""),
        (vec!["serve", "--listen", "256.0.0.1:1"], 1, "256.0.0.1"),
        (
            vec!["serve", "--web.config.file", "/nonexistent.yml"],
            1,
            "/nonexistent.yml",
        ),
    ] {
        let output = quarrel(&args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(words),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn errors_point_at_their_place() {
    let output = quarrel(&["query", "1 + rate(up"]);
    let text = stderr(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("error: 1:12: parse error: "), "{text}");
    assert_eq!(lines[1], "  1 + rate(up");
    assert_eq!(lines[2], "             ^");
}

#[test]
fn plans_are_explained() {
    let query = "sum by (job) (rate(prometheus_http_requests_total[5m]))";
    let plain = quarrel(&["explain", query]);
    assert_eq!(plain.status.code(), Some(0), "{}", stderr(&plain));
    for words in ["Logical plan", "Physical plan", "rate"] {
        assert!(stdout(&plain).contains(words), "{}", stdout(&plain));
    }
    let analyzed = quarrel(&["explain", "--analyze", query]);
    assert!(
        stdout(&analyzed).contains("elapsed_compute"),
        "{}",
        stdout(&analyzed)
    );
}

#[test]
fn a_script_of_tests_is_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.test");
    std::fs::write(
        &file,
        "load 1m\n  x 1+1x10\n\neval instant at 5m x\n  x 6\n",
    )
    .unwrap();
    let output = quarrel(&["test", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(
        stdout(&output).ends_with(" passed, 0 failed\n"),
        "{}",
        stdout(&output)
    );
}

/// A server that ends with the test.
struct Server {
    child: std::process::Child,
    address: String,
}

impl Server {
    fn start() -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_quarrel"))
            .env_remove("QUARREL_DEMO_DATA")
            .args(["serve", "--listen", "127.0.0.1:0", "--enable-feature=nope"])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (mut address, mut all) = (None, String::new());
        loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).expect("text") > 0, "ended: {all}");
            all.push_str(&line);
            if let Some((_, found)) = line.split_once("address=") {
                address = Some(found.trim().to_string());
            }
            if line.contains("ready to receive") {
                break;
            }
        }
        assert!(all.contains("Unknown option for --enable-feature"), "{all}");
        // A full pipe must not block the server's log.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Server {
            child,
            address: address.expect("an address in the log"),
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_server_answers_and_ends_on_a_signal() {
    let mut server = Server::start();
    assert!(server.get("/-/ready").starts_with("HTTP/1.1 200 "));
    let answer = server.get("/api/v1/label/job/values");
    assert!(
        answer.contains("\"status\":\"success\"") && answer.contains("node"),
        "{answer}"
    );
    let answer = server.get("/api/v1/query?query=count(up)&time=1795478400");
    assert!(
        answer.contains("\"resultType\":\"vector\",\"result\":[{"),
        "{answer}"
    );
    assert!(server.get("/metrics").contains("quarrel_queries_total"));
    let pid = server.child.id().to_string();
    let killed = Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    assert_eq!(server.child.wait().expect("it ends").code(), Some(0));
}

/// Whether a process has a handler for SIGINT, by its `/proc`.
#[cfg(target_os = "linux")]
fn catches_interrupts(pid: u32) -> bool {
    const SIGINT: u64 = 1 << 1;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap_or(0) & SIGINT != 0)
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_cancels_a_query() {
    // The query takes minutes.
    let query = "sum(quantile_over_time(0.5, {__name__=~\".+\"}[1h:1s]))";
    let mut child = Command::new(env!("CARGO_BIN_EXE_quarrel"))
        .env_remove("QUARREL_DEMO_DATA")
        .args(["query", query, "--start", "-1h", "--step", "1s"])
        .args(["--query.max-samples", "1000000000000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let begin = std::time::Instant::now();
    while !catches_interrupts(child.id()) {
        assert!(begin.elapsed().as_secs() < 60, "no handler");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    std::thread::sleep(std::time::Duration::from_millis(100));
    let pid = child.id().to_string();
    let sent = Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}
