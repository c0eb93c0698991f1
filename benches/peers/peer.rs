//! A process that is timed: started when it is needed, watched, ended when it
//! takes too much, and started again.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use quarrel_benches::BenchError;
use quarrel_benches::classes::Class;

use crate::protocol::{Answer, Hello, Request};
use quarrel_benches::memory::Status;

/// How often the process's memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Room for opening the data, beside the time of the runs.
const OPENING: Duration = Duration::from_secs(120);

/// An engine that is timed.
pub struct Peer {
    /// What the table calls it.
    pub name: &'static str,
    program: PathBuf,
    args: Vec<String>,
    /// The most anonymous memory that it may hold, bytes.
    max_memory: u64,
    /// What it said of itself.
    pub hello: Hello,
    /// Whether it is quarrel, by another door.
    pub door: bool,
    /// The classes that it takes part in.
    pub classes: &'static [Class],
    process: Option<Process>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    status: Status,
}

impl Peer {
    pub fn new(name: &'static str, program: PathBuf, args: Vec<String>, max_memory: u64) -> Self {
        Peer {
            name,
            program,
            args,
            max_memory,
            hello: Hello::default(),
            door: false,
            classes: &Class::ALL,
            process: None,
        }
    }

    /// Starts the process, if it does not run, and reads what it says of itself.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self) -> Result<(), BenchError> {
        if self.process.is_some() {
            return Ok(());
        }
        let process = Process::start(&self.program, &self.args)
            .map_err(|e| format!("{}: {e}", self.program.display()))?;
        let line = process.lines.recv_timeout(OPENING);
        let line = line.map_err(|_| format!("{} says nothing", self.program.display()))?;
        self.hello = serde_json::from_str(&line)?;
        self.process = Some(process);
        Ok(())
    }

    /// Asks the process, which it starts if need be. What goes wrong with the
    /// process is the row's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, BenchError> {
        self.start()?;
        let Some(process) = &mut self.process else {
            return Ok(failed("it does not run"));
        };
        let answer = process.ask(request, self.max_memory);
        // Ends a process that failed, or that may still compute what is late;
        // the next request starts another one.
        if answer.as_ref().map_or(true, |answer| answer.timed_out) {
            self.process = None;
        }
        Ok(answer.unwrap_or_else(|problem| failed(&problem)))
    }
}

fn failed(problem: &str) -> Answer {
    Answer {
        error: problem.to_string(),
        ..Answer::default()
    }
}

impl Process {
    fn start(program: &PathBuf, args: &[String]) -> Result<Self, BenchError> {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let id = child.id();
        // If the kernel runs out of memory, it is to end this process first.
        let _ = std::fs::write(format!("/proc/{id}/oom_score_adj"), "1000");
        let input = child.stdin.take().ok_or("no stdin")?;
        let output = BufReader::new(child.stdout.take().ok_or("no stdout")?);
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let status = Status::open(&id.to_string())?;
        Ok(Process {
            child,
            input,
            lines,
            status,
        })
    }

    fn ask(&mut self, request: &Request, max_memory: u64) -> Result<Answer, String> {
        let line = serde_json::to_string(request).map_err(|e| e.to_string())?;
        let written = writeln!(self.input, "{line}").and_then(|()| self.input.flush());
        written.map_err(|_| self.end())?;
        let begin = Instant::now();
        // Two runs may take their time each: the first, and that for memory.
        let limit = Duration::from_millis(2 * request.timeout_ms + request.most_ms) + OPENING;
        loop {
            match self.lines.recv_timeout(LOOK) {
                Ok(line) => return serde_json::from_str(&line).map_err(|e| e.to_string()),
                Err(RecvTimeoutError::Disconnected) => return Err(self.end()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if begin.elapsed() > limit {
                return Err(format!("no answer within {} s", limit.as_secs()));
            }
            if self.status.anonymous() > Some(max_memory) {
                return Err(format!("ended at {} GiB of memory", max_memory >> 30));
            }
        }
    }

    /// How the process ended.
    fn end(&mut self) -> String {
        match self.child.wait() {
            Ok(status) => format!("died: {status}"),
            Err(error) => format!("died: {error}"),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that is a shell script.
    fn peer(script: &str) -> Peer {
        let args = vec!["-c".to_string(), script.to_string()];
        Peer::new("shell", "/bin/sh".into(), args, 1 << 30)
    }

    const HELLO: &str = r#"echo '{"module":"m","runtime":"r","threads":1}'"#;

    #[test]
    fn answers() {
        let mut peer = peer(&format!(
            r#"{HELLO}; while read line; do echo '{{"times_ns":[3],"rows":1}}'; done"#
        ));
        for _ in 0..2 {
            let answer = peer.ask(&Request::default()).expect("an answer");
            assert_eq!((answer.times_ns, answer.rows), (vec![3], 1));
        }
        assert_eq!(peer.hello.module, "m");
    }

    #[test]
    fn a_dead_process_is_started_again() {
        let mut peer = peer(&format!("{HELLO}; read line; kill -9 $$"));
        for _ in 0..2 {
            let answer = peer.ask(&Request::default()).expect("a row");
            assert!(answer.error.contains("died: signal: 9"), "{}", answer.error);
        }
    }

    #[test]
    fn memory_has_a_bound() {
        let mut peer = peer(&format!("{HELLO}; read line; sleep 100"));
        peer.max_memory = 1;
        let answer = peer.ask(&Request::default()).expect("a row");
        assert!(answer.error.contains("of memory"), "{}", answer.error);
    }

    #[test]
    fn no_such_program() {
        let mut peer = Peer::new("none", "/no/such/program".into(), Vec::new(), 1);
        assert!(peer.ask(&Request::default()).is_err());
    }
}
