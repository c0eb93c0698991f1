//! From endpoints as they are given to addresses that can be dialed.

use super::config::{ConfigError, EndpointsConfig};
use super::spec::{EndpointSpec, Lookup};

/// An endpoint that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its address, or that of the group.
    pub(super) name: String,
    pub(super) strict: bool,
    /// The addresses of a group.
    pub(super) members: Option<Vec<String>>,
}

/// Looks up names and reads files.
#[derive(Debug)]
pub(super) struct Discovery {
    specs: Vec<EndpointSpec>,
}

impl Discovery {
    pub(super) fn new(config: &EndpointsConfig) -> Result<Self, ConfigError> {
        Ok(Discovery {
            specs: config.endpoints.clone(),
        })
    }

    /// What is there without looking anything up.
    pub(super) fn known(&self) -> Vec<Target> {
        let known = self
            .specs
            .iter()
            .filter(|s| s.lookup == Lookup::Static && !s.group);
        known
            .map(|spec| Target {
                name: spec.address().to_string(),
                strict: spec.strict,
                members: None,
            })
            .collect()
    }

    /// What there is now.
    pub(super) async fn look_up(&mut self) -> Vec<Target> {
        self.known()
    }
}
