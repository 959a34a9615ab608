//! What a line from the plugin means (`pkg/entities/plugin_entities/event.go`, `internal/core/io_tunnel/generic.go`).

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::{
    ErrorData, LogData, LogLevel, MessageType, Outgoing, OutgoingEvent, SessionMessage,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::SessionFailure;
use crate::event::HostEvent;
use crate::reverse::{self, PreparedCall};
use crate::session::Session;
use crate::shared::Shared;

/// How much of a line is shown, in bytes.
const SHOWN_BYTES: usize = 1024;

impl Shared {
    /// Takes in one line of stdout. A reverse call in it is handed back, for the caller to run.
    pub(crate) fn take_line(&self, line: &[u8]) -> Option<PreparedCall> {
        self.sign_of_life();
        self.counters.lines.fetch_add(1, Ordering::Relaxed);
        // Go reads a byte that is no UTF-8 as U+FFFD, wherever JSON may have one.
        let line = String::from_utf8_lossy(line);
        let outgoing = match Outgoing::parse(&line) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                if line.trim() != "null" && !is_bare_manifest(&line) {
                    self.junk(&line, error.to_string());
                }
                return None;
            }
        };
        match &outgoing.event {
            OutgoingEvent::Session => return self.take_session_line(&line, &outgoing),
            OutgoingEvent::Heartbeat => {
                self.counters.heartbeats.fetch_add(1, Ordering::Relaxed);
                self.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
                self.tell(HostEvent::Heartbeat);
            }
            OutgoingEvent::Log => match read_log(outgoing.data) {
                Ok(log) => self.tell(HostEvent::Log(log)),
                Err(error) => self.junk(&line, format!("a log record of the wrong shape: {error}")),
            },
            OutgoingEvent::Error => {
                self.tell(HostEvent::ErrorEvent(
                    outgoing.data.map(RawValue::get).map(error_text).unwrap_or_default(),
                ));
            }
            unknown => self.junk(&line, format!("the event `{unknown}` is not known; the daemon ignores it")),
        }
        None
    }

    fn take_session_line(&self, line: &str, outgoing: &Outgoing<'_>) -> Option<PreparedCall> {
        let id = outgoing.session_id.as_deref().unwrap_or_default();
        let Some(session) = self.sessions.get(id) else {
            // Its reader left, or it has ended: an `end` after an `error` is of this kind.
            self.counters.unknown_sessions.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let message = match outgoing.data.map(SessionMessage::parse) {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                self.junk(line, format!("a session message the daemon drops: {error}"));
                return None;
            }
            None => {
                self.junk(line, "a session message without `data`; the daemon drops it".to_owned());
                return None;
            }
        };
        match &message.message_type {
            MessageType::Stream => {
                let answered = session.answer(
                    message.data.to_owned(),
                    self.config.answer_queue_bytes,
                    &self.counters.queued_bytes,
                    self.config.total_queue_bytes,
                );
                if let Err(failure) = answered {
                    self.finish(&session, Some(failure));
                }
            }
            MessageType::Invoke => return self.take_call(&session, message.data),
            MessageType::End => self.finish(&session, None),
            MessageType::Error => self.finish(&session, Some(read_error(message.data))),
            unknown => {
                let text = format!("unknown stream message type: {unknown}");
                let data = ErrorData::new("unknown_stream_message_type", text);
                self.finish(&session, Some(SessionFailure::Refused(data)));
            }
        }
        None
    }

    fn take_call(&self, session: &Arc<Session>, data: &RawValue) -> Option<PreparedCall> {
        match reverse::prepare(session, data, self.permission.as_ref()) {
            Ok(call) => {
                self.counters.reverse_calls.fetch_add(1, Ordering::Relaxed);
                Some(call)
            }
            Err(text) => {
                let data = ErrorData::new("invoke_dify_error", format!("invoke dify failed: {text}"));
                self.finish(session, Some(SessionFailure::Refused(data)));
                None
            }
        }
    }

    fn junk(&self, line: &str, reason: String) {
        self.counters.junk_lines.fetch_add(1, Ordering::Relaxed);
        self.tell(HostEvent::JunkLine { line: beginning(line).into_owned(), reason });
    }
}

/// The first thing the official SDK prints is its bare manifest, `{"version":…,"type":"plugin",…}`.
fn is_bare_manifest(line: &str) -> bool {
    #[derive(Deserialize)]
    struct Bare<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        event: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Bare<'_>>(line).is_ok_and(|bare| bare.kind == "plugin" && bare.event.is_none())
}

/// No field of a record is required (`internal/core/control_panel/logger.go`).
fn read_log(data: Option<&RawValue>) -> serde_json::Result<LogData> {
    #[derive(Deserialize)]
    struct Loose {
        level: Option<LogLevel>,
        message: Option<String>,
        timestamp: Option<f64>,
    }
    let log: Option<Loose> = data.map_or(Ok(None), |data| serde_json::from_str(data.get()))?;
    let log = log.unwrap_or(Loose { level: None, message: None, timestamp: None });
    Ok(LogData {
        level: match log.level {
            // The daemon knows more names than a plugin should use.
            Some(LogLevel::Unknown(name)) => match name.to_ascii_lowercase().as_str() {
                "debug" => LogLevel::Debug,
                "warn" | "warning" => LogLevel::Warning,
                "error" | "fatal" | "critical" => LogLevel::Error,
                _ => LogLevel::Info,
            },
            Some(level) => level,
            None => LogLevel::Info,
        },
        message: log.message.unwrap_or_default(),
        timestamp: log.timestamp.unwrap_or_default(),
    })
}

/// The text of an `error` event: its `error`, else the whole JSON.
fn error_text(data: &str) -> String {
    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow)]
        error: Cow<'a, str>,
    }
    match serde_json::from_str::<Text<'_>>(data) {
        Ok(text) => beginning(&text.error).into_owned(),
        Err(_) => beginning(data).into_owned(),
    }
}

fn read_error(data: &RawValue) -> SessionFailure {
    let unreadable =
        |reason: String| SessionFailure::UnreadableError { reason, data: beginning(data.get()).into_owned() };
    match serde_json::from_str::<Option<ErrorData>>(data.get()) {
        Ok(error) => {
            let error = error.unwrap_or_default();
            if error.args.len() > ERROR_ARGS {
                return unreadable(format!("`args` has {} entries", error.args.len()));
            }
            SessionFailure::Plugin(error)
        }
        Err(error) => unreadable(error.to_string()),
    }
}

/// The first bytes of `text`, cut between two characters.
pub(crate) fn beginning(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN_BYTES {
        return Cow::Borrowed(text);
    }
    let end = (0..=SHOWN_BYTES).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    Cow::Owned(format!("{}…", &text[..end]))
}
