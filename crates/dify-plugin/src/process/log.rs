//! Sends `tracing` events to the daemon's log, and those of this library to stderr.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use dify_plugin_protocol::{LogData, LogLevel};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::current::Current;

/// The longest message of a log record, in bytes. The daemon takes 5 MiB, but prints each record as one line.
const MESSAGE_BYTES: usize = 16 * 1024;

/// Sends the program's events to the daemon through the current connection, and those of this library to stderr, which the
/// daemon logs as well. Does nothing if the program has installed a subscriber of its own.
pub(crate) fn install(current: Current, filter: Targets) {
    // An error means that the program has installed its own subscriber.
    let _ = subscriber(current, filter).try_init();
}

fn subscriber(current: Current, filter: Targets) -> impl Subscriber + Send + Sync {
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // The daemon adds the time to each line.
        .without_time()
        .with_filter(filter.clone().and(filter_fn(is_ours)));
    let records = Records { current }.with_filter(filter.and(filter_fn(|metadata| !is_ours(metadata))));
    tracing_subscriber::registry().with(stderr).with(records)
}

/// Returns whether an event is from this library: one about the connection must not be sent over the connection.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let krate = target.split("::").next().unwrap_or(target);
    ["dify_plugin", "dify_plugin_app", "dify_plugin_invoke", "dify_plugin_session", "dify_plugin_protocol"]
        .contains(&krate)
}

/// A layer that turns events into `log` records.
struct Records {
    current: Current,
}

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        // Never waits: if the pipe is full, the record is dropped and counted.
        self.current.log(&LogData {
            level: level(event.metadata().level()),
            message: text.finish(),
            timestamp: seconds_since_epoch(),
        });
    }
}

fn level(level: &Level) -> LogLevel {
    match *level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warning,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

#[expect(clippy::disallowed_methods, reason = "the timestamp of a log record is wall time")]
fn seconds_since_epoch() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The message of an event, followed by its fields as `name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(mut self) -> String {
        if self.message.is_empty() {
            self.message = self.fields.trim_start().to_owned();
        } else {
            self.message.push_str(&self.fields);
        }
        let length = self.message.len();
        if length > MESSAGE_BYTES {
            self.message.truncate(self.message.floor_char_boundary(MESSAGE_BYTES));
            let _ = write!(self.message, "… ({length} bytes in all)");
        }
        self.message
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value}"),
            name => write!(self.fields, " {name}={value}"),
        };
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
