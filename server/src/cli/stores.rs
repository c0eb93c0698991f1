//! Options of stores behind the server, named as in Thanos Query.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use quarrel_engine::storage::{Deduplication, Storage};
use quarrel_storage::store_api::{
    ConfigError, EndpointSpec, Endpoints, EndpointsConfig, SdConfig, TlsConfig,
};

use super::failure::Failure;
use super::options::Span;
use super::remote_read::RemoteReadArgs;
use crate::source::{ReadDefaults, Source};
use crate::stores::{StoreSettings, Stores};
use crate::tenancy::{CertificateField, Enforced, Tenancy};

/// The stores, and how queries see them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Store options")]
pub(super) struct StoreArgs {
    /// Address of a Thanos API server, HOST:PORT; with dns+ or dnssrv+ before it, all
    /// that DNS has for the name. Can be repeated.
    #[arg(long = "endpoint", value_name = "ADDRESS")]
    pub(super) endpoints: Vec<String>,
    /// As --endpoint, of one that is used even if it does not answer checks.
    #[arg(long = "endpoint-strict", value_name = "ADDRESS")]
    pub(super) strict: Vec<String>,
    /// DNS name of a group of Thanos API servers with the same data, one of which is
    /// asked at a time. Can be repeated.
    #[arg(long = "endpoint-group", value_name = "ADDRESS")]
    pub(super) groups: Vec<String>,
    /// As --endpoint-group, of one that is used even if it does not answer checks.
    #[arg(long = "endpoint-group-strict", value_name = "ADDRESS")]
    pub(super) strict_groups: Vec<String>,
    /// Files with addresses of Thanos API servers, JSON or YAML in the format of
    /// Prometheus's file service discovery; a pattern. Can be repeated.
    #[arg(long = "store.sd-files", value_name = "PATTERN")]
    pub(super) sd_files: Vec<String>,
    /// How often files with addresses are read again.
    #[arg(
        long = "store.sd-interval",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub(super) sd_interval: Span,
    /// Endpoints with settings of their own, such as TLS: YAML in the format of Thanos
    /// Query.
    #[arg(
        long = "endpoint.sd-config",
        value_name = "CONTENT",
        conflicts_with = "sd_config_file"
    )]
    pub(super) sd_config: Option<String>,
    /// File with endpoints that have settings of their own, as --endpoint.sd-config.
    #[arg(long = "endpoint.sd-config-file", value_name = "FILE")]
    pub(super) sd_config_file: Option<PathBuf>,
    /// How often the file of --endpoint.sd-config-file is read again.
    #[arg(
        long = "endpoint.sd-config-reload-interval",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub(super) sd_config_interval: Span,
    /// Interval between DNS resolutions.
    #[arg(
        long = "store.sd-dns-interval",
        value_name = "DURATION",
        default_value = "30s"
    )]
    pub(super) dns_interval: Span,
    /// Time after which a store that sends nothing is left out, with a warning or an
    /// error. 0: the timeout of the query.
    #[arg(
        long = "store.response-timeout",
        value_name = "DURATION",
        default_value = "0s"
    )]
    pub(super) response_timeout: Span,
    /// Time after which an endpoint that does not answer is forgotten.
    #[arg(
        long = "store.unhealthy-timeout",
        value_name = "DURATION",
        default_value = "5m"
    )]
    pub(super) unhealthy_timeout: Span,
    /// Timeout of checks of endpoints.
    #[arg(
        long = "endpoint.info-timeout",
        value_name = "DURATION",
        default_value = "5s"
    )]
    pub(super) info_timeout: Span,
    /// Label that tells replicas apart, whose series are united. Can be repeated;
    /// the parameter dedup=false shows the replicas.
    #[arg(long = "query.replica-label", value_name = "NAME")]
    pub(super) replica_labels: Vec<String>,
    /// How replicas become one: replicas, penalty (as in Thanos), or chain.
    #[arg(
        long = "deduplication.func",
        value_name = "NAME",
        default_value = "replicas"
    )]
    pub(super) deduplication: Deduplication,
    /// Whether a store that fails is a warning, else an error; the parameter
    /// partial_response of a request goes before.
    #[arg(
        long = "query.partial-response",
        value_name = "BOOL",
        num_args = 0..=1,
        default_missing_value = "true",
        default_value = "true",
        action = clap::ArgAction::Set
    )]
    pub(super) partial_response: bool,
    /// As --query.partial-response=false.
    #[arg(
        long = "no-query.partial-response",
        conflicts_with = "partial_response"
    )]
    pub(super) no_partial_response: bool,
    /// Let the step of a range query choose the resolution of downsampled data (step /
    /// 5) where the parameter max_source_resolution does not.
    #[arg(long = "query.auto-downsampling")]
    pub(super) auto_downsampling: bool,
    /// Coarsest resolution of downsampled data for instant queries with
    /// max_source_resolution=auto.
    #[arg(
        long = "query.instant.default.max_source_resolution",
        value_name = "DURATION",
        default_value = "0s"
    )]
    pub(super) instant_resolution: Span,
    /// Maximum number of select requests made concurrently per a query.
    #[arg(
        long = "query.max-concurrent-select",
        value_name = "N",
        default_value = "4",
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    pub(super) max_concurrent_select: u32,
    /// Header of requests that names their tenant, beside THANOS-TENANT.
    #[arg(
        long = "query.tenant-header",
        value_name = "NAME",
        default_value = "THANOS-TENANT"
    )]
    pub(super) tenant_header: String,
    /// Tenant of requests that name none.
    #[arg(
        long = "query.default-tenant-id",
        value_name = "NAME",
        default_value = "default-tenant"
    )]
    pub(super) default_tenant: String,
    /// Field of the certificates of clients that names their tenant, instead of headers:
    /// organization, organizationalUnit or commonName.
    #[arg(
        long = "query.tenant-certificate-field",
        value_name = "FIELD",
        value_parser = parse_field
    )]
    pub(super) tenant_field: Option<CertificateField>,
    /// Let each tenant see that alone which has its name in the label of
    /// --query.tenant-label-name.
    #[arg(long = "query.enforce-tenancy")]
    pub(super) enforce_tenancy: bool,
    /// Label that names the tenant of a series.
    #[arg(
        long = "query.tenant-label-name",
        value_name = "NAME",
        default_value = "tenant_id"
    )]
    pub(super) tenant_label: String,
    /// Use TLS when talking to endpoints.
    #[arg(long = "grpc-client-tls-secure")]
    pub(super) tls_secure: bool,
    /// Do not verify the certificates of endpoints.
    #[arg(long = "grpc-client-tls-skip-verify")]
    pub(super) tls_skip_verify: bool,
    /// Certificate that identifies this client to endpoints.
    #[arg(long = "grpc-client-tls-cert", value_name = "FILE", default_value = "")]
    pub(super) tls_cert: String,
    /// Key of the client's certificate.
    #[arg(long = "grpc-client-tls-key", value_name = "FILE", default_value = "")]
    pub(super) tls_key: String,
    /// Certificates of authorities that endpoints are verified with. Default: those of
    /// the system.
    #[arg(long = "grpc-client-tls-ca", value_name = "FILE", default_value = "")]
    pub(super) tls_ca: String,
    /// Name in the certificates of endpoints.
    #[arg(
        long = "grpc-client-server-name",
        value_name = "NAME",
        default_value = ""
    )]
    pub(super) tls_server_name: String,
}

fn parse_field(text: &str) -> Result<CertificateField, String> {
    let fields = [
        CertificateField::Organization,
        CertificateField::OrganizationalUnit,
        CertificateField::CommonName,
    ];
    let field = fields.into_iter().find(|field| field.name() == text);
    field.ok_or_else(|| "it is organization, organizationalUnit or commonName".to_string())
}

impl StoreArgs {
    /// Whether there are stores.
    pub(super) fn any_endpoint(&self) -> bool {
        let lists = [
            &self.endpoints,
            &self.strict,
            &self.groups,
            &self.strict_groups,
            &self.sd_files,
        ];
        lists.iter().any(|list| !list.is_empty()) || self.described().is_some()
    }

    /// Where endpoints with settings of their own are described. As in Thanos, an empty
    /// path or text is none.
    fn described(&self) -> Option<SdConfig> {
        let path = self.sd_config_file.as_ref();
        let path = path.filter(|path| !path.as_os_str().is_empty());
        let text = self.sd_config.as_ref().filter(|text| !text.is_empty());
        match (path, text) {
            (Some(path), _) => Some(SdConfig::File(path.clone())),
            (None, text) => text.cloned().map(SdConfig::Text),
        }
    }

    /// Whether stores have to be read in Thanos's ways.
    pub(super) fn is_used(&self) -> bool {
        self.any_endpoint() || !self.replica_labels.is_empty()
    }

    /// Directories beside the endpoints, which are watched from now on.
    pub(super) fn open(
        &self,
        local: Vec<Arc<dyn Storage>>,
        labels: Vec<(String, String)>,
        remote_read: &RemoteReadArgs,
    ) -> Result<Stores, Failure> {
        let endpoints = match self.any_endpoint() {
            true => {
                let endpoints = Endpoints::start(self.config().map_err(Failure::new)?);
                Some(Arc::new(endpoints.map_err(Failure::new)?))
            }
            false => None,
        };
        let settings = StoreSettings {
            defaults: self.defaults()?,
            deduplication: self.deduplication,
            max_concurrent_selects: self.max_concurrent_select as usize,
        };
        let servers = remote_read.open(&local, &labels)?;
        Stores::new(local, labels, endpoints, settings)
            .and_then(|stores| stores.with_remote_read(servers))
            .map_err(Failure::new)
    }

    /// The source as tenants see it.
    pub(super) fn of_tenants(&self, source: Arc<dyn Source>) -> Arc<dyn Source> {
        match self.enforce_tenancy {
            true => Arc::new(Enforced::new(source, self.tenant_label.clone())),
            false => source,
        }
    }

    pub(super) fn tenancy(&self) -> Tenancy {
        Tenancy {
            header: self.tenant_header.to_ascii_lowercase(),
            default: self.default_tenant.clone(),
            field: self.tenant_field,
        }
    }

    fn config(&self) -> Result<EndpointsConfig, ConfigError> {
        let single = self.endpoints.iter().map(|a| EndpointSpec::new(a));
        let strict = self.strict.iter().map(|a| EndpointSpec::new(a)?.strict());
        let groups = (self.groups.iter()).map(|a| Ok(EndpointSpec::new(a)?.group()));
        let strict_groups =
            (self.strict_groups.iter()).map(|a| EndpointSpec::new(a)?.group().strict());
        let specs = single.chain(strict).chain(groups).chain(strict_groups);
        let specs: Vec<EndpointSpec> = specs.collect::<Result<_, _>>()?;
        let mut config = EndpointsConfig::new(specs);
        config.sd_files = self.sd_files.iter().map(PathBuf::from).collect();
        config.sd_interval = self.sd_interval.duration();
        config.sd_config = self.described();
        // A file that is read all the time would keep a thread busy.
        let interval = self.sd_config_interval.duration();
        config.sd_config_interval = interval.max(Duration::from_millis(100));
        config.dns_interval = self.dns_interval.duration();
        config.info_timeout = self.info_timeout.duration();
        config.unhealthy_timeout = self.unhealthy_timeout.duration();
        let timeout = self.response_timeout.duration();
        config.response_timeout = (!timeout.is_zero()).then_some(timeout);
        config.tls = self.tls_secure.then(|| self.tls());
        Ok(config)
    }

    fn tls(&self) -> TlsConfig {
        let file = |path: &str| (!path.is_empty()).then(|| PathBuf::from(path));
        TlsConfig {
            ca_file: file(&self.tls_ca),
            cert_file: file(&self.tls_cert),
            key_file: file(&self.tls_key),
            server_name: (!self.tls_server_name.is_empty()).then(|| self.tls_server_name.clone()),
            skip_verify: self.tls_skip_verify,
            allow_tls12: false,
        }
    }

    /// What holds where requests do not say.
    fn defaults(&self) -> Result<ReadDefaults, Failure> {
        if let Some(empty) = self.replica_labels.iter().find(|name| name.is_empty()) {
            return Err(Failure::new(format_args!(
                "--query.replica-label {empty:?} is no label name"
            )));
        }
        Ok(ReadDefaults {
            replica_labels: self.replica_labels.clone(),
            partial_response: self.partial_response && !self.no_partial_response,
            auto_downsampling: self.auto_downsampling,
            instant_resolution_ms: self.instant_resolution.ms(),
        })
    }

    /// The flags as `status/flags` shows them.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        let sd_config_file = self.sd_config_file.as_ref();
        let sd_config_file = sd_config_file.map(|path| path.display().to_string());
        let sd_config_file = sd_config_file.unwrap_or_default();
        vec![
            ("endpoint", self.endpoints.join(",")),
            ("endpoint-strict", self.strict.join(",")),
            ("endpoint-group", self.groups.join(",")),
            ("endpoint-group-strict", self.strict_groups.join(",")),
            ("store.sd-files", self.sd_files.join(",")),
            ("store.sd-interval", self.sd_interval.to_string()),
            (
                "endpoint.sd-config",
                self.sd_config.clone().unwrap_or_default(),
            ),
            ("endpoint.sd-config-file", sd_config_file),
            (
                "endpoint.sd-config-reload-interval",
                self.sd_config_interval.to_string(),
            ),
            ("store.sd-dns-interval", self.dns_interval.to_string()),
            ("store.response-timeout", self.response_timeout.to_string()),
            (
                "store.unhealthy-timeout",
                self.unhealthy_timeout.to_string(),
            ),
            ("endpoint.info-timeout", self.info_timeout.to_string()),
            ("query.replica-label", self.replica_labels.join(",")),
            ("deduplication.func", self.deduplication.to_string()),
            ("query.tenant-header", self.tenant_header.clone()),
            ("query.default-tenant-id", self.default_tenant.clone()),
            (
                "query.tenant-certificate-field",
                self.tenant_field
                    .map_or("", CertificateField::name)
                    .to_string(),
            ),
            ("query.enforce-tenancy", self.enforce_tenancy.to_string()),
            ("query.tenant-label-name", self.tenant_label.clone()),
            (
                "query.partial-response",
                (self.partial_response && !self.no_partial_response).to_string(),
            ),
            (
                "query.auto-downsampling",
                self.auto_downsampling.to_string(),
            ),
            (
                "query.instant.default.max_source_resolution",
                self.instant_resolution.to_string(),
            ),
            (
                "query.max-concurrent-select",
                self.max_concurrent_select.to_string(),
            ),
            ("grpc-client-tls-secure", self.tls_secure.to_string()),
            (
                "grpc-client-tls-skip-verify",
                self.tls_skip_verify.to_string(),
            ),
            ("grpc-client-tls-cert", self.tls_cert.clone()),
            ("grpc-client-tls-key", self.tls_key.clone()),
            ("grpc-client-tls-ca", self.tls_ca.clone()),
            ("grpc-client-server-name", self.tls_server_name.clone()),
        ]
    }
}
