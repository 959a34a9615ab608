//! A tool's messages, for people to read.

use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{LogMessage, ToolMessage, ToolMessageBody};
use serde::Serialize;
use serde_json::{Map, Value};

/// How a message is shown.
#[derive(Debug, PartialEq)]
pub(crate) enum Rendered {
    /// Text that goes on where the last one stopped.
    Text(String),
    /// A line of its own.
    Line(String),
    /// Nothing of the result: a verb and a text for the log.
    Aside(&'static str, String),
    /// A file.
    File(File),
}

/// A file that a tool sent whole.
#[derive(Debug, PartialEq)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    mime_type: Option<String>,
    name: Option<String>,
}

impl File {
    /// One line about it.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("file: {} bytes", self.bytes.len());
        for known in [&self.mime_type, &self.name].into_iter().flatten() {
            text.push_str(", ");
            text.push_str(known);
        }
        text
    }

    /// A name that stays inside its folder, whatever the plugin says; `number` makes one up if it says nothing.
    pub(crate) fn safe_name(&self, number: usize) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let name: String = name.chars().filter(|letter| !letter.is_control()).collect();
        if matches!(&*name, "" | "." | "..") { format!("file-{number}.bin") } else { name }
    }
}

/// One message as it stands in the manner of the wire, on one line.
pub(crate) fn raw(message: &impl Serialize) -> String {
    // Nothing in a message has keys that aren't text, which is all that JSON can't write.
    serde_json::to_string(message).unwrap_or_default()
}

/// Shows a message; JSON over several lines if `pretty`.
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
        // Pieces of files are joined before they come here.
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

#[cfg(test)]
mod tests {
    use dify_plugin_protocol::tool::message::LogStatus;
    use serde_json::json;

    use super::*;

    fn line(text: &str) -> Rendered {
        Rendered::Line(text.to_owned())
    }

    #[test]
    fn each_kind_is_shown_in_its_way() {
        let mut log = LogMessage::start("1", "outer");
        log.status = Some(LogStatus::Error);
        log.error = Some("no".to_owned());
        for (message, expected) in [
            (ToolMessage::text("a\nb"), Rendered::Text("a\nb".to_owned())),
            (ToolMessage::json(json!({"a": [1]})), line(r#"{"a":[1]}"#)),
            (ToolMessage::link("http://a"), line("link: http://a")),
            (ToolMessage::image("http://a"), line("image: http://a")),
            (ToolMessage::variable("n", json!({"a": 1})), line(r#"n = {"a":1}"#)),
            (ToolMessage::variable_piece("n", "x"), line(r#"n += "x""#)),
            (ToolMessage::log(log), Rendered::Aside("Step", "outer: error: no".to_owned())),
            (ToolMessage::file(json!({"url": "u"})), line(r#"file in Dify: {"url":"u"}"#)),
        ] {
            assert_eq!(render(&message, false), expected);
        }
        assert_eq!(render(&ToolMessage::json(json!({"a": 1})), true), line("{\n  \"a\": 1\n}"));
    }

    #[test]
    fn a_file_is_described_not_shown() {
        let message = ToolMessage::blob(b"quack", "text/plain").with_meta("filename", "duck.txt");
        let Rendered::File(file) = render(&message, false) else { panic!() };
        assert_eq!(
            (file.describe().as_str(), &*file.bytes),
            ("file: 5 bytes, text/plain, duck.txt", &b"quack"[..])
        );
    }

    #[test]
    fn a_name_can_not_leave_its_folder() {
        for (name, safe) in [
            (Some("duck.txt"), "duck.txt"),
            (Some("../../etc/passwd"), "passwd"),
            (Some("c:\\windows\\duck"), "duck"),
            (Some("/"), "file-3.bin"),
            (Some(".."), "file-3.bin"),
            (Some("a\0b"), "ab"),
            (None, "file-3.bin"),
        ] {
            let file = File { bytes: Vec::new(), mime_type: None, name: name.map(str::to_owned) };
            assert_eq!(file.safe_name(3), safe);
        }
    }
}
