//! Makes clients of buckets.

use std::env;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};

use super::connection_string::Connection;
use super::connector::Connector;
use super::error::{BucketConfigError, setting};
use super::providers::{Azure, Filesystem, Gcs, Lookup, S3};
use super::{BucketConfig, Provider};

/// How often a request is repeated if nothing is said.
const RETRIES: usize = 5;
/// How long requests are repeated at most.
const RETRY_FOR: Duration = Duration::from_secs(60);
/// The domain of Azure's accounts.
const AZURE: &str = "blob.core.windows.net";

/// An opened bucket.
#[derive(Debug)]
pub(in crate::bucket) struct Opened {
    pub store: Arc<dyn ObjectStore>,
    pub prefix: Path,
    /// How errors and users call it.
    pub name: String,
    /// Most requests at a time, if the configuration says so.
    pub max_requests: Option<usize>,
}

impl BucketConfig {
    /// Makes the client. Nothing is asked yet.
    ///
    /// # Errors
    /// When a file is missing, or settings do not make sense to the client.
    pub(in crate::bucket) fn open(&self) -> Result<Opened, BucketConfigError> {
        let prefix = Path::parse(self.prefix.trim_matches('/'));
        let prefix = prefix.map_err(|error| setting("prefix", error.to_string()))?;
        let (store, name, max_requests) = match &self.provider {
            Provider::Filesystem(config) => (filesystem(config)?, "filesystem".into(), None),
            Provider::S3(config) => {
                let http = config.http_config.max_requests();
                (s3(config)?, format!("s3://{}", config.bucket), http)
            }
            Provider::Gcs(config) => {
                let http = config.http_config.max_requests();
                (gcs(config)?, format!("gs://{}", config.bucket), http)
            }
            Provider::Azure(config) => {
                let http = config.http_config.max_requests();
                (azure(config)?, format!("az://{}", config.container), http)
            }
        };
        Ok(Opened {
            store,
            prefix,
            name,
            max_requests,
        })
    }
}

fn retry(max_retries: i64, backoff: BackoffConfig) -> RetryConfig {
    RetryConfig {
        backoff,
        max_retries: usize::try_from(max_retries)
            .ok()
            .filter(|&most| most > 0)
            .unwrap_or(RETRIES),
        retry_timeout: RETRY_FOR,
    }
}

/// What a client of `object_store` finds wrong with its settings.
fn refused(key: &'static str) -> impl Fn(object_store::Error) -> BucketConfigError {
    move |error| setting(key, error.to_string())
}

fn filesystem(config: &Filesystem) -> Result<Arc<dyn ObjectStore>, BucketConfigError> {
    let store = LocalFileSystem::new_with_prefix(&config.directory);
    Ok(Arc::new(store.map_err(refused("directory"))?))
}

/// Where credentials come from if the configuration has none.
const S3_CREDENTIALS: [(&str, AmazonS3ConfigKey); 10] = [
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        AmazonS3ConfigKey::WebIdentityTokenFile,
    ),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
    ),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
];

fn s3(config: &S3) -> Result<Arc<dyn ObjectStore>, BucketConfigError> {
    let scheme = if config.insecure { "http" } else { "https" };
    let endpoint = config.endpoint.trim_end_matches('/');
    if endpoint.contains("://") {
        return Err(setting("endpoint", "is a host without a scheme"));
    }
    let virtual_hosted = match config.bucket_lookup_type {
        Lookup::VirtualHosted => true,
        Lookup::Path => false,
        // A certificate for all buckets has no name with a dot in it.
        Lookup::Auto => endpoint.ends_with(".amazonaws.com") && !config.bucket.contains('.'),
    };
    let url = match virtual_hosted {
        true => format!("{scheme}://{}.{endpoint}", config.bucket),
        false => format!("{scheme}://{endpoint}"),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(region(config))
        .with_endpoint(url)
        .with_virtual_hosted_style_request(virtual_hosted)
        .with_allow_http(config.insecure)
        .with_retry(retry(config.max_retries, BackoffConfig::default()))
        .with_http_connector(Connector::new(&config.http_config)?);
    if !config.access_key.is_empty() {
        builder = builder
            .with_access_key_id(&config.access_key)
            .with_secret_access_key(config.secret_key.expose());
        if !config.session_token.is_empty() {
            builder = builder.with_token(config.session_token.expose());
        }
    } else {
        for (name, key) in S3_CREDENTIALS {
            if let Ok(value) = env::var(name) {
                builder = builder.with_config(key, value);
            }
        }
        if !config.sts_endpoint.is_empty() {
            builder = builder.with_config(AmazonS3ConfigKey::StsEndpoint, &config.sts_endpoint);
        }
    }
    if config.sse_config.r#type == "SSE-C" {
        let path = &config.sse_config.encryption_key;
        let key = fs::read(path).map_err(|error| BucketConfigError::File {
            path: path.clone(),
            why: error.to_string(),
        })?;
        builder = builder.with_ssec_encryption(BASE64_STANDARD.encode(key));
    }
    Ok(Arc::new(builder.build().map_err(refused("type S3"))?))
}

/// The region: that of the configuration, of the endpoint's name, or of the
/// environment.
fn region(config: &S3) -> String {
    if !config.region.is_empty() {
        return config.region.clone();
    }
    let host = config.endpoint.strip_suffix(".amazonaws.com");
    let named = host.and_then(|host| host.strip_prefix("s3."));
    if let Some(region) = named {
        return region.trim_start_matches("dualstack.").to_string();
    }
    let own = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let own = own.iter().find_map(|name| env::var(name).ok());
    own.unwrap_or_else(|| "us-east-1".to_string())
}

fn gcs(config: &Gcs) -> Result<Arc<dyn ObjectStore>, BucketConfigError> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&config.bucket)
        .with_retry(retry(config.max_retries, BackoffConfig::default()))
        .with_http_connector(Connector::new(&config.http_config)?);
    // As Google's own clients do.
    if let Ok(host) = env::var("STORAGE_EMULATOR_HOST") {
        let url = match host.contains("://") {
            true => host,
            false => format!("http://{host}"),
        };
        let url = url.trim_end_matches('/');
        builder = builder
            .with_base_url(url)
            .with_client_options(object_store::ClientOptions::new().with_allow_http(true))
            .with_skip_signature(true);
        if config.service_account.is_empty() {
            builder = builder.with_bearer_token("none");
        }
    }
    if !config.service_account.is_empty() {
        builder = builder.with_service_account_key(config.service_account.expose());
    }
    // What is wrong with a key may have parts of it.
    let built = builder
        .build()
        .map_err(|error| match config.service_account.is_empty() {
            true => refused("type GCS")(error),
            false => setting("service_account", "is not the key of a service account"),
        });
    Ok(Arc::new(built?))
}

fn azure(config: &Azure) -> Result<Arc<dyn ObjectStore>, BucketConfigError> {
    let pipeline = &config.pipeline_config;
    let most = [pipeline.max_tries, config.reader_config.max_retry_requests];
    let most = most.into_iter().find(|&most| most > 0);
    let mut backoff = BackoffConfig::default();
    if !pipeline.retry_delay.0.is_zero() {
        backoff.init_backoff = pipeline.retry_delay.0;
    }
    if !pipeline.max_retry_delay.0.is_zero() {
        backoff.max_backoff = pipeline.max_retry_delay.0;
    }
    let mut http = config.http_config.clone();
    if !pipeline.try_timeout.0.is_zero() {
        http.response_header_timeout = pipeline.try_timeout;
    }
    let domain = match config.endpoint.is_empty() {
        true => AZURE,
        false => config.endpoint.trim_matches('/'),
    };
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&config.storage_account)
        .with_container_name(&config.container)
        .with_endpoint(format!("https://{}.{domain}", config.storage_account))
        .with_retry(retry(most.unwrap_or(config.max_retries), backoff))
        .with_http_connector(Connector::new(&http)?);
    if !config.storage_account_key.is_empty() {
        builder = builder.with_access_key(config.storage_account_key.expose());
    } else if !config.storage_connection_string.is_empty() {
        builder = connected(
            builder,
            &Connection::parse(&config.storage_connection_string)?,
        );
    } else if !config.client_secret.is_empty() {
        builder = builder.with_client_secret_authorization(
            &config.client_id,
            config.client_secret.expose(),
            &config.az_tenant_id,
        );
    } else {
        if !config.user_assigned_id.is_empty() {
            builder = builder.with_client_id(&config.user_assigned_id);
        }
        if let Ok(file) = env::var("AZURE_FEDERATED_TOKEN_FILE") {
            builder = builder.with_federated_token_file(file);
            for (name, key) in [
                ("AZURE_CLIENT_ID", "azure_client_id"),
                ("AZURE_TENANT_ID", "azure_tenant_id"),
            ] {
                if let (Ok(value), Ok(key)) = (env::var(name), key.parse()) {
                    builder = builder.with_config(key, value);
                }
            }
        }
    }
    // What is wrong with a key may have parts of it.
    let built = builder
        .build()
        .map_err(|_| setting("type AZURE", "the settings do not make a client"));
    Ok(Arc::new(built?))
}

fn connected(builder: MicrosoftAzureBuilder, connection: &Connection) -> MicrosoftAzureBuilder {
    let mut builder = builder;
    if let Some(account) = &connection.account {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = &connection.endpoint {
        let plain = endpoint.starts_with("http://");
        builder = builder
            .with_endpoint(endpoint.clone())
            .with_allow_http(plain);
    }
    if let Some(key) = &connection.key {
        builder = builder.with_access_key(key.expose());
    } else if let Some(signature) = &connection.signature {
        let query = signature.expose().trim_start_matches('?');
        let pairs = form_urlencoded::parse(query.as_bytes());
        let pairs: Vec<(String, String)> = pairs.into_owned().collect();
        builder = builder.with_sas_authorization(pairs);
    }
    builder
}
