//! What each provider is told, by the keys of Thanos.
//!
//! Keys that concern writers alone are taken and mean nothing here. What a reader
//! would have to heed and cannot is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::duration::GoDuration;
use super::error::{BucketConfigError, setting};
use super::http::HttpConfig;
use crate::secret::Secret;

/// `type: FILESYSTEM`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Filesystem {
    pub directory: PathBuf,
}

/// `type: S3`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct S3 {
    pub bucket: String,
    pub endpoint: String,
    pub region: String,
    /// Endpoints are asked as they are written, so that this is always so.
    pub disable_dualstack: bool,
    pub aws_sdk_auth: bool,
    pub access_key: String,
    pub insecure: bool,
    pub signature_version2: bool,
    pub secret_key: Secret,
    pub session_token: Secret,
    pub put_user_metadata: BTreeMap<String, String>,
    pub http_config: HttpConfig,
    pub trace: Trace,
    pub list_objects_version: String,
    pub bucket_lookup_type: Lookup,
    pub send_content_md5: bool,
    pub disable_multipart: bool,
    pub part_size: u64,
    pub sse_config: Sse,
    pub sts_endpoint: String,
    pub max_retries: i64,
}

impl Default for S3 {
    fn default() -> Self {
        S3 {
            bucket: String::new(),
            endpoint: String::new(),
            region: String::new(),
            disable_dualstack: false,
            aws_sdk_auth: false,
            access_key: String::new(),
            insecure: false,
            signature_version2: false,
            secret_key: Secret::default(),
            session_token: Secret::default(),
            put_user_metadata: BTreeMap::new(),
            http_config: HttpConfig::default(),
            trace: Trace::default(),
            list_objects_version: String::new(),
            bucket_lookup_type: Lookup::Auto,
            send_content_md5: true,
            disable_multipart: false,
            part_size: 64 << 20,
            sse_config: Sse::default(),
            sts_endpoint: String::new(),
            max_retries: 0,
        }
    }
}

/// Where a bucket's name stands in its URL.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Lookup {
    Auto,
    VirtualHosted,
    Path,
}

/// `trace`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Trace {
    pub enable: bool,
}

/// `sse_config`: how objects are encrypted where they lie.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sse {
    pub r#type: String,
    pub kms_key_id: String,
    pub kms_encryption_context: BTreeMap<String, String>,
    /// The file of the key of SSE-C.
    pub encryption_key: PathBuf,
}

/// `type: GCS`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Gcs {
    pub bucket: String,
    /// A key as JSON.
    pub service_account: Secret,
    pub use_grpc: bool,
    pub grpc_conn_pool_size: i64,
    pub http_config: HttpConfig,
    pub chunk_size_bytes: i64,
    pub max_retries: i64,
}

/// `type: AZURE`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Azure {
    pub az_tenant_id: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub storage_account: String,
    pub storage_account_key: Secret,
    pub storage_connection_string: Secret,
    pub storage_create_container: bool,
    pub container: String,
    pub endpoint: String,
    pub user_assigned_id: String,
    pub max_retries: i64,
    pub reader_config: AzureReader,
    pub pipeline_config: AzurePipeline,
    pub http_config: HttpConfig,
    /// Deprecated in Thanos, and without effect there.
    msi_resource: Option<IgnoredAny>,
}

/// `reader_config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AzureReader {
    pub max_retry_requests: i64,
}

/// `pipeline_config`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AzurePipeline {
    pub max_tries: i64,
    pub try_timeout: GoDuration,
    pub retry_delay: GoDuration,
    pub max_retry_delay: GoDuration,
}

fn required(key: &'static str, value: &str) -> Result<(), BucketConfigError> {
    match value.is_empty() {
        true => Err(setting(key, "is missing")),
        false => Ok(()),
    }
}

impl Filesystem {
    /// # Errors
    /// When the directory is missing.
    pub fn check(&self) -> Result<(), BucketConfigError> {
        match self.directory.as_os_str().is_empty() {
            true => Err(setting("directory", "is missing")),
            false => Ok(()),
        }
    }
}

impl S3 {
    /// # Errors
    /// When settings are missing, do not fit together, or cannot be heeded.
    pub fn check(&self) -> Result<(), BucketConfigError> {
        required("bucket", &self.bucket)?;
        required("endpoint", &self.endpoint)?;
        self.http_config.check()?;
        if self.aws_sdk_auth && !self.access_key.is_empty() {
            return Err(setting(
                "aws_sdk_auth",
                "access_key and aws_sdk_auth exclude each other",
            ));
        }
        if self.access_key.is_empty() != self.secret_key.is_empty() {
            let why = "access_key and secret_key have to be there together";
            return Err(setting("access_key", why));
        }
        if self.signature_version2 {
            let why = "requests are signed by version 4 alone, which every S3 knows";
            return Err(setting("signature_version2", why));
        }
        match &*self.list_objects_version {
            "" | "v2" => {}
            "v1" => {
                let why = "objects are listed by version 2 alone";
                return Err(setting("list_objects_version", why));
            }
            other => {
                let why = format!("{other:?} is neither v1 nor v2");
                return Err(setting("list_objects_version", why));
            }
        }
        match &*self.sse_config.r#type {
            // Servers decrypt these by themselves.
            "" | "SSE-S3" | "SSE-KMS" => Ok(()),
            "SSE-C" if self.sse_config.encryption_key.as_os_str().is_empty() => {
                Err(setting("sse_config.encryption_key", "is missing"))
            }
            "SSE-C" => Ok(()),
            other => {
                let why = format!("{other:?} is none of SSE-S3, SSE-KMS and SSE-C");
                Err(setting("sse_config.type", why))
            }
        }
    }
}

impl Gcs {
    /// # Errors
    /// When settings are missing or cannot be heeded.
    pub fn check(&self) -> Result<(), BucketConfigError> {
        required("bucket", &self.bucket)?;
        self.http_config.check()?;
        if self.use_grpc {
            return Err(setting("use_grpc", "the bucket is read by HTTP alone"));
        }
        Ok(())
    }
}

impl Azure {
    /// # Errors
    /// When settings are missing or do not fit together.
    pub fn check(&self) -> Result<(), BucketConfigError> {
        required("storage_account", &self.storage_account)?;
        required("container", &self.container)?;
        self.http_config.check()?;
        let own = [
            !self.az_tenant_id.is_empty(),
            !self.client_id.is_empty(),
            !self.client_secret.is_empty(),
        ];
        let is_any = own.contains(&true);
        if is_any && own.contains(&false) {
            let why = "az_tenant_id, client_id and client_secret have to be there together";
            return Err(setting("az_tenant_id", why));
        }
        let ways = [
            !self.user_assigned_id.is_empty(),
            !self.storage_account_key.is_empty(),
            !self.storage_connection_string.is_empty(),
            is_any,
        ];
        if ways.into_iter().filter(|&way| way).count() > 1 {
            let why = "user_assigned_id, storage_account_key, storage_connection_string and \
                       client_secret exclude each other";
            return Err(setting("storage_account", why));
        }
        Ok(())
    }
}
