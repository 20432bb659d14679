//! Where the lines of the server go: text or JSON to standard error, or the journal of systemd.
//!
//! Each job that has left the spool is one line, whose values are fields of their own in JSON and in the journal. What is at fault
//! with the server's own start is always said in text, by whoever starts it.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use clap::ValueEnum;
use spoolsuite::model::printable::escaped;
use spoolsuite::model::summary::JobSummary;
use spoolsuite::server::served::{Log, Told};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Lines for people, on standard error
    Text,
    /// A JSON object a line, on standard error
    Json,
    /// Entries with fields in the journal of systemd
    Journal,
}

/// The names of our own fields begin with it in the journal.
const PREFIX: &str = "PD";

/// Begins the log. Returns what takes its lines, and what takes the jobs that are over.
///
/// A journal that is asked for and is not there is an error; one that is only found to be our standard error is not: the lines go to it as
/// text, by way of standard error.
pub fn begin(asked: Option<Form>) -> anyhow::Result<(Log, Told)> {
    let is_journal = std::env::var("JOURNAL_STREAM").is_ok_and(|stream| is_our_stderr(&stream));
    let form = match asked {
        Some(form) => form,
        None if is_journal => Form::Journal,
        None => Form::Text,
    };
    let form = match form {
        Form::Text => Form::Text,
        Form::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_target(false)
                .with_writer(std::io::stderr);
            tracing_subscriber::registry().with(lines).try_init()?;
            Form::Json
        }
        Form::Journal => match tracing_journald::layer() {
            Ok(journal) => {
                let journal = journal.with_field_prefix(Some(PREFIX.to_owned()));
                tracing_subscriber::registry()
                    .with(journal.with_syslog_identifier("pdserver".to_owned()))
                    .try_init()?;
                Form::Journal
            }
            Err(error) if asked.is_some() => return Err(anyhow::anyhow!("--log journal: {error}")),
            Err(_) => Form::Text,
        },
    };
    if form == Form::Text {
        let line = |text: &str| eprintln!("pdserver: {}", escaped(text));
        return Ok((Arc::new(line), Arc::new(move |summary| line(&summary.words()))));
    }
    Ok((Arc::new(|text| tracing::info!("{}", escaped(text))), Arc::new(tell)))
}

fn tell(summary: &JobSummary) {
    tracing::info!(
        job = %summary.job,
        owner = summary.owner,
        queue = summary.queue,
        device = summary.device,
        octets = summary.octets,
        pages = summary.pages,
        outcome = summary.outcome,
        waiting_seconds = seconds(summary.waiting_ms),
        printing_seconds = seconds(summary.printing_ms),
        "{}",
        summary.words()
    );
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// Tells whether standard error is the stream that `DEVICE:INODE` names.
fn is_our_stderr(stream: &str) -> bool {
    let found = std::fs::metadata("/proc/self/fd/2");
    found.is_ok_and(|meta| stream == format!("{}:{}", meta.dev(), meta.ino()))
}
