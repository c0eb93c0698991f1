//! Tenants: who a request is of, as Thanos's header says, and that a tenant sees its own
//! series alone.

use std::sync::Arc;

use futures::future::BoxFuture;
use quarrel_engine::storage::{Storage, StorageError};
use quarrel_storage::bucket::Bucket;
use quarrel_storage::memory::MemoryStorage;
use quarrel_storage::remote_read::RemoteReadMetrics;
use quarrel_storage::restricted::Restricted;
use quarrel_storage::store_api::{EndpointStatus, Endpoints, StoreMetrics};
use x509_cert::Certificate;
use x509_cert::der::asn1::Any;
use x509_cert::der::oid::db;
use x509_cert::der::{Decode as _, Tag, Tagged as _};

use crate::source::{Database, ReadDefaults, ReadOptions, Source, TenantLabel};

/// The header that Thanos's components send.
pub const THANOS_TENANT: &str = "thanos-tenant";

/// The certificate that a client has identified itself with, DER.
#[derive(Clone, Debug)]
pub struct ClientCertificate(Arc<[u8]>);

impl ClientCertificate {
    /// The certificate of a connection's client, if it has sent one.
    pub fn of(connection: &rustls::ServerConnection) -> Option<Self> {
        let certificate = connection.peer_certificates()?.first()?;
        Some(ClientCertificate(certificate.as_ref().into()))
    }
}

/// A field of the subject of clients' certificates that names their tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateField {
    /// `O`
    Organization,
    /// `OU`
    OrganizationalUnit,
    /// `CN`
    CommonName,
}

impl CertificateField {
    /// As `--query.tenant-certificate-field` has it.
    pub fn name(self) -> &'static str {
        match self {
            CertificateField::Organization => "organization",
            CertificateField::OrganizationalUnit => "organizationalUnit",
            CertificateField::CommonName => "commonName",
        }
    }

    /// The first value of the field; as in Thanos, it has to be there.
    fn of(self, certificate: Option<&ClientCertificate>) -> Result<String, String> {
        let Some(ClientCertificate(der)) = certificate else {
            return Err("could not get required certificate field from client cert".to_string());
        };
        let missing = || format!("could not get {} field from client cert", self.name());
        let certificate = Certificate::from_der(der).map_err(|_| missing())?;
        let wanted = match self {
            CertificateField::Organization => db::rfc4519::ORGANIZATION_NAME,
            CertificateField::OrganizationalUnit => db::rfc4519::ORGANIZATIONAL_UNIT_NAME,
            CertificateField::CommonName => db::rfc4519::COMMON_NAME,
        };
        let parts = certificate.tbs_certificate.subject.0.iter();
        let mut values = parts
            .flat_map(|part| part.0.iter())
            .filter(|v| v.oid == wanted);
        let value = values.next().and_then(|value| text(&value.value));
        value.filter(|text| !text.is_empty()).ok_or_else(missing)
    }
}

/// The text of a value, in the encodings that texts have there.
fn text(value: &Any) -> Option<String> {
    let is_text = matches!(
        value.tag(),
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString
    );
    let bytes = is_text.then(|| value.value())?;
    std::str::from_utf8(bytes).ok().map(str::to_string)
}

/// How the tenant of a request is told.
#[derive(Clone, Debug)]
pub struct Tenancy {
    /// The header that names it, beside [`THANOS_TENANT`].
    pub header: String,
    /// The tenant of requests that do not say.
    pub default: String,
    /// The field of clients' certificates that names it instead of headers.
    pub field: Option<CertificateField>,
}

impl Default for Tenancy {
    fn default() -> Self {
        Tenancy {
            header: THANOS_TENANT.to_string(),
            default: "default-tenant".to_string(),
            field: None,
        }
    }
}

impl Tenancy {
    /// The tenant of a request with these headers, of a client with this certificate.
    ///
    /// # Errors
    /// If its name could be part of a path, as in Thanos, or the certificate does not
    /// name it though it has to.
    pub fn tenant<'a>(
        &self,
        header: impl Fn(&str) -> &'a str,
        certificate: Option<&ClientCertificate>,
    ) -> Result<String, String> {
        let tenant = match self.field {
            Some(field) => field.of(certificate)?,
            None => {
                let named = [header(&self.header), header(THANOS_TENANT)];
                let named = named.into_iter().find(|name| !name.is_empty());
                named.unwrap_or(&self.default).to_string()
            }
        };
        match tenant.as_str() {
            "." | ".." => Err(format!("tenant name not valid: {tenant:?}")),
            name if name.contains(['/', '\\']) => Err(format!("tenant name not valid: {tenant:?}")),
            _ => Ok(tenant),
        }
    }
}

/// A source of which each tenant sees the series that have its name in a label, and
/// what else has that label.
pub struct Enforced {
    inner: Arc<dyn Source>,
    label: String,
}

impl Enforced {
    /// The series of `inner` by the tenant's name in `label`.
    pub fn new(inner: Arc<dyn Source>, label: String) -> Self {
        Enforced { inner, label }
    }

    fn own(&self, tenant: &str) -> TenantLabel {
        TenantLabel {
            name: self.label.clone(),
            tenant: tenant.to_string(),
        }
    }
}

impl Source for Enforced {
    fn storage(&self, options: &ReadOptions) -> Arc<dyn Storage> {
        let tenant = options.tenant.as_deref().unwrap_or_default();
        match self.own(tenant).matcher() {
            Ok(own) => Arc::new(Restricted::new(self.inner.storage(options), [own])),
            Err(_) => Arc::new(MemoryStorage::new()),
        }
    }

    fn databases(&self) -> BoxFuture<'_, Result<Vec<Database>, StorageError>> {
        self.inner.databases()
    }

    fn stores(&self) -> Vec<EndpointStatus> {
        self.inner.stores()
    }

    fn endpoints(&self) -> Option<Arc<Endpoints>> {
        self.inner.endpoints()
    }

    fn tenant_label(&self, tenant: &str) -> Option<TenantLabel> {
        Some(self.own(tenant))
    }

    fn store_metrics(&self) -> Vec<StoreMetrics> {
        self.inner.store_metrics()
    }

    fn remote_read_metrics(&self) -> Vec<RemoteReadMetrics> {
        self.inner.remote_read_metrics()
    }

    fn bucket(&self) -> Option<&Arc<Bucket>> {
        self.inner.bucket()
    }

    fn defaults(&self) -> Option<&ReadDefaults> {
        self.inner.defaults()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::DnType;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;
    use crate::certificates_for_tests::Authority;

    fn tenancy(field: Option<CertificateField>) -> Tenancy {
        Tenancy {
            header: "x-own".to_string(),
            field,
            ..Tenancy::default()
        }
    }

    #[test]
    fn headers_name_the_tenant() {
        let of = |pairs: &'static [(&str, &str)]| {
            let header = |name: &str| {
                let found = pairs.iter().find(|(own, _)| *own == name);
                found.map_or("", |(_, value)| value)
            };
            tenancy(None).tenant(header, None)
        };
        assert_eq!(of(&[]), Ok("default-tenant".to_string()));
        assert_eq!(of(&[(THANOS_TENANT, "a")]), Ok("a".to_string()));
        let both = of(&[(THANOS_TENANT, "a"), ("x-own", "b")]);
        assert_eq!(both, Ok("b".to_string()));
        assert!(of(&[("x-own", "../b")]).is_err());
    }

    #[test]
    fn a_field_of_the_certificate_names_the_tenant_and_no_header_does() {
        let authority = Authority::new();
        let identity = authority.sign_subject(&[
            (DnType::OrganizationName, "org"),
            (DnType::OrganizationalUnitName, "unit/x"),
        ]);
        let der = CertificateDer::from_pem_slice(identity.cert.as_bytes()).unwrap();
        let certificate = ClientCertificate(der.as_ref().into());
        let of = |field, certificate| tenancy(Some(field)).tenant(|_| "header", certificate);
        let organization = of(CertificateField::Organization, Some(&certificate));
        assert_eq!(organization, Ok("org".to_string()));
        let unit = of(CertificateField::OrganizationalUnit, Some(&certificate));
        assert!(unit.unwrap_err().contains("not valid"));
        let name = of(CertificateField::CommonName, Some(&certificate));
        assert!(name.unwrap_err().contains("commonName"));
        assert!(of(CertificateField::Organization, None).is_err());
        let broken = ClientCertificate([0x30, 0x03].as_slice().into());
        assert!(of(CertificateField::Organization, Some(&broken)).is_err());
    }
}
