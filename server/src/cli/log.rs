//! Log lines as Prometheus writes them: logfmt or JSON, to stderr.

use std::fmt::{self, Write as _};

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::json;
use crate::time::{Moment, format_ms};

/// The lowest level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// The format of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Logfmt,
    Json,
}

/// Starts logging.
pub(super) fn start(level: LogLevel, format: LogFormat) {
    let filter = match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .event_format(Lines { format })
        .finish();
    // Only a test can have set a subscriber before.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

struct Lines {
    format: LogFormat,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let time = format_ms(Moment::now().storage_ms());
        writer.write_str(&line(
            self.format,
            &time,
            *event.metadata().level(),
            &fields,
        ))?;
        writer.write_char('\n')
    }
}

/// The message and its fields.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: String) {
        match field.name() {
            "message" => self.message = value,
            name => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.to_string());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

fn line(format: LogFormat, time: &str, level: Level, fields: &Fields) -> String {
    let level = level.as_str();
    match format {
        LogFormat::Logfmt => {
            let mut out = format!("time={time} level={level} msg={}", value(&fields.message));
            for (name, text) in &fields.others {
                // Writing into a string can't fail.
                let _ = write!(out, " {name}={}", value(text));
            }
            out
        }
        LogFormat::Json => {
            let mut out = Vec::new();
            let all = [("time", time), ("level", level), ("msg", &fields.message)];
            let others = fields
                .others
                .iter()
                .map(|(name, text)| (*name, text.as_str()));
            for (i, (name, text)) in all.into_iter().chain(others).enumerate() {
                out.push(if i == 0 { b'{' } else { b',' });
                json::string(&mut out, name);
                out.push(b':');
                json::string(&mut out, text);
            }
            out.push(b'}');
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

/// A value, in quotes if it needs them.
fn value(text: &str) -> String {
    let plain = !text.is_empty()
        && !text.contains(|c: char| c <= ' ' || matches!(c, '"' | '=' | '\\') || c.is_control());
    if plain {
        text.to_string()
    } else {
        quarrel_functions::fmt::quote(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_logfmt_or_json() {
        let fields = Fields {
            message: "Listening on \"x\"".into(),
            others: vec![
                ("address", "127.0.0.1:9090".into()),
                ("empty", String::new()),
            ],
        };
        let time = "2023-11-15T01:20:00Z";
        insta::assert_snapshot!(
            line(LogFormat::Logfmt, time, Level::INFO, &fields),
            @r#"time=2023-11-15T01:20:00Z level=INFO msg="Listening on \"x\"" address=127.0.0.1:9090 empty="""#
        );
        let text = line(LogFormat::Json, time, Level::WARN, &fields);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["level"], "WARN");
        assert_eq!(value["msg"], "Listening on \"x\"");
        assert_eq!(value["address"], "127.0.0.1:9090");
    }
}
