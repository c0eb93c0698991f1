//! Runs scripts.

use std::path::Path;

use super::error::RemoteError;
use super::eval::{self, Verdict};
use super::options::RemoteOptions;
use super::request::WriteVersion;
use super::reset;
use super::write::{Writer, Written};
use crate::endpoint::Endpoint;
use crate::loaded::{LoadedSeries, expand};
use crate::run::{Failure, FileSummary, Skipped, Summary};
use crate::script::{self, CommandKind, Load};

/// Runs files of scripts on an endpoint. A file that cannot be read is a
/// failure.
///
/// # Errors
/// [`RemoteError`] if the endpoint cannot be made fresh, or does not answer when
/// samples are sent.
pub async fn run_remote<P: AsRef<Path>>(
    paths: &[P],
    endpoint: &Endpoint,
    options: &RemoteOptions,
) -> Result<Summary, RemoteError> {
    let mut runner = Runner {
        endpoint,
        options,
        writer: Writer {
            endpoint: endpoint.clone(),
            url: options.write_url.clone(),
            version: options.write_version,
            shift_ms: options.shift_ms,
        },
        data: Data {
            // Nobody knows what it has.
            stale: options.reset.is_some(),
            ..Data::default()
        },
    };
    let mut summary = Summary::default();
    for path in paths {
        let name = path.as_ref().display().to_string();
        let mut file = FileSummary::new(&name);
        match std::fs::read_to_string(path.as_ref()) {
            Ok(text) => runner.file(&text, &mut file).await?,
            Err(error) => file.failures.push(failure(0, error.to_string())),
        }
        summary.files.push(file);
    }
    Ok(summary)
}

fn failure(line: usize, text: String) -> Failure {
    Failure {
        line,
        query: None,
        details: vec![text],
    }
}

struct Runner<'a> {
    endpoint: &'a Endpoint,
    options: &'a RemoteOptions,
    writer: Writer,
    data: Data,
}

/// What the endpoint has.
#[derive(Default)]
struct Data {
    /// Whether it may have samples that the script has not.
    stale: bool,
    /// Whether it has any samples.
    any: bool,
    /// All samples that it must have, and how many series of these it has.
    loaded: Vec<LoadedSeries>,
    sent: usize,
    /// Why it has not what it must have.
    lacks: Option<String>,
}

impl Data {
    /// Begins without data.
    fn clear(&mut self) {
        *self = Data {
            stale: self.stale || self.any,
            any: self.any,
            ..Data::default()
        };
    }
}

impl Runner<'_> {
    async fn file(&mut self, text: &str, summary: &mut FileSummary) -> Result<(), RemoteError> {
        self.data.clear();
        let script = match script::parse(text) {
            Ok(script) => script,
            Err(error) => {
                summary.failures.push(failure(error.line, error.message));
                return Ok(());
            }
        };
        for command in script.commands {
            match command.kind {
                CommandKind::Clear => self.data.clear(),
                CommandKind::Load(load) => {
                    if let Err((line, text)) = self.load(&load) {
                        let text = format!("load failed: {text}");
                        summary.failures.push(failure(line, text));
                        return Ok(());
                    }
                }
                CommandKind::Eval(eval) => {
                    self.send().await?;
                    let verdict = match &self.data.lacks {
                        Some(reason) => Verdict::Skipped(reason.clone()),
                        None => eval::run(&eval, self.endpoint, self.options).await,
                    };
                    match verdict {
                        Verdict::Passed => summary.passed += 1,
                        Verdict::Failed(details) => summary.failures.push(Failure {
                            line: command.line,
                            query: Some(eval.query.clone()),
                            details,
                        }),
                        Verdict::Skipped(reason) => summary.skipped.push(Skipped {
                            line: command.line,
                            query: eval.query.clone(),
                            reason,
                        }),
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes samples, which are sent when they are needed: several loads together
    /// are in order of time.
    fn load(&mut self, load: &Load) -> Result<(), (usize, String)> {
        let series = expand(load, 0).map_err(|(line, error)| (line, error.to_string()))?;
        let starts = series.iter().flat_map(|series| &series.samples);
        let starts = starts.filter(|sample| sample.start_ms != 0).count();
        if starts > 0 && self.options.write_version == WriteVersion::V1 {
            let reason = "remote write 1.0 has no start timestamps";
            self.data.lacks.get_or_insert(reason.into());
        }
        self.data.loaded.extend(series);
        Ok(())
    }

    /// Sends what was not sent yet.
    async fn send(&mut self) -> Result<(), RemoteError> {
        if self.data.lacks.is_some() {
            return Ok(());
        }
        if self.data.stale && !self.fresh().await? {
            let reason = "the endpoint has other data, and there is no --reset";
            self.data.lacks = Some(reason.into());
            return Ok(());
        }
        if self.data.sent == self.data.loaded.len() {
            return Ok(());
        }
        let mut written = self.write(self.data.sent).await?;
        // Among what was there already it may have come too late.
        let again = matches!(written, Written::Refused(_)) && self.data.sent > 0;
        if again && self.fresh().await? {
            written = self.write(0).await?;
        }
        self.data.sent = self.data.loaded.len();
        match written {
            Written::Taken => tokio::time::sleep(self.options.settle).await,
            Written::Refused(text) => {
                self.data.lacks = Some(format!("the endpoint refuses samples: {text}"));
            }
        }
        Ok(())
    }

    async fn write(&mut self, from: usize) -> Result<Written, RemoteError> {
        self.data.any = true;
        self.writer.write(&self.data.loaded[from..]).await
    }

    /// Makes the endpoint fresh; false if it is not known how.
    async fn fresh(&mut self) -> Result<bool, RemoteError> {
        let Some(command) = &self.options.reset else {
            return Ok(false);
        };
        reset::reset(self.endpoint, command, self.options.ready_within).await?;
        (self.data.stale, self.data.any) = (false, false);
        Ok(true)
    }
}
