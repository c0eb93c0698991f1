//! TLS of clients, as rustls takes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

/// Bytes that a file of certificates or a key may have.
const LONGEST_FILE: u64 = 16 << 20;

/// Why there is no TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientTlsError {
    /// A file cannot be read, or is not what it should be.
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: String },
    /// The settings do not fit together.
    #[error("{0}")]
    Settings(String),
}

/// Certificates or a key, PEM.
#[derive(Clone, Copy)]
pub(crate) enum Pem<'a> {
    /// In a file.
    File(&'a Path),
    /// As they are. It may be a secret.
    #[cfg_attr(not(feature = "http_client"), allow(dead_code))]
    Text(&'a str),
}

/// How a client speaks TLS.
pub(crate) struct ClientTls<'a> {
    /// The authorities whose certificates of servers are trusted; those of the system if
    /// it is not set.
    pub(crate) authorities: Option<Pem<'a>>,
    /// The client's certificate, with its chain, and its key.
    pub(crate) certificate: Option<Pem<'a>>,
    pub(crate) key: Option<Pem<'a>>,
    /// Whether certificates of servers are not verified.
    pub(crate) skip_verify: bool,
    /// The name that certificates of servers have, where it is not that of the address.
    pub(crate) server_name: Option<ServerName<'static>>,
    /// Versions, the best first.
    pub(crate) versions: &'a [&'static SupportedProtocolVersion],
    /// The protocols that are spoken over it.
    pub(crate) protocols: &'a [&'a [u8]],
}

impl ClientTls<'_> {
    /// The configuration of a client.
    ///
    /// # Errors
    /// When a file cannot be read, or the settings do not fit together.
    pub(crate) fn config(&self) -> Result<ClientConfig, ClientTlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(self.versions)
            .map_err(|error| ClientTlsError::Settings(error.to_string()))?;
        let builder = match (self.skip_verify, &self.server_name) {
            (true, _) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(NoVerification(provider))),
            (false, None) => builder.with_root_certificates(self.roots()?),
            (false, Some(name)) => {
                let roots = Arc::new(self.roots()?);
                let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider);
                let verifier = verifier.build();
                let verifier =
                    verifier.map_err(|error| ClientTlsError::Settings(error.to_string()))?;
                let named = Named {
                    name: name.clone(),
                    verifier,
                };
                builder
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(named))
            }
        };
        let mut config = match (&self.certificate, &self.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let pem = PrivateKeyDer::from_pem_slice(&key.read()?);
                let pem = pem.map_err(|error| key.wrong(error))?;
                let built = builder.with_client_auth_cert(chain, pem);
                built.map_err(|error| certificate.wrong(error))?
            }
            _ => {
                let why = "a certificate needs its key, and a key its certificate";
                return Err(ClientTlsError::Settings(why.to_string()));
            }
        };
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, ClientTlsError> {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            Some(pem) => {
                for certificate in certificates(pem)? {
                    roots.add(certificate).map_err(|error| pem.wrong(error))?;
                }
            }
            None => {
                let system = rustls_native_certs::load_native_certs();
                let (added, _) = roots.add_parsable_certificates(system.certs);
                if added == 0 {
                    let why = "the system has no certificates of authorities; set a file of them";
                    return Err(ClientTlsError::Settings(why.to_string()));
                }
            }
        }
        Ok(roots)
    }
}

fn certificates(pem: &Pem<'_>) -> Result<Vec<CertificateDer<'static>>, ClientTlsError> {
    let bytes = pem.read()?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| pem.wrong(error))?;
    match all.is_empty() {
        true => Err(pem.wrong("has no certificate")),
        false => Ok(all),
    }
}

impl Pem<'_> {
    pub(crate) fn read(&self) -> Result<Vec<u8>, ClientTlsError> {
        let path = match self {
            Pem::Text(text) => return Ok(text.as_bytes().to_vec()),
            Pem::File(path) => path,
        };
        let metadata = fs::metadata(path).map_err(|error| self.wrong(error))?;
        if !metadata.is_file() || metadata.len() > LONGEST_FILE {
            return Err(self.wrong("is not a file of at most 16 MiB"));
        }
        fs::read(path).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, why: impl ToString) -> ClientTlsError {
        let why = why.to_string();
        match self {
            Pem::File(path) => ClientTlsError::File {
                path: path.to_path_buf(),
                why,
            },
            Pem::Text(_) => ClientTlsError::Settings(format!("PEM among the settings: {why}")),
        }
    }
}

/// Takes certificates of a server that has another name than its address.
#[derive(Debug)]
struct Named {
    name: ServerName<'static>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Named {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let name = &self.name;
        self.verifier
            .verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Takes any certificate. Signatures are verified all the same.
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
