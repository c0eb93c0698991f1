//! Endpoints as `thanos query` takes them: `HOST:PORT`, `dns+HOST:PORT`,
//! `dnssrv+NAME`, `dnssrvnoa+NAME`.

use std::sync::Arc;

use super::client_settings::ClientSettings;
use super::config_error::ConfigError;

/// An endpoint that was given by hand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointSpec {
    address: String,
    pub(super) lookup: Lookup,
    pub(super) strict: bool,
    pub(super) group: bool,
    /// How it is reached, if not as the set's others.
    pub(super) client: Option<Arc<ClientSettings>>,
}

/// How an address becomes addresses that can be dialed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lookup {
    /// It is one.
    Static,
    /// The host has A or AAAA records.
    Addresses,
    /// The name has SRV records, whose targets have A or AAAA records.
    Service,
    /// The name has SRV records, whose targets are dialed by name.
    ServiceNames,
}

const PREFIXES: [(&str, Lookup); 4] = [
    ("dns+", Lookup::Addresses),
    ("dnsdualstack+", Lookup::Addresses),
    ("dnssrv+", Lookup::Service),
    ("dnssrvnoa+", Lookup::ServiceNames),
];

impl EndpointSpec {
    /// An endpoint at `address`.
    ///
    /// # Errors
    /// When it has no host, or no port where one is needed.
    ///
    /// # Examples
    /// ```
    /// use quarrel_storage::store_api::EndpointSpec;
    ///
    /// assert!(EndpointSpec::new("store.example:10901").is_ok());
    /// assert!(EndpointSpec::new("dnssrv+_grpc._tcp.store.example").is_ok());
    /// assert!(EndpointSpec::new("store.example").is_err());
    /// ```
    pub fn new(address: &str) -> Result<Self, ConfigError> {
        let (lookup, rest) = PREFIXES
            .iter()
            .find_map(|(prefix, lookup)| Some((*lookup, address.strip_prefix(prefix)?)))
            .unwrap_or((Lookup::Static, address));
        let named = matches!(lookup, Lookup::Service | Lookup::ServiceNames);
        let parts = split_port(rest);
        let why = match parts {
            _ if rest.is_empty() => "has no host",
            _ if rest.contains(['/', '@', ' ']) => "is not HOST:PORT",
            None if !named => "is not HOST:PORT",
            Some(("", _)) => "has no host",
            _ => {
                return Ok(EndpointSpec {
                    address: rest.to_string(),
                    lookup,
                    strict: false,
                    group: false,
                    client: None,
                });
            }
        };
        Err(ConfigError::Address {
            address: address.to_string(),
            why: why.to_string(),
        })
    }

    /// As `--endpoint-strict` has it: the endpoint is asked even if it is unhealthy.
    ///
    /// # Errors
    /// When its addresses are looked up, but for those of a group.
    pub fn strict(mut self) -> Result<Self, ConfigError> {
        if self.lookup != Lookup::Static && !self.group {
            return Err(ConfigError::Address {
                address: self.address,
                why: "is looked up, which strict endpoints are not".to_string(),
            });
        }
        self.strict = true;
        Ok(self)
    }

    /// As `--endpoint-group` has it: all addresses of the host are one endpoint, and
    /// each request goes to another of them.
    #[must_use]
    pub fn group(mut self) -> Self {
        self.group = true;
        self
    }

    /// What is dialed or looked up.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

/// Host and port; the host of an IPv6 address without its brackets.
pub(super) fn split_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let port = port.parse().ok()?;
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    match inner {
        Some(inner) => Some((inner, port)),
        None if host.contains(':') => None,
        None => Some((host, port)),
    }
}

/// Host and port as one text.
pub(super) fn join_port(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_thanos_query() {
        for (text, lookup, address) in [
            ("a:1", Lookup::Static, "a:1"),
            ("[::1]:10901", Lookup::Static, "[::1]:10901"),
            ("dns+a.b:1", Lookup::Addresses, "a.b:1"),
            ("dnsdualstack+a.b:1", Lookup::Addresses, "a.b:1"),
            ("dnssrv+_grpc._tcp.a", Lookup::Service, "_grpc._tcp.a"),
            (
                "dnssrvnoa+_grpc._tcp.a:7",
                Lookup::ServiceNames,
                "_grpc._tcp.a:7",
            ),
        ] {
            let spec = EndpointSpec::new(text).unwrap();
            assert_eq!((spec.lookup, spec.address()), (lookup, address), "{text}");
        }
        for bad in [
            "",
            "a",
            "a:",
            "a:x",
            "a:70000",
            ":1",
            "::1",
            "http://a:1",
            "dns+",
            "dns+a",
            "dnssrv+",
            "dns+:1",
        ] {
            let error = EndpointSpec::new(bad).unwrap_err().to_string();
            assert!(error.starts_with(&format!("endpoint {bad}: ")), "{error}");
        }
    }

    #[test]
    fn what_is_looked_up_cannot_be_strict() {
        let dns = || EndpointSpec::new("dns+a:1").unwrap();
        assert!(dns().strict().is_err());
        assert!(dns().group().strict().is_ok());
        assert!(EndpointSpec::new("a:1").unwrap().strict().unwrap().strict);
    }

    #[test]
    fn ports_are_split_and_joined() {
        for text in ["a:1", "[::1]:65535", "127.0.0.1:0"] {
            let (host, port) = split_port(text).unwrap();
            assert_eq!(join_port(host, port), text);
        }
    }
}
