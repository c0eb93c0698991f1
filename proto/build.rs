//! Clients and servers of the services, made by tonic's own generator from a
//! list of their methods, so that neither protoc nor `.proto` files are needed.

use std::path::{Path, PathBuf};

use tonic_build::manual::{Builder, Method, Service};

/// A method: its name, the types of its messages, and whether its answer is a
/// stream.
#[derive(Clone, Copy)]
struct Call {
    name: &'static str,
    input: &'static str,
    output: &'static str,
    streams: bool,
}

const fn call(name: &'static str, input: &'static str, output: &'static str) -> Call {
    Call {
        name,
        input,
        output,
        streams: false,
    }
}

const fn stream(name: &'static str, input: &'static str, output: &'static str) -> Call {
    Call {
        name,
        input,
        output,
        streams: true,
    }
}

/// Package, service, and methods; messages by their path in this crate.
const SERVICES: [(&str, &str, &[Call]); 8] = [
    (
        "thanos.info",
        "Info",
        &[call("Info", "info::InfoRequest", "info::InfoResponse")],
    ),
    (
        "thanos",
        "Store",
        &[
            stream("Series", "store::SeriesRequest", "store::SeriesResponse"),
            call(
                "LabelNames",
                "store::LabelNamesRequest",
                "store::LabelNamesResponse",
            ),
            call(
                "LabelValues",
                "store::LabelValuesRequest",
                "store::LabelValuesResponse",
            ),
        ],
    ),
    (
        "thanos",
        "Query",
        &[
            stream("Query", "query::QueryRequest", "query::QueryResponse"),
            stream(
                "QueryRange",
                "query::QueryRangeRequest",
                "query::QueryRangeResponse",
            ),
        ],
    ),
    (
        "thanos",
        "Rules",
        &[stream(
            "Rules",
            "rules::RulesRequest",
            "rules::RulesResponse",
        )],
    ),
    (
        "thanos",
        "Targets",
        &[stream(
            "Targets",
            "targets::TargetsRequest",
            "targets::TargetsResponse",
        )],
    ),
    (
        "thanos",
        "Metadata",
        &[stream(
            "MetricMetadata",
            "metadata::MetricMetadataRequest",
            "metadata::MetricMetadataResponse",
        )],
    ),
    (
        "thanos",
        "Exemplars",
        &[stream(
            "Exemplars",
            "exemplars::ExemplarsRequest",
            "exemplars::ExemplarsResponse",
        )],
    ),
    (
        "grpc.health.v1",
        "Health",
        &[
            call(
                "Check",
                "health::HealthCheckRequest",
                "health::HealthCheckResponse",
            ),
            stream(
                "Watch",
                "health::HealthCheckRequest",
                "health::HealthCheckResponse",
            ),
        ],
    ),
];

/// Services whose streams may also be of encoded messages: a server has encoded them
/// before, a client reads them itself.
const ENCODED: [&str; 2] = ["Store", "Query"];

/// `LabelNames` as Rust writes it: `label_names`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// A service with its methods.
fn service(package: &str, name: &str, calls: &[Call]) -> Service {
    let service = Service::builder().package(package).name(name);
    calls
        .iter()
        .fold(service, |service, call| {
            let method = Method::builder()
                .name(snake_case(call.name))
                .route_name(call.name)
                .input_type(format!("crate::{}", call.input))
                .output_type(format!("crate::{}", call.output))
                .codec_path("::tonic_prost::ProstCodec");
            let method = if call.streams {
                method.server_streaming()
            } else {
                method
            };
            service.method(method.build())
        })
        .build()
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let all = SERVICES.map(|(package, name, calls)| service(package, name, calls));
    Builder::new().compile(&all);
    let encoded: Vec<Service> = SERVICES
        .iter()
        .filter(|(_, name, _)| ENCODED.contains(name))
        .map(|(package, name, calls)| {
            let output = |call: &Call| match call.streams {
                true => "encoded::Encoded",
                false => call.output,
            };
            let calls = calls.iter().map(|call| Call {
                output: output(call),
                ..*call
            });
            service(package, name, &calls.collect::<Vec<_>>())
        })
        .collect();
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let folder = out.as_deref().unwrap_or(Path::new("")).join("encoded");
    std::fs::create_dir_all(&folder).expect("a folder for generated code");
    Builder::new().out_dir(folder).compile(&encoded);
}
