//! From endpoints as they are given to addresses that can be dialed.

mod config_file;
mod files;
mod message;
mod resolver;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::client_settings::ClientSettings;
use super::config::EndpointsConfig;
use super::config_error::ConfigError;
use super::spec::{EndpointSpec, Lookup};
use config_file::ConfigFile;
use files::Files;
use resolver::Resolver;

/// How often files are looked at.
const FILES_INTERVAL: Duration = Duration::from_secs(5);

/// How long a name may be looked up.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An endpoint that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its address, or that of the group.
    pub(super) name: String,
    pub(super) strict: bool,
    /// The addresses of a group.
    pub(super) members: Option<Vec<String>>,
    /// How it is reached, if not as flags say.
    pub(super) client: Option<Arc<ClientSettings>>,
}

/// Looks up names and reads files.
#[derive(Debug)]
pub(super) struct Discovery {
    specs: Vec<EndpointSpec>,
    files: Option<Files>,
    config: Option<ConfigFile>,
    resolver: Arc<Resolver>,
    /// What each name has given when it was found last.
    found: HashMap<EndpointSpec, Vec<String>>,
    interval: Duration,
    next_look_up: Instant,
}

impl Discovery {
    /// # Errors
    /// When the path of a file is none, or the configuration of endpoints is wrong.
    pub(super) fn new(config: &EndpointsConfig) -> Result<Self, ConfigError> {
        let files = match config.sd_files.is_empty() {
            true => None,
            false => Some(Files::new(config.sd_files.clone(), config.sd_interval)?),
        };
        Ok(Discovery {
            specs: config.endpoints.clone(),
            files,
            config: ConfigFile::open(config)?,
            resolver: Arc::new(Resolver::new(&config.dns_servers)),
            found: HashMap::new(),
            interval: config.dns_interval,
            next_look_up: Instant::now(),
        })
    }

    /// What is there without looking anything up: no groups, whose addresses are looked
    /// up.
    pub(super) fn known(&self) -> Vec<Target> {
        let described = self.config.iter().flat_map(|c| &c.described().specs);
        let single = self
            .specs
            .iter()
            .chain(described)
            .filter(|spec| !spec.group);
        self.targets(&single.cloned().collect::<Vec<_>>())
    }

    /// What there is now; names are looked up if it is time to. A name or a file that
    /// cannot be read now stays as it was.
    pub(super) async fn look_up(&mut self) -> Vec<Target> {
        let mut specs = self.specs.clone();
        if let Some(files) = self.files.take() {
            // A thread that panics has a bug; the files are then read no more.
            let read = tokio::task::spawn_blocking(move || files.read()).await;
            if let Ok(files) = read {
                specs.extend(files.specs());
                self.files = Some(files);
            }
        }
        if let Some(config) = self.config.take() {
            let read = tokio::task::spawn_blocking(move || config.renew()).await;
            if let Ok(config) = read {
                specs.extend_from_slice(&config.described().specs);
                self.config = Some(config);
            }
        }
        let is_due = Instant::now() >= self.next_look_up;
        let named = specs
            .iter()
            .filter(|s| s.lookup != Lookup::Static || s.group);
        let named: Vec<EndpointSpec> = named.cloned().collect();
        self.found.retain(|spec, _| named.contains(spec));
        let wanted = named
            .into_iter()
            .filter(|s| is_due || !self.found.contains_key(s));
        let answers = wanted.map(|spec| {
            let resolver = Arc::clone(&self.resolver);
            async move {
                let answer = tokio::time::timeout(TIMEOUT, addresses(&resolver, &spec)).await;
                let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
                (spec, answer.unwrap_or_else(late))
            }
        });
        for (spec, answer) in join_all(answers).await {
            match answer {
                Ok(addresses) => drop(self.found.insert(spec, addresses)),
                Err(error) => {
                    let address = spec.address();
                    tracing::warn!(address, %error, "endpoint was not found");
                }
            }
        }
        if is_due {
            self.next_look_up = Instant::now() + self.interval;
        }
        self.targets(&specs)
    }

    /// How long nothing needs to be looked at.
    pub(super) fn pause(&self) -> Duration {
        let files = self.files.as_ref().map(|_| FILES_INTERVAL);
        let config = self.config.as_ref().map(ConfigFile::interval);
        let all = [files, config].into_iter().flatten();
        all.fold(self.interval, Duration::min)
    }

    /// Each address once; that it is strict wins, and that it has settings of its own.
    fn targets(&self, specs: &[EndpointSpec]) -> Vec<Target> {
        let usual = self
            .config
            .as_ref()
            .and_then(|c| c.described().client.clone());
        let mut targets: BTreeMap<String, Target> = BTreeMap::new();
        let mut add = |spec: &EndpointSpec, name: &str, members: Option<&[String]>| {
            let target = targets.entry(name.to_string()).or_insert_with(|| Target {
                name: name.to_string(),
                strict: false,
                members: members.map(<[String]>::to_vec),
                client: None,
            });
            target.strict |= spec.strict;
            if target.client.is_none() {
                target.client.clone_from(&spec.client);
            }
        };
        for spec in specs {
            let found = self.found.get(spec).map_or(&[][..], Vec::as_slice);
            if spec.group {
                add(spec, spec.address(), Some(found));
            } else if spec.lookup == Lookup::Static {
                add(spec, spec.address(), None);
            } else {
                found.iter().for_each(|address| add(spec, address, None));
            }
        }
        for target in targets
            .values_mut()
            .filter(|target| target.client.is_none())
        {
            target.client.clone_from(&usual);
        }
        targets.into_values().collect()
    }
}

/// The addresses behind an endpoint that has a name, sorted.
async fn addresses(resolver: &Resolver, spec: &EndpointSpec) -> Result<Vec<String>, io::Error> {
    let mut addresses = match spec.lookup {
        Lookup::Static | Lookup::Addresses => resolver.addresses(spec.address()).await?,
        Lookup::Service => resolver.service(spec.address(), true).await?,
        Lookup::ServiceNames => resolver.service(spec.address(), false).await?,
    };
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}
