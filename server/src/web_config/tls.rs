//! The settings of TLS as rustls takes them. What Go's TLS has and rustls lacks
//! is refused by its name.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, SupportedKxGroup, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::{TLS12, TLS13};
use rustls::{ProtocolVersion, ServerConfig, SupportedCipherSuite, SupportedProtocolVersion};

use super::WebConfigError;
use super::certificates::certificates;
use super::client_certs;
use super::file::Tls;

/// Cipher suites of Go that rustls lacks: they do not authenticate what they
/// encrypt in one step.
const CBC_SUITES: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

/// The protocols that a server speaks, as the handshake names them.
pub(super) const HTTP_1: &[u8] = b"http/1.1";
pub(super) const HTTP_2: &[u8] = b"h2";

/// The configuration of a server that speaks `protocol`.
///
/// # Errors
/// If a setting is wrong or not supported, or a file cannot be read.
pub(super) fn config(tls: &Tls, protocol: &[u8]) -> Result<Arc<ServerConfig>, WebConfigError> {
    let missing = |name| {
        let why = format_args!("missing, set {name} or {name}_file");
        WebConfigError::setting(name, why)
    };
    let certificate = tls.certificate().ok_or_else(|| missing("cert"))?;
    let key = tls.private_key().ok_or_else(|| missing("key"))?;
    let chain = certificates("cert", &certificate.read("cert")?)?;
    let key = PrivateKeyDer::from_pem_slice(&key.read("key")?);
    let key = key.map_err(|error| WebConfigError::setting("key", error))?;
    let provider = Arc::new(provider(tls)?);
    let versions = versions(tls)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_protocol_versions(&versions)
        .map_err(|error| WebConfigError::setting("cipher_suites", error))?;
    let builder = match client_certs::verifier(tls, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| WebConfigError::setting("cert", error))?;
    config.alpn_protocols = vec![protocol.to_vec()];
    Ok(Arc::new(config))
}

fn versions(tls: &Tls) -> Result<Vec<&'static SupportedProtocolVersion>, WebConfigError> {
    let min = version("min_version", tls.min_version.as_deref(), &TLS12)?;
    let max = version("max_version", tls.max_version.as_deref(), &TLS13)?;
    let number = |version: &SupportedProtocolVersion| u16::from(version.version);
    let allowed = number(min)..=number(max);
    if allowed.is_empty() {
        return Err(WebConfigError::setting("max_version", "below min_version"));
    }
    let all = [&TLS13, &TLS12].into_iter();
    Ok(all
        .filter(|version| allowed.contains(&number(version)))
        .collect())
}

fn version(
    name: &str,
    value: Option<&str>,
    default: &'static SupportedProtocolVersion,
) -> Result<&'static SupportedProtocolVersion, WebConfigError> {
    match value {
        None => Ok(default),
        Some("TLS12") => Ok(&TLS12),
        Some("TLS13") => Ok(&TLS13),
        Some(old @ ("TLS10" | "TLS11")) => {
            let why = format_args!("{old} is not supported, the lowest version is TLS12");
            Err(WebConfigError::setting(name, why))
        }
        Some(other) => {
            let why = format_args!("unknown TLS version: {other}");
            Err(WebConfigError::setting(name, why))
        }
    }
}

/// The cryptography, with the chosen cipher suites and curves alone.
fn provider(tls: &Tls) -> Result<CryptoProvider, WebConfigError> {
    let mut provider = ring::default_provider();
    // As in Go, the list is of suites up to TLS 1.2; those of 1.3 are always on.
    if let Some(names) = tls.cipher_suites.as_deref().filter(|list| !list.is_empty()) {
        let (mut suites, old): (Vec<_>, Vec<_>) = provider
            .cipher_suites
            .iter()
            .copied()
            .partition(|suite| suite.version().version == ProtocolVersion::TLSv1_3);
        let of_13: Vec<String> = suites.iter().map(go_name).collect();
        for name in names {
            match old.iter().find(|suite| go_name(suite) == *name) {
                Some(suite) => suites.push(*suite),
                None if of_13.contains(name) => {}
                None => return Err(not_a_cipher(name)),
            }
        }
        provider.cipher_suites = suites;
    }
    if let Some(names) = tls
        .curve_preferences
        .as_deref()
        .filter(|list| !list.is_empty())
    {
        let groups: Result<Vec<_>, _> = names.iter().map(|name| curve(name)).collect();
        provider.kx_groups = groups?;
    }
    Ok(provider)
}

/// The name of a cipher suite in Go: rustls names those of TLS 1.3 otherwise.
fn go_name(suite: &SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or_default();
    name.replacen("TLS13_", "TLS_", 1)
}

fn not_a_cipher(name: &str) -> WebConfigError {
    let why = match CBC_SUITES.contains(&name) {
        true => format!("{name} is not supported, as all of CBC"),
        false => format!("unknown cipher: {name}"),
    };
    WebConfigError::setting("cipher_suites", why)
}

fn curve(name: &str) -> Result<&'static dyn SupportedKxGroup, WebConfigError> {
    let why = match name {
        "X25519" => return Ok(ring::kx_group::X25519),
        "CurveP256" => return Ok(ring::kx_group::SECP256R1),
        "CurveP384" => return Ok(ring::kx_group::SECP384R1),
        "CurveP521" => "CurveP521 is not supported".to_string(),
        other => format!("unknown curve: {other}"),
    };
    Err(WebConfigError::setting("curve_preferences", why))
}
