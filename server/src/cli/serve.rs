//! `quarrel serve`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::future::BoxFuture;
use quarrel_matchers::Regex;
use quarrel_storage::tsdb::TsdbOptions;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::bucket::BucketArgs;
use super::data;
use super::external_label::ExternalLabel;
use super::failure::{Failure, Outcome};
use super::grpc::{GrpcArgs, Shared};
use super::log::{self, LogFormat, LogLevel};
use super::options::{EngineArgs, Span};
use super::read_limits::ReadLimitArgs;
use super::remote_read::RemoteReadArgs;
use super::stores::StoreArgs;
#[cfg(feature = "otlp")]
use super::traces::TracingArgs;
use crate::api::{Api, ApiOptions, BodyBudget, PooledBudget, router};
use crate::grpc::{self, Grpc};
use crate::http::{self, HttpOptions};
use crate::memory;
use crate::net::IoRuntime;
use crate::source::Source;
use crate::stores::Stores;
#[cfg(not(feature = "otlp"))]
use crate::trace::Tracer;
use crate::web_config::WebConfig;

/// How long running requests may continue after SIGTERM.
const GRACE: Duration = Duration::from_secs(30);
/// What the bodies of all requests may hold, bytes.
const BODIES: usize = 64 << 20;

/// Arguments of `quarrel serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// Prometheus data directory. Without one, endpoints, servers of remote read and a
    /// bucket, the bundled demo data is used. Can be repeated.
    #[arg(long, short, value_name = "DIR")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    stores: StoreArgs,
    #[command(flatten)]
    remote_read: RemoteReadArgs,
    #[command(flatten)]
    read_limits: ReadLimitArgs,
    #[command(flatten)]
    bucket: BucketArgs,
    /// Address to listen on. Can be repeated.
    #[arg(
        long = "listen",
        visible_alias = "web.listen-address",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9090"
    )]
    listen: Vec<String>,
    /// Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\.com'
    #[arg(long = "web.cors.origin", value_name = "REGEX", default_value = ".*", value_parser = parse_regex)]
    cors_origin: Regex,
    /// File with TLS, basic authentication, headers and the rate of requests, in the
    /// format of Prometheus's web configuration.
    #[arg(long = "web.config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Maximum duration before timing out read of the request, and closing idle
    /// connections; of gRPC, too.
    #[arg(
        long = "web.read-timeout",
        value_name = "DURATION",
        default_value = "5m"
    )]
    read_timeout: Span,
    /// Maximum duration for which a client may accept nothing of its answer before its
    /// connection is closed; of gRPC, before its call ends.
    #[arg(
        long = "web.write-timeout",
        value_name = "DURATION",
        default_value = "1m"
    )]
    write_timeout: Span,
    /// Maximum number of simultaneous connections across all listeners; as many again
    /// of gRPC.
    #[arg(
        long = "web.max-connections",
        value_name = "N",
        default_value = "512",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    max_connections: u32,
    /// External label that all series of the data directory get, such as
    /// 'cluster="eu"'. Can be repeated. Thanos sends queries only to those that have one.
    #[arg(long = "label", value_name = "NAME=\"VALUE\"")]
    labels: Vec<ExternalLabel>,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    grpc: GrpcArgs,
    #[cfg(feature = "otlp")]
    #[command(flatten)]
    tracing: TracingArgs,
    /// Only log messages with the given severity or above.
    #[arg(
        long = "log.level",
        value_name = "LEVEL",
        default_value = "info",
        help_heading = "Log options"
    )]
    log_level: LogLevel,
    /// Output format of log messages.
    #[arg(
        long = "log.format",
        value_name = "FORMAT",
        default_value = "logfmt",
        help_heading = "Log options"
    )]
    log_format: LogFormat,
}

fn parse_regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

pub(super) async fn run(args: ServeArgs) -> Outcome {
    log::start(args.log_level, args.log_format);
    let features = args.engine.features();
    for message in &features.enabled {
        tracing::info!("{message}");
    }
    for message in &features.warnings {
        tracing::warn!("{message}");
    }
    let dirs = match &*args.data {
        [] if args.stores.any_endpoint() || args.remote_read.any() || args.bucket.is_used() => {
            Vec::new()
        }
        [] => vec![data::demo_dir()?],
        dirs => dirs.to_vec(),
    };
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(version, data = shown(&dirs), "Starting quarrel");
    let engine = args.engine.engine(&features)?;
    let bodies = PooledBudget::new(BODIES, &engine.options().memory_pool);
    let bodies: Arc<dyn BodyBudget> = Arc::new(bodies);
    #[cfg(feature = "otlp")]
    let tracer = args.tracing.start()?;
    #[cfg(not(feature = "otlp"))]
    let tracer = Tracer::default();
    let options = ApiOptions {
        tracer: tracer.clone(),
        cors_origin: args.cors_origin.clone(),
        read_timeout: args.read_timeout.duration(),
        query_cost: features.query_cost,
        search: features.search,
        tenancy: args.stores.tenancy(),
        runtime: Handle::current(),
        bodies: Arc::clone(&bodies),
        remote_read: args.read_limits.limits(),
        flags: flags(&args, &dirs),
    };
    tokio::spawn(memory::watch(engine.clone()));
    let api = Arc::new(Api::new(engine, options));
    let web = web_config(args.config_file.as_deref())?;
    let http = IoRuntime::start("quarrel-http").map_err(Failure::new)?;
    let listening = http.run(listen(args.listen.clone())).await;
    let listeners = listening.map_err(Failure::new)??;
    let (stopper, stopped) = watch::channel(false);
    let calling = serve_grpc(&args, &api, &bodies, stopped).await?;
    let stopping = Arc::clone(&api);
    let options = HttpOptions {
        read_timeout: args.read_timeout.duration(),
        write_timeout: args.write_timeout.duration(),
        max_connections: args.max_connections as usize,
        grace: GRACE,
        budget: bodies,
        web,
    };
    // Signals are waited for where no query can hold up the thread.
    let stop = async move {
        stop_signal().await;
        tracing::info!("Stopping, waiting for running requests");
        stopping.stop();
        // Nobody waits for it where there is no gRPC.
        let _ = stopper.send(true);
    };
    let router = router(Arc::clone(&api));
    let serving = http.run(http::serve(listeners, router, options, stop));
    let opening = async {
        let source = source(&args, &api, &dirs).await?;
        api.set_source(args.stores.of_tenants(source));
        tracing::info!("Server is ready to receive web requests.");
        // The program ends when the server ends.
        std::future::pending::<Outcome>().await
    };
    let serving = async {
        let (served, called) = tokio::join!(serving, calling);
        served.and(called).map_err(Failure::new)
    };
    tokio::select! {
        served = serving => served?,
        failed = opening => return failed,
    }
    // The last spans may take their time to be sent. What panics there has sent what
    // it could.
    let _ = tokio::task::spawn_blocking(move || tracer.stop()).await;
    tracing::info!("See you next time!");
    Ok(())
}

/// Opens what is read.
async fn source(args: &ServeArgs, api: &Api, dirs: &[PathBuf]) -> Result<Arc<dyn Source>, Failure> {
    let mut options = TsdbOptions::default();
    options.reads_tables = true;
    let mut directories = Vec::with_capacity(dirs.len());
    for dir in dirs {
        directories.push(data::open(dir, options.clone()).await?);
    }
    let labels = external_labels(args);
    let bucket = args.bucket.open()?;
    if let Some(bucket) = &bucket
        && let Err(error) = bucket.ready().await
    {
        // It is tried again; queries tell of it meanwhile.
        tracing::error!(%error, "The bucket cannot be listed");
    }
    if let [tsdb] = &*directories {
        api.set_tsdb(Arc::clone(tsdb), labels.clone());
        if !args.stores.is_used() && !args.remote_read.any() && bucket.is_none() {
            let single = Stores::labeled(Arc::clone(tsdb) as _, labels);
            return Ok(Arc::new(single.map_err(Failure::new)?));
        }
    }
    let local = directories.into_iter().map(|tsdb| tsdb as _).collect();
    let stores = args.stores.open(local, labels, &args.remote_read)?;
    Ok(Arc::new(stores.with_bucket(bucket)))
}

fn shown(dirs: &[PathBuf]) -> String {
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    dirs.join(",")
}

/// The labels of `--label`.
fn external_labels(args: &ServeArgs) -> Vec<(String, String)> {
    let labels = args.labels.iter();
    labels
        .map(|label| (label.name.clone(), label.value.clone()))
        .collect()
}

/// Listens for gRPC, if that is wanted. The future serves until the stop.
async fn serve_grpc(
    args: &ServeArgs,
    api: &Arc<Api>,
    bodies: &Arc<dyn BodyBudget>,
    mut stopped: watch::Receiver<bool>,
) -> Result<BoxFuture<'static, io::Result<()>>, Failure> {
    let Some(address) = args.grpc.address.clone() else {
        return Ok(Box::pin(std::future::ready(Ok(()))));
    };
    let options = args.grpc.options(Shared {
        read_timeout: args.read_timeout.duration(),
        write_timeout: args.write_timeout.duration(),
        max_connections: args.max_connections as usize,
        budget: Arc::clone(bodies),
    })?;
    if args.labels.is_empty() && !args.stores.any_endpoint() && !args.bucket.is_used() {
        tracing::warn!(
            "There is no --label. Thanos Query in distributed mode sends no query to an \
             endpoint without an external label, and answers as if it had no data"
        );
    }
    let service = Arc::new(Grpc::new(Arc::clone(api), args.grpc.limits()));
    let runtime = IoRuntime::start("quarrel-grpc").map_err(Failure::new)?;
    let listening = runtime.run(listen(vec![address])).await;
    let listeners = listening.map_err(Failure::new)??;
    Ok(Box::pin(async move {
        let stop = async move {
            // A sender that is gone means the same.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let serving = grpc::serve(listeners, service, options, stop);
        runtime.run(serving).await
    }))
}

fn web_config(path: Option<&Path>) -> Result<Option<Arc<WebConfig>>, Failure> {
    // As in Prometheus, an empty path is none.
    let path = path.filter(|path| !path.as_os_str().is_empty());
    let opened = path.map(|path| {
        WebConfig::open(path).map_err(|error| {
            let path = path.display();
            Failure::new(format_args!("--web.config.file {path}: {error}"))
        })
    });
    let web = opened.transpose()?;
    match web.as_ref().is_some_and(WebConfig::has_tls) {
        true => tracing::info!("TLS is enabled."),
        false => tracing::info!("TLS is disabled."),
    }
    Ok(web.map(Arc::new))
}

/// Waits for SIGTERM or SIGINT. A second signal ends the process.
async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        // Without signals there is no graceful stop.
        return std::future::pending().await;
    };
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::warn!(
        signal = name,
        "Received an OS signal, exiting gracefully..."
    );
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(1);
    });
}

/// Binds all addresses; an address without a host means all interfaces.
async fn listen(addresses: Vec<String>) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::new();
    for address in addresses {
        let full = if address.starts_with(':') {
            format!("0.0.0.0{address}")
        } else {
            address.clone()
        };
        let listener = TcpListener::bind(&full).await;
        let listener = listener.map_err(|error| {
            Failure::new(format_args!("unable to listen on {address}: {error}"))
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "Listening on");
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The answer of `status/flags`.
fn flags(args: &ServeArgs, dirs: &[PathBuf]) -> BTreeMap<String, String> {
    let labels: Vec<String> = args.labels.iter().map(ToString::to_string).collect();
    let config_file = args.config_file.as_ref();
    let config_file = config_file.map(|path| path.display().to_string());
    let own = [
        ("data", shown(dirs)),
        ("label", labels.join(",")),
        ("web.listen-address", args.listen.join(",")),
        ("web.config.file", config_file.unwrap_or_default()),
        ("web.cors.origin", args.cors_origin.pattern().to_string()),
        ("web.read-timeout", args.read_timeout.to_string()),
        ("web.write-timeout", args.write_timeout.to_string()),
        ("web.max-connections", args.max_connections.to_string()),
        ("log.level", format!("{:?}", args.log_level).to_lowercase()),
        (
            "log.format",
            format!("{:?}", args.log_format).to_lowercase(),
        ),
    ];
    #[cfg(feature = "otlp")]
    let own = own.into_iter().chain(args.tracing.flags());
    let all = own
        .into_iter()
        .chain(args.grpc.flags())
        .chain(args.stores.flags())
        .chain(args.remote_read.flags())
        .chain(args.read_limits.flags())
        .chain(args.bucket.flags())
        .chain(args.engine.flags());
    all.map(|(name, value)| (name.to_string(), value)).collect()
}
