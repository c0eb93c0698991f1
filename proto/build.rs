//! Clients and servers of the services, made by tonic's own generator from a
//! list of their methods, so that neither protoc nor `.proto` files are needed.

use tonic_build::manual::{Builder, Method, Service};

/// A method: its name, the types of its messages, and whether its answer is a
/// stream.
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
const SERVICES: [(&str, &str, &[Call]); 7] = [
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
];

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

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let services: Vec<Service> = SERVICES
        .iter()
        .map(|(package, name, calls)| {
            let service = Service::builder().package(*package).name(*name);
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
        })
        .collect();
    Builder::new().compile(&services);
}
