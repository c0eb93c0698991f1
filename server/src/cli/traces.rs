//! Where the traces of `quarrel serve` go to, with the options of Thanos.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::trace::Tracer;

/// Arguments about traces.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Tracing options")]
pub(super) struct TracingArgs {
    /// Where traces go to: YAML in the format of Thanos, with the type OTLP. Without it,
    /// OTEL_EXPORTER_OTLP_ENDPOINT and its like say so.
    #[arg(
        long = "tracing.config",
        value_name = "CONTENT",
        conflicts_with = "tracing_config_file"
    )]
    tracing_config: Option<String>,
    /// File with the same.
    #[arg(long = "tracing.config-file", value_name = "FILE")]
    tracing_config_file: Option<PathBuf>,
}

impl TracingArgs {
    /// Begins to trace, if that is wanted.
    pub(super) fn start(&self) -> Result<Tracer, Failure> {
        let path = self.tracing_config_file.as_ref();
        let path = path.filter(|path| !path.as_os_str().is_empty());
        let text = match path {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                Some(text.map_err(|error| {
                    let path = path.display();
                    Failure::new(format_args!("--tracing.config-file {path}: {error}"))
                })?)
            }
            None => self
                .tracing_config
                .clone()
                .filter(|text| !text.trim().is_empty()),
        };
        Tracer::start(text.as_deref()).map_err(Failure::new)
    }

    /// Names and values, for `status/flags`. What holds secrets is not shown.
    pub(super) fn flags(&self) -> [(&'static str, String); 2] {
        let path = self.tracing_config_file.as_ref();
        let config = self.tracing_config.as_ref().map(|_| "<secret>".to_string());
        [
            ("tracing.config", config.unwrap_or_default()),
            (
                "tracing.config-file",
                path.map(|path| path.display().to_string())
                    .unwrap_or_default(),
            ),
        ]
    }
}
