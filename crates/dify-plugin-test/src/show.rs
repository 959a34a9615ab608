//! What a failed assertion prints.

use std::fmt;

use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
use serde_json::Value;

/// How many characters of one value are printed.
const MAX_CHARS: usize = 2000;

/// The result of a request, which assertions look at.
pub(crate) trait Outcome: fmt::Display {
    /// Returns what was requested.
    fn name(&self) -> &str;

    /// Fails the test unless `holds`, and prints the whole result.
    #[track_caller]
    fn expect(&self, holds: bool, expected: &dyn fmt::Display) -> &Self {
        if !holds {
            let result = self.to_string();
            let space = if result.starts_with('\n') { "" } else { " " };
            panic!("unexpected result of {}\n  expected: {expected}\n  actual:{space}{result}", self.name());
        }
        self
    }
}

/// Returns a message in one line.
pub(crate) fn message(message: &ToolMessage) -> String {
    let kind = message.message_type();
    match &message.body {
        ToolMessageBody::Text(text)
        | ToolMessageBody::Link(text)
        | ToolMessageBody::Image(text)
        | ToolMessageBody::ImageLink(text)
        | ToolMessageBody::BinaryLink(text) => {
            format!("{kind} {}", quoted(text.text.as_deref().unwrap_or_default()))
        }
        ToolMessageBody::Json(json) => {
            format!("{kind} {}", cut(&json.json_object.clone().unwrap_or_default()))
        }
        ToolMessageBody::Blob(file) => {
            let bytes = blob::decode(file.blob.as_deref().unwrap_or_default()).unwrap_or_default();
            let meta = Value::Object(message.meta.clone().unwrap_or_default());
            format!("file of {} bytes, {}", bytes.len(), cut(&meta))
        }
        _ => match serde_json::to_value(message) {
            Ok(json) => format!("{kind} {}", cut(&json["message"])),
            Err(_) => kind.to_string(),
        },
    }
}

/// Returns a text in the form of a Rust literal.
pub(crate) fn quoted(text: &str) -> String {
    cut(&format!("{text:?}"))
}

/// Returns bytes in the form of a text, if they are one.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => quoted(text),
        Err(_) => format!("{} bytes that are not UTF-8", bytes.len()),
    }
}

fn cut(text: &impl fmt::Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(MAX_CHARS) {
        None => text,
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
    }
}

/// Returns each line on a line of its own, indented.
pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let all: Vec<_> = lines.into_iter().map(|line| format!("\n    {line}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.concat() }
}

/// Returns the error's text and those of its sources.
pub(crate) fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
