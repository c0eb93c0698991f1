//! Certificates of clients: whether they are asked for, and which are accepted.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::WebConfigError;
use super::certificates::certificates;
use super::file::Tls;

/// The check of clients that `client_auth_type` asks for, if any.
///
/// # Errors
/// If the settings contradict each other or are unknown.
pub(super) fn verifier(
    tls: &Tls,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, WebConfigError> {
    const NAME: &str = "client_auth_type";
    let kind = tls.client_auth_type();
    let (is_verified, is_mandatory) = match kind {
        "" | "NoClientCert" => {
            return match (tls.authorities(), &tls.client_allowed_sans) {
                (None, None) => Ok(None),
                (Some(_), _) => Err(without_type("client_ca")),
                (None, Some(_)) => Err(without_type("client_allowed_sans")),
            };
        }
        "RequestClientCert" => (false, false),
        "RequireAnyClientCert" | "RequireClientCert" => (false, true),
        "VerifyClientCertIfGiven" => (true, false),
        "RequireAndVerifyClientCert" => (true, true),
        other => {
            let why = format_args!("unknown type {other}");
            return Err(WebConfigError::setting(NAME, why));
        }
    };
    let chain = if is_verified {
        Some(chain_verifier(tls, kind, Arc::clone(&provider))?)
    } else {
        None
    };
    Ok(Some(Arc::new(Verifier {
        chain,
        // Without a certificate there is no name that could be allowed.
        is_mandatory: is_mandatory || tls.client_allowed_sans.is_some(),
        allowed: tls.client_allowed_sans.clone(),
        provider,
    })))
}

fn without_type(name: &str) -> WebConfigError {
    WebConfigError::setting(name, "has no effect without a client_auth_type")
}

fn chain_verifier(
    tls: &Tls,
    kind: &str,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, WebConfigError> {
    const NAME: &str = "client_ca";
    let authorities = tls.authorities().ok_or_else(|| {
        let why = format_args!(
            "missing, {kind} needs it: the system's certificate authorities are not used"
        );
        WebConfigError::setting(NAME, why)
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(NAME, &authorities.read(NAME)?)? {
        let added = roots.add(certificate);
        added.map_err(|error| WebConfigError::setting(NAME, error))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build();
    verifier.map_err(|error| WebConfigError::setting(NAME, error))
}

/// Checks the chain of a client's certificate and its names, each if asked for.
/// That the client has the key is always checked.
#[derive(Debug)]
struct Verifier {
    chain: Option<Arc<dyn ClientCertVerifier>>,
    is_mandatory: bool,
    /// The names of which a certificate must have one.
    allowed: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain
            .as_ref()
            .map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if let Some(chain) = &self.chain {
            chain.verify_client_cert(end_entity, intermediates, now)?;
        }
        if let Some(allowed) = &self.allowed {
            let names = names(end_entity)
                .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
            if !names.iter().any(|name| allowed.contains(name)) {
                let refused = CertificateError::ApplicationVerificationFailure;
                return Err(Error::InvalidCertificate(refused));
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The alternative names of a certificate's subject: host names, e-mail
/// addresses, IP addresses and URIs, as texts.
fn names(certificate: &[u8]) -> Result<Vec<String>, x509_cert::der::Error> {
    let certificate = Certificate::from_der(certificate)?;
    let Some((_, names)) = certificate.tbs_certificate.get::<SubjectAltName>()? else {
        return Ok(Vec::new());
    };
    let text = |name: &GeneralName| match name {
        GeneralName::DnsName(name)
        | GeneralName::Rfc822Name(name)
        | GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()).map(|ip| ip.to_string()),
        _ => None,
    };
    Ok(names.0.iter().filter_map(text).collect())
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(v6.into())
}
