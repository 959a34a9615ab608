//! What a plugin answered, for whoever reads why a test failed.

use std::fmt;

use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};

/// Most characters of one value that are shown.
const SHOWN: usize = 2000;

/// A message in a line.
pub(crate) fn message(message: &ToolMessage) -> String {
    let kind = message.message_type();
    match &message.body {
        ToolMessageBody::Text(text)
        | ToolMessageBody::Link(text)
        | ToolMessageBody::Image(text)
        | ToolMessageBody::ImageLink(text)
        | ToolMessageBody::BinaryLink(text) => format!("{kind} {}", quoted(text.text.as_deref())),
        ToolMessageBody::Json(json) => {
            format!("{kind} {}", cut(&json.json_object.clone().unwrap_or_default()))
        }
        ToolMessageBody::Blob(file) => {
            let bytes = file.blob.as_deref().map(|text| blob::decode(text).unwrap_or_default());
            let meta = message.meta.clone().unwrap_or_default();
            format!(
                "file of {} bytes, {}",
                bytes.unwrap_or_default().len(),
                cut(&serde_json::Value::Object(meta))
            )
        }
        _ => match serde_json::to_value(message) {
            Ok(json) => format!("{kind} {}", cut(&json["message"])),
            Err(_) => kind.to_string(),
        },
    }
}

/// A text as it stands in code.
pub(crate) fn quoted(text: Option<&str>) -> String {
    cut(&format!("{:?}", text.unwrap_or_default()))
}

/// Bytes: as text, if they are.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => quoted(Some(text)),
        Err(_) => format!("{} bytes that are no text", bytes.len()),
    }
}

fn cut(text: &impl fmt::Display) -> String {
    let text = text.to_string();
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
    }
}

/// Fails a test: what was wrong, what was expected, and the whole answer.
#[track_caller]
pub(crate) fn fail(what: &str, expected: &dyn fmt::Display, answer: &dyn fmt::Display) -> ! {
    let answer = answer.to_string();
    let space = if answer.starts_with('\n') { "" } else { " " };
    panic!("{what}\n  expected: {expected}\n  answered:{space}{answer}")
}

/// Lines below each other, each indented.
pub(crate) fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let all: Vec<_> = lines.into_iter().map(|line| format!("\n    {line}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.concat() }
}
