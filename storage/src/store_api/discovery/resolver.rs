//! Looks up names. Addresses are the system's to look up; SRV records, which it does not
//! look up, are asked for here.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};

use super::super::spec::{join_port, split_port};
use super::message::{Answer, Service, answer, question};

/// How long one server may take, as resolvers have it.
const SERVER_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes that a datagram may have.
const DATAGRAM: usize = 4096;

/// Where names are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) servers: Vec<SocketAddr>,
    /// Domains in which names are looked for.
    pub(super) search: Vec<String>,
    /// Dots from which on a name is looked up as it is first.
    pub(super) dots: usize,
}

impl Resolver {
    /// These servers, or those of the system.
    pub(super) fn new(servers: &[SocketAddr]) -> Self {
        let file = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        let mut resolver = Resolver::parse(&file);
        if !servers.is_empty() {
            resolver.servers = servers.to_vec();
        }
        resolver
    }

    /// Reads a `resolv.conf`.
    pub(super) fn parse(file: &str) -> Self {
        let mut resolver = Resolver {
            servers: Vec::new(),
            search: Vec::new(),
            dots: 1,
        };
        for line in file.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    resolver
                        .servers
                        .extend(address.map(|ip| SocketAddr::new(ip, 53)));
                }
                Some("search" | "domain") => resolver.search = words.map(str::to_string).collect(),
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    resolver.dots = dots.unwrap_or(resolver.dots);
                }
                _ => {}
            }
        }
        if resolver.servers.is_empty() {
            resolver.servers.push(([127, 0, 0, 1], 53).into());
        }
        resolver
    }

    /// The addresses of `HOST:PORT`.
    pub(super) async fn addresses(&self, address: &str) -> Result<Vec<String>, io::Error> {
        let no_port = || io::Error::other("is not HOST:PORT");
        let (host, port) = split_port(address).ok_or_else(no_port)?;
        let found = lookup_host((host, port)).await?;
        Ok(found.map(|address| address.to_string()).collect())
    }

    /// What the SRV records of a name lead to: addresses, or names if they are not to be
    /// looked up. A port in `name` stands for those of the records.
    pub(super) async fn service(
        &self,
        name: &str,
        look_up: bool,
    ) -> Result<Vec<String>, io::Error> {
        let (name, own_port) = match split_port(name) {
            Some((name, port)) => (name, Some(port)),
            None => (name, None),
        };
        let mut all = Vec::new();
        for Service { port, target } in self.records(name).await? {
            let address = join_port(&target, own_port.unwrap_or(port));
            match look_up {
                true => all.extend(self.addresses(&address).await?),
                false => all.push(address),
            }
        }
        Ok(all)
    }

    /// The SRV records of the first of a name's candidates that has some.
    async fn records(&self, name: &str) -> Result<Vec<Service>, io::Error> {
        for candidate in self.candidates(name) {
            let records = self.records_of(&candidate).await?;
            if !records.is_empty() {
                return Ok(records);
            }
        }
        Ok(Vec::new())
    }

    /// The names that a name may stand for, in the order in which they are looked up.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        let absolute = name.trim_end_matches('.').to_string();
        if name.ends_with('.') {
            return vec![absolute];
        }
        let inside = self.search.iter();
        let mut all: Vec<String> = inside.map(|domain| format!("{name}.{domain}")).collect();
        let many = name.matches('.').count() >= self.dots;
        all.insert(if many { 0 } else { all.len() }, absolute);
        all
    }

    /// Asks one server after the other until one answers.
    async fn records_of(&self, name: &str) -> Result<Vec<Service>, io::Error> {
        let mut last = io::Error::other("there is no DNS server");
        for &server in &self.servers {
            match tokio::time::timeout(SERVER_TIMEOUT, ask(server, name)).await {
                Ok(Ok(records)) => return Ok(records),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer of DNS"),
            }
        }
        Err(last)
    }
}

/// Asks a server, by a datagram, and by a stream if the answer is too long for one.
async fn ask(server: SocketAddr, name: &str) -> Result<Vec<Service>, io::Error> {
    // Keyed by the system's randomness: a number that others cannot guess.
    let id = RandomState::new().build_hasher().finish() as u16;
    let message = question(id, name).map_err(io::Error::other)?;
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(&message).await?;
    let mut buffer = vec![0; DATAGRAM];
    let read = loop {
        let length = socket.recv(&mut buffer).await?;
        // What has another number is not for us; the time of all is bounded.
        match answer(id, &buffer[..length]) {
            Err(_) if buffer[..length.min(2)] != id.to_be_bytes() => {}
            read => break read,
        }
    };
    match read.map_err(io::Error::other)? {
        Answer::Services(services) => Ok(services),
        Answer::Truncated => ask_by_stream(server, id, &message).await,
    }
}

async fn ask_by_stream(
    server: SocketAddr,
    id: u16,
    message: &[u8],
) -> Result<Vec<Service>, io::Error> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(message.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(message).await?;
    let length = stream.read_u16().await?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await?;
    match answer(id, &buffer).map_err(io::Error::other)? {
        Answer::Services(services) => Ok(services),
        Answer::Truncated => Err(io::Error::other("the DNS server has cut its answer")),
    }
}
