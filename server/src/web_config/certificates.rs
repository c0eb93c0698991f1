//! Certificates as PEM texts.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::WebConfigError;

/// The certificates in a text of the setting `name`.
///
/// # Errors
/// If there are none, or one is malformed.
pub(super) fn certificates(
    name: &str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, WebConfigError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| WebConfigError::setting(name, error))?;
    if all.is_empty() {
        return Err(WebConfigError::setting(name, "no certificate in it"));
    }
    Ok(all)
}
