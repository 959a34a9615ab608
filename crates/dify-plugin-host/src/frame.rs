//! Reads a frame from the plugin (`pkg/entities/plugin_entities/event.go`).

use std::borrow::Cow;

use dify_plugin_protocol::{LogData, LogLevel, Outgoing, OutgoingEvent, SessionMessage};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// How much of a text is displayed, in bytes.
const SHOWN_BYTES: usize = 1024;

/// What a frame holds.
#[derive(Debug)]
pub(crate) enum PluginFrame<'a> {
    Session {
        id: Cow<'a, str>,
        message: SessionMessage<'a>,
    },
    Heartbeat,
    Log(LogData),
    /// An error outside any session: its text.
    Error(String),
    /// Nothing, which is no fault: `null`, or the bare manifest `{"version":…,"type":"plugin",…}` that the official SDK
    /// prints first.
    Nothing,
}

impl<'a> PluginFrame<'a> {
    /// Reads a frame whose keys are spelled exactly.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with a frame that the daemon ignores.
    pub(crate) fn read(text: &'a str) -> Result<Self, String> {
        let outgoing = match Outgoing::parse(text) {
            Ok(outgoing) => outgoing,
            Err(_) if text.trim() == "null" || is_bare_manifest(text) => return Ok(Self::Nothing),
            // For plain text the parser's message would not help.
            Err(_) if !text.trim_start().starts_with('{') => return Err("it is not a JSON object".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        Ok(match outgoing.event {
            OutgoingEvent::Session => {
                let data = outgoing.data.ok_or("a session message without `data`; the daemon drops it")?;
                let message = SessionMessage::parse(data).map_err(|error| {
                    format!("a malformed session message, which the daemon drops: {error}")
                })?;
                Self::Session { id: outgoing.session_id.unwrap_or_default(), message }
            }
            OutgoingEvent::Heartbeat => Self::Heartbeat,
            OutgoingEvent::Log => Self::Log(
                read_log(outgoing.data).map_err(|error| format!("a malformed log record: {error}"))?,
            ),
            OutgoingEvent::Error => {
                Self::Error(outgoing.data.map(|data| error_text(data.get())).unwrap_or_default())
            }
            unknown => return Err(format!("the event `{unknown}` is unknown; the daemon ignores it")),
        })
    }
}

/// Rewrites a frame with the exact keys, if it is an object: Go ignores the case of keys, and uses the last of several equal
/// keys.
pub(crate) fn respelled(text: &str) -> Option<String> {
    fn named(fields: Map<String, Value>, names: &[&str]) -> Map<String, Value> {
        let name = |key: String| match names.iter().find(|name| name.eq_ignore_ascii_case(&key)) {
            Some(name) => (*name).to_owned(),
            None => key,
        };
        fields.into_iter().map(|(key, value)| (name(key), value)).collect()
    }
    let mut fields = named(serde_json::from_str(text).ok()?, &["event", "session_id", "data"]);
    if let Some(Value::Object(data)) = fields.get_mut("data") {
        *data = named(std::mem::take(data), &["type", "data"]);
    }
    Some(Value::Object(fields).to_string())
}

/// Returns the beginning of `text` for display.
pub(crate) fn beginning(text: &str) -> Cow<'_, str> {
    if text.len() <= SHOWN_BYTES {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(SHOWN_BYTES)]))
}

fn is_bare_manifest(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Bare<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
        event: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Bare<'_>>(text).is_ok_and(|bare| bare.kind == "plugin" && bare.event.is_none())
}

/// Reads a log record. No field is required, and the daemon accepts more names of levels than a plugin should use
/// (`internal/core/control_panel/logger.go`).
fn read_log(data: Option<&RawValue>) -> serde_json::Result<LogData> {
    #[derive(Default, Deserialize)]
    struct Loose {
        level: Option<LogLevel>,
        message: Option<String>,
        timestamp: Option<f64>,
    }
    let log: Option<Loose> = data.map_or(Ok(None), |data| serde_json::from_str(data.get()))?;
    let log = log.unwrap_or_default();
    let level = match log.level {
        Some(LogLevel::Unknown(name)) => match name.to_ascii_lowercase().as_str() {
            "debug" => LogLevel::Debug,
            "warn" | "warning" => LogLevel::Warning,
            "error" | "fatal" | "critical" => LogLevel::Error,
            _ => LogLevel::Info,
        },
        Some(level) => level,
        None => LogLevel::Info,
    };
    let (message, timestamp) = (log.message.unwrap_or_default(), log.timestamp.unwrap_or_default());
    Ok(LogData { level, message, timestamp })
}

/// Returns the text of an `error` event: its `error`, or else the whole JSON.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_any_case_and_repeated_keys_can_be_respelled() {
        let line = r#"{"EVENT":"log","event":"session","Session_ID":"s","DATA":{"Type":"end","dAtA":{"Type":1}},"x":1}"#;
        assert!(PluginFrame::read(line).is_err());
        let line = respelled(line).unwrap();
        let Ok(PluginFrame::Session { id, message }) = PluginFrame::read(&line) else { panic!("{line}") };
        assert_eq!((&*id, message.data.get()), ("s", r#"{"Type":1}"#));
        assert!(respelled("[1]").is_none());
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters() {
        let text = "é".repeat(1000);
        assert_eq!(beginning(&text), "é".repeat(512) + "…");
        assert_eq!(beginning("short"), "short");
    }
}
