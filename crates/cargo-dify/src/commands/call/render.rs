//! The messages of a tool, for people.

use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{LogMessage, ToolMessage, ToolMessageBody};
use serde::Serialize;
use serde_json::{Map, Value};

/// How a message is shown.
pub(crate) enum Rendered {
    /// Text that continues the previous one.
    Text(String),
    /// A line of its own.
    Line(String),
    /// Not part of the result: a verb and a text for stderr.
    Aside(&'static str, String),
    /// A file.
    File(File),
}

/// A file that a tool sent.
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    mime_type: Option<String>,
    name: Option<String>,
}

impl File {
    /// Describes it in one line.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("file: {} bytes", self.bytes.len());
        for known in [&self.mime_type, &self.name].into_iter().flatten() {
            text.push_str(", ");
            text.push_str(known);
        }
        text
    }

    /// Returns the plugin's name for it without any folders, or one made from `number`, so that it can't leave its folder.
    pub(crate) fn safe_name(&self, number: usize) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
        if matches!(&*name, "" | "." | "..") { format!("file-{number}.bin") } else { name }
    }
}

/// Returns a message as JSON on one line, as on the wire.
pub(crate) fn raw(message: &impl Serialize) -> String {
    // Fails only for keys that are not text, which no message has.
    serde_json::to_string(message).unwrap_or_default()
}

/// Renders a message, with JSON on several lines if `pretty`.
pub(crate) fn render(message: &ToolMessage, pretty: bool) -> Rendered {
    let json = |value: &Value| if pretty { format!("{value:#}") } else { value.to_string() };
    let url = |kind: &str, text: &Option<String>| {
        Rendered::Line(format!("{kind}: {}", text.as_deref().unwrap_or_default()))
    };
    match &message.body {
        ToolMessageBody::Text(text) => Rendered::Text(text.text.clone().unwrap_or_default()),
        ToolMessageBody::Json(body) => Rendered::Line(match &body.json_object {
            Some(value) => json(value),
            None => json(&Value::Object(body.extra.clone())),
        }),
        ToolMessageBody::Link(link) => url("link", &link.text),
        ToolMessageBody::Image(link) => url("image", &link.text),
        ToolMessageBody::ImageLink(link) => url("image link", &link.text),
        ToolMessageBody::BinaryLink(link) => url("binary link", &link.text),
        ToolMessageBody::Variable(variable) => {
            let name = variable.variable_name.as_deref().unwrap_or_default();
            let value = variable.variable_value.as_ref().unwrap_or(&Value::Null);
            let sign = if variable.stream.unwrap_or_default() { "+=" } else { "=" };
            Rendered::Line(format!("{name} {sign} {}", json(value)))
        }
        ToolMessageBody::Blob(file) => file_of(file.blob.as_deref(), message.meta.as_ref()),
        ToolMessageBody::Log(log) => Rendered::Aside("Step", step(log)),
        ToolMessageBody::RetrieverResources(resources) => {
            Rendered::Line(format!("retriever resources: {}", json(&value(resources))))
        }
        ToolMessageBody::File(_) => {
            let file = message.meta.as_ref().and_then(|meta| meta.get("file")).unwrap_or(&Value::Null);
            Rendered::Line(format!("file in Dify: {}", json(file)))
        }
        // The chunks of files are joined before.
        _ => Rendered::Line(json(&value(message))),
    }
}

fn value(of: &impl Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn file_of(blob: Option<&str>, meta: Option<&Map<String, Value>>) -> Rendered {
    let known = |key: &str| meta.and_then(|meta| meta.get(key)).and_then(Value::as_str).map(str::to_owned);
    match blob::decode(blob.unwrap_or_default()) {
        Ok(bytes) => Rendered::File(File { bytes, mime_type: known("mime_type"), name: known("filename") }),
        Err(error) => Rendered::Line(format!("file: {error}")),
    }
}

fn step(log: &LogMessage) -> String {
    let label = log.label.as_deref().unwrap_or("(no label)");
    let status = log.status.as_ref().map_or("(no status)", |status| status.as_str());
    let mut text = format!("{label}: {status}");
    if let Some(error) = &log.error {
        text.push_str(&format!(": {error}"));
    }
    if let Some(data) = log.data.as_ref().filter(|data| !data.is_empty()) {
        text.push_str(&format!(" {}", raw(data)));
    }
    text
}
