//! The servers as processes.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quarrel_benches::BenchError;
use quarrel_benches::memory::{Status, Watch};

use crate::client::Client;

/// How long a server may take to become ready.
const READY: Duration = Duration::from_secs(120);

/// A server that runs until it is dropped.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    process: Child,
    /// Its anonymous memory before the first query, bytes.
    idle: u64,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// `quarrel serve`.
    pub fn quarrel(program: &Path, data: &Path) -> Result<Self, BenchError> {
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data);
        command.arg("--query.max-samples=1000000000");
        Server::start("quarrel", command)
    }

    /// Prometheus, over links to the files of the data, since it writes beside
    /// them.
    pub fn prometheus(program: &Path, data: &Path, scratch: &Path) -> Result<Self, BenchError> {
        let own = scratch.join("data");
        if own.exists() {
            std::fs::remove_dir_all(&own)?;
        }
        link(data, &own)?;
        let config = scratch.join("prometheus.yml");
        std::fs::write(&config, "global: {}\n")?;
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", own.display()));
        command.arg("--storage.tsdb.retention.time=100y");
        command.arg("--query.max-samples=1000000000");
        Server::start("Prometheus", command)
    }

    fn start(name: &'static str, mut command: Command) -> Result<Self, BenchError> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        command.arg(format!("--web.listen-address={address}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Server {
            name,
            idle: 0,
            address,
            process: command
                .spawn()
                .map_err(|error| format!("{name}: {error}"))?,
        };
        let begin = Instant::now();
        let ready = || Client::connect(address)?.get("/-/ready", false);
        while ready().is_err() {
            if begin.elapsed() > READY {
                return Err(format!("{name} is not ready after {READY:?}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server.idle = server.status()?.anonymous().unwrap_or(0);
        Ok(server)
    }

    fn status(&self) -> Result<Status, BenchError> {
        Ok(Status::open(&self.process.id().to_string())?)
    }

    /// Calls `work` and says by how many bytes the server's anonymous memory rose
    /// above what it was before the first query.
    pub fn peak_of(
        &self,
        work: impl FnOnce() -> Result<(), BenchError>,
    ) -> Result<u64, BenchError> {
        let watch = Watch::above(self.status()?, self.idle);
        let worked = work();
        let peak = watch.stop();
        worked?;
        Ok(peak)
    }
}

/// Makes a folder with links to the files of another.
fn link(from: &Path, to: &Path) -> Result<(), BenchError> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link(&entry.path(), &target)?;
        } else {
            std::fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}
