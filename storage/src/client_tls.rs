//! TLS of clients, as rustls takes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// TLS of a client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClientTls<'a> {
    /// The authorities whose certificates of servers are trusted, PEM; those of the
    /// system if it is not set.
    pub ca_file: Option<&'a Path>,
    /// The client's certificate, PEM, with its chain.
    pub cert_file: Option<&'a Path>,
    /// The key of the client's certificate, PEM.
    pub key_file: Option<&'a Path>,
    /// Whether certificates of servers are not verified.
    pub skip_verify: bool,
    /// Whether TLS 1.2 is enough, else 1.3 is asked for.
    pub allow_tls12: bool,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("{path}: {why}")]
    File { path: PathBuf, why: String },
    /// The settings do not fit together.
    #[error("{0}")]
    Settings(String),
}

/// Bytes that a file of certificates or a key may have.
const LONGEST_FILE: u64 = 16 << 20;

/// The configuration of a client that offers these protocols.
///
/// # Errors
/// When a file cannot be read, or the settings do not fit together.
pub(crate) fn client_config(
    tls: &ClientTls<'_>,
    protocols: &[&[u8]],
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[_] = match tls.allow_tls12 {
        true => &[&TLS13, &TLS12],
        false => &[&TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(|error| TlsError::Settings(error.to_string()))?;
    let builder = match tls.skip_verify {
        true => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NoVerification(provider))),
        false => builder.with_root_certificates(roots(tls)?),
    };
    let mut config = match (tls.cert_file, tls.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert), Some(key)) => {
            let chain = certificates(cert)?;
            let pem = PrivateKeyDer::from_pem_slice(&read(key)?);
            let pem = pem.map_err(|error| wrong(key, error))?;
            let built = builder.with_client_auth_cert(chain, pem);
            built.map_err(|error| wrong(cert, error))?
        }
        _ => {
            let why = "a certificate needs its key, and a key its certificate";
            return Err(TlsError::Settings(why.to_string()));
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

fn roots(tls: &ClientTls<'_>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match tls.ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| wrong(file, error))?;
            }
        }
        None => {
            let system = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(system.certs);
            if added == 0 {
                let why = "the system has no certificates of authorities; set a file of them";
                return Err(TlsError::Settings(why.to_string()));
            }
        }
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| wrong(file, error))?;
    match all.is_empty() {
        true => Err(wrong(file, "has no certificate")),
        false => Ok(all),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let metadata = fs::metadata(file).map_err(|error| wrong(file, error))?;
    if !metadata.is_file() || metadata.len() > LONGEST_FILE {
        return Err(wrong(file, "is not a file of at most 16 MiB"));
    }
    fs::read(file).map_err(|error| wrong(file, error))
}

fn wrong(file: &Path, why: impl ToString) -> TlsError {
    TlsError::File {
        path: file.to_path_buf(),
        why: why.to_string(),
    }
}

/// Takes any certificate: `--grpc-client-tls-skip-verify`. Signatures are verified
/// all the same.
#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
