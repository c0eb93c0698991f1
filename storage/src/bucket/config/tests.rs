use std::time::Duration;

use proptest::prelude::*;

use super::providers::Lookup;
use super::*;

fn s3(more: &str) -> String {
    format!("type: S3\nconfig:\n  bucket: b\n  endpoint: e.example\n{more}")
}

fn parse(text: &str) -> Result<BucketConfig, BucketConfigError> {
    BucketConfig::parse(text)
}

fn s3_of(text: &str) -> Box<S3> {
    match parse(text).unwrap().provider {
        Provider::S3(config) => config,
        other => panic!("{other:?}"),
    }
}

/// All keys that Thanos's own documentation has for S3.
const WHOLE_S3: &str = r#"
type: S3
config:
  bucket: "b"
  endpoint: "s3.eu-west-1.amazonaws.com"
  region: "eu-west-1"
  disable_dualstack: false
  aws_sdk_auth: false
  access_key: "AKIA"
  insecure: false
  signature_version2: false
  secret_key: "hush-key"
  session_token: "hush-token"
  put_user_metadata: {"X-Amz-Storage-Class": "x"}
  http_config:
    idle_conn_timeout: 1m30s
    response_header_timeout: 2m
    insecure_skip_verify: false
    tls_handshake_timeout: 10s
    expect_continue_timeout: 1s
    max_idle_conns: 100
    max_idle_conns_per_host: 100
    max_conns_per_host: 7
    tls_config:
      ca_file: ""
      cert_file: ""
      key_file: ""
      server_name: ""
      insecure_skip_verify: false
    disable_compression: false
  trace:
    enable: false
  list_objects_version: ""
  bucket_lookup_type: auto
  send_content_md5: true
  disable_multipart: false
  part_size: 67108864
  sse_config:
    type: ""
    kms_key_id: ""
    kms_encryption_context: {}
    encryption_key: ""
  sts_endpoint: ""
  max_retries: 3
prefix: "p/q"
"#;

const WHOLE_AZURE: &str = r#"
type: AZURE
config:
  storage_account: "acc"
  storage_account_key: "aHVzaA=="
  storage_connection_string: ""
  storage_create_container: false
  container: "c"
  endpoint: ""
  user_assigned_id: ""
  max_retries: 0
  reader_config:
    max_retry_requests: 0
  pipeline_config:
    max_tries: 0
    try_timeout: 0s
    retry_delay: 0s
    max_retry_delay: 0s
  http_config:
    idle_conn_timeout: 0s
    response_header_timeout: 0s
    insecure_skip_verify: false
    tls_handshake_timeout: 0s
    expect_continue_timeout: 0s
    max_idle_conns: 0
    max_idle_conns_per_host: 0
    max_conns_per_host: 0
    tls_config: {}
    disable_compression: false
  msi_resource: "x"
"#;

const WHOLE_GCS: &str = r#"
type: GCS
config:
  bucket: "b"
  service_account: ""
  use_grpc: false
  grpc_conn_pool_size: 0
  http_config:
    idle_conn_timeout: 0s
  chunk_size_bytes: 0
  max_retries: 0
prefix: ""
"#;

#[test]
fn all_keys_of_thanos_are_known() {
    let config = parse(WHOLE_S3).unwrap();
    assert_eq!(config.prefix, "p/q");
    let s3 = s3_of(WHOLE_S3);
    assert_eq!(s3.secret_key.expose(), "hush-key");
    assert_eq!(s3.http_config.max_requests(), Some(7));
    assert_eq!(s3.http_config.idle_conn_timeout.0, Duration::from_secs(90));
    let opened = config.open().unwrap();
    assert_eq!((&*opened.name, opened.prefix.as_ref()), ("s3://b", "p/q"));
    assert_eq!(opened.max_requests, Some(7));
    assert_eq!(parse(WHOLE_AZURE).unwrap().open().unwrap().name, "az://c");
    assert!(matches!(
        parse(WHOLE_GCS).unwrap().provider,
        Provider::Gcs(_)
    ));
    let dir = tempfile::tempdir().unwrap();
    let text = format!("type: filesystem\nconfig:\n  directory: {:?}\n", dir.path());
    assert_eq!(parse(&text).unwrap().open().unwrap().name, "filesystem");
}

#[test]
fn what_is_not_said_is_as_in_thanos() {
    let config = s3_of(&s3(""));
    assert_eq!(config.bucket_lookup_type, Lookup::Auto);
    assert_eq!(config.http_config, http::HttpConfig::default());
    assert_eq!(config.part_size, 64 << 20);
    let config = s3_of(&s3("  bucket_lookup_type: virtual-hosted\n"));
    assert_eq!(config.bucket_lookup_type, Lookup::VirtualHosted);
}

#[test]
fn what_is_wrong_is_an_error_that_says_what() {
    for (text, why) in [
        ("", "type: is missing"),
        ("[]", "configuration of the bucket"),
        ("type: S3", "bucket: is missing"),
        ("type: COS\nconfig: {}", "type COS is not supported"),
        ("type: S3\nkonfig: {}", "konfig"),
        ("type: S3\nconfig:\n  bucket: b\n", "endpoint: is missing"),
        (&s3("  buket: x\n"), "buket"),
        (&s3("  http_config:\n    nothing: 1\n"), "nothing"),
        (
            &s3("  http_config:\n    tls_config:\n      nothing: 1\n"),
            "nothing",
        ),
        (&s3("  http_config:\n    idle_conn_timeout: soon\n"), "soon"),
        (&s3("  bucket_lookup_type: dns\n"), "dns"),
        (&s3("  signature_version2: true\n"), "signature_version2"),
        (&s3("  list_objects_version: v1\n"), "list_objects_version"),
        (&s3("  list_objects_version: v3\n"), "v3"),
        (&s3("  access_key: a\n"), "access_key and secret_key"),
        (&s3("  sse_config:\n    type: SSE-X\n"), "SSE-X"),
        (&s3("  sse_config:\n    type: SSE-C\n"), "encryption_key"),
        (
            &s3("  http_config:\n    tls_config:\n      cert_file: x\n"),
            "a certificate needs its key",
        ),
        (
            "type: GCS\nconfig:\n  bucket: b\n  use_grpc: true\n",
            "use_grpc",
        ),
        ("type: FILESYSTEM\nconfig: {}", "directory: is missing"),
        ("type: FILESYSTEM\nconfig:\n  dir: x\n", "dir"),
        ("type: AZURE\nconfig:\n  container: c\n", "storage_account"),
        (
            "type: AZURE\nconfig:\n  container: c\n  storage_account: a\n  client_id: x\n",
            "together",
        ),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(why), "{text}\n{error}");
    }
}

#[test]
fn files_that_are_missing_are_errors_when_the_bucket_is_opened() {
    for (text, file) in [
        (
            s3("  http_config:\n    tls_config:\n      ca_file: /no/ca\n"),
            "/no/ca",
        ),
        (
            s3("  sse_config:\n    type: SSE-C\n    encryption_key: /no/key\n"),
            "/no/key",
        ),
        (
            "type: FILESYSTEM\nconfig:\n  directory: /no/dir\n".to_string(),
            "/no/dir",
        ),
    ] {
        let error = parse(&text).unwrap().open().unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
    }
    let error = BucketConfig::read(Path::new("/no/config.yml")).unwrap_err();
    assert!(error.to_string().contains("/no/config.yml"), "{error}");
}

#[test]
fn nothing_shows_a_secret() {
    let account = WHOLE_AZURE.replace("aHVzaA==", "hush");
    let google = WHOLE_GCS.replace("service_account: \"\"", "service_account: '{\"hush\": 1}'");
    for text in [WHOLE_S3, &account, &google] {
        let config = parse(text).unwrap();
        let shown = format!("{config:?}");
        assert!(
            !shown.contains("hush") && shown.contains("<secret>"),
            "{shown}"
        );
        match config.open() {
            Ok(opened) => assert!(!format!("{opened:?}").contains("hush")),
            Err(error) => assert!(!error.to_string().contains("hush"), "{error}"),
        }
    }
    for bad in ["[hush]", "{hush: 1}", "!!binary hush", "1234567"] {
        let text = WHOLE_S3.replace("\"hush-key\"", bad);
        if let Err(error) = parse(&text) {
            let error = format!("{error} {error:?}");
            assert!(
                !error.contains("hush") && !error.contains("1234567"),
                "{error}"
            );
        }
    }
    // A text that is no YAML is not shown either.
    let text = WHOLE_S3.replace("part_size: 67108864", "part_size: [");
    let error = parse(&text).unwrap_err().to_string();
    assert!(!error.contains("hush"), "{error}");
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic(text in ".{0,200}") {
        let _ = parse(&text);
        let _ = parse(&s3(&text));
    }

    #[test]
    fn changed_configurations_are_read_or_refused(at in 0usize..1500, with in "[a-z:{}\\[\\]\"#\n -]{0,4}") {
        let at = (0..=at.min(WHOLE_S3.len())).rev().find(|&at| WHOLE_S3.is_char_boundary(at)).unwrap_or(0);
        let text = format!("{}{with}{}", &WHOLE_S3[..at], &WHOLE_S3[at..]);
        if let Err(error) = parse(&text) {
            let error = error.to_string();
            prop_assert!(!error.contains("hush-") || with.contains("hush"), "{}", error);
        }
    }
}
