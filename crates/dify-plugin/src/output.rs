//! The messages that handlers send.

mod cut;
mod log_entry;

pub use log_entry::LogEntry;

use dify_plugin_protocol::limits::TOOL_BLOB_BYTES;
use dify_plugin_protocol::tool::blob::BlobChunks;
use dify_plugin_protocol::tool::message::{RetrieverResource, ToolMessage, ToolMessageType};
use serde::Serialize;
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use uuid::Uuid;

use self::cut::chunks;
use crate::error::{Error, Result};
use crate::session::Session;

/// Sends messages of any form within one session. Only actions that have no kind of their own need it; see
/// [`Plugin::on`](crate::Plugin::on).
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct RawOutput {
    session: dify_plugin_session::Session,
}

impl RawOutput {
    pub(crate) fn new(session: &Session) -> Self {
        Self { session: session.transport().clone() }
    }

    /// Sends one message, whose form depends on the action. Waits while the daemon reads too slowly.
    ///
    /// # Errors
    ///
    /// `FrameTooLarge` if the message is longer than the daemon takes (5 MiB as JSON); nothing was sent then, and the
    /// handler may go on. `Closed` if the session or the connection has ended.
    pub async fn send<T: Serialize + ?Sized>(&self, message: &T) -> Result<()> {
        Ok(self.session.send(message).await?)
    }
}

/// Sends the messages of a tool, and of other handlers that produce text, files and data. Each message is on its way when
/// the method returns; while the daemon reads too slowly, methods wait.
///
/// # Errors
///
/// All methods: `FrameTooLarge` if a message is longer than the daemon takes (5 MiB as JSON); nothing was sent then, and
/// the handler may go on. `Closed` if the session or the connection has ended.
#[derive(Debug)]
pub struct Output {
    raw: RawOutput,
}

/// A message in the form that the daemon reads (`pkg/entities/tool_entities/tool.go`).
#[derive(Serialize)]
struct Message<M> {
    r#type: ToolMessageType,
    message: M,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Variable<'a, T: ?Sized> {
    variable_name: &'a str,
    variable_value: &'a T,
    stream: bool,
}

/// The type and the name of a blob, with which Dify keeps it as a file.
#[derive(Debug, Clone)]
pub struct BlobMeta(Map<String, Value>);

impl BlobMeta {
    /// Creates the metadata of a blob of this type, such as `image/png`.
    pub fn new(mime_type: impl Into<String>) -> Self {
        Self(Map::from_iter([("mime_type".to_owned(), mime_type.into().into())]))
    }

    /// Sets the name under which Dify keeps the file.
    #[must_use]
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.0.insert("filename".to_owned(), filename.into().into());
        self
    }
}

impl Output {
    pub(crate) fn new(session: &Session) -> Self {
        Self { raw: RawOutput::new(session) }
    }

    /// Adds to the text. Dify joins the texts of all messages, so a text too long for one message is sent in several.
    pub async fn text(&mut self, text: impl AsRef<str>) -> Result<()> {
        for text in chunks(text.as_ref(), self.room(0)) {
            self.send(ToolMessageType::Text, Text { text }).await?;
        }
        Ok(())
    }

    /// Adds structured data.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` if `value` serialises to neither a JSON object nor a list: Dify accepts nothing else.
    pub async fn json(&mut self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        #[derive(Serialize)]
        struct Json<'a> {
            json_object: &'a serde_json::value::RawValue,
        }
        let json = to_raw_value(value)?;
        if !json.get().starts_with(['{', '[']) {
            return Err(invalid("the output of `json` must be an object or a list"));
        }
        self.send(ToolMessageType::Json, Json { json_object: &json }).await
    }

    /// Adds a link.
    pub async fn link(&mut self, url: impl AsRef<str>) -> Result<()> {
        self.send(ToolMessageType::Link, Text { text: url.as_ref() }).await
    }

    /// Adds an image, which Dify downloads from `url` and keeps.
    pub async fn image(&mut self, url: impl AsRef<str>) -> Result<()> {
        self.send(ToolMessageType::Image, Text { text: url.as_ref() }).await
    }

    /// Adds an image that stays where it is: Dify only keeps its URL.
    pub async fn image_link(&mut self, url: impl AsRef<str>) -> Result<()> {
        self.send(ToolMessageType::ImageLink, Text { text: url.as_ref() }).await
    }

    /// Sets an output variable.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` for the names `json`, `text` and `files`, which Dify reserves.
    pub async fn variable(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        check_variable(name)?;
        self.send(
            ToolMessageType::Variable,
            Variable { variable_name: name, variable_value: value, stream: false },
        )
        .await
    }

    /// Adds a chunk to an output variable of type string. Dify joins the chunks.
    ///
    /// # Errors
    ///
    /// See [`Output::variable`].
    pub async fn stream_variable(&mut self, name: &str, text: impl AsRef<str>) -> Result<()> {
        check_variable(name)?;
        for text in chunks(text.as_ref(), self.room(name.len())) {
            self.send(
                ToolMessageType::Variable,
                Variable { variable_name: name, variable_value: text, stream: true },
            )
            .await?;
        }
        Ok(())
    }

    /// Adds an entry to the execution log, or updates the entry if it was sent before.
    pub async fn log(&mut self, entry: &LogEntry) -> Result<()> {
        self.send(ToolMessageType::Log, entry.message()).await
    }

    /// Adds a file that Dify has already. `file` is the file's JSON object in the form that Dify writes.
    pub async fn file(&mut self, file: impl Into<Value>) -> Result<()> {
        self.raw(&ToolMessage::file(file)).await
    }

    /// Adds a file, in as many messages as its size requires.
    ///
    /// # Errors
    ///
    /// `InvalidOutput` if the file is larger than 30 MiB, which is Dify's limit.
    pub async fn blob(&mut self, bytes: impl AsRef<[u8]>, meta: BlobMeta) -> Result<()> {
        let bytes = bytes.as_ref();
        if bytes.len() > TOOL_BLOB_BYTES {
            return Err(invalid(format!(
                "a blob of {} bytes is over Dify's limit of {TOOL_BLOB_BYTES}; send a link to it instead",
                bytes.len()
            )));
        }
        let id = Uuid::new_v4().simple().to_string();
        for chunk in BlobChunks::new(&id, bytes, Some(&meta.0)) {
            self.raw.send(&chunk).await?;
        }
        Ok(())
    }

    /// Cites the sources of an answer from knowledge bases; `context` is their text for a model to read.
    pub async fn retriever_resources(
        &mut self,
        resources: Vec<RetrieverResource>,
        context: impl Into<String>,
    ) -> Result<()> {
        self.raw(&ToolMessage::retriever_resources(resources, context)).await
    }

    /// Sends a message of any type unchanged. The daemon ends the session at a type that it does not know.
    pub async fn raw(&mut self, message: &ToolMessage) -> Result<()> {
        self.raw.send(message).await
    }

    /// Sends a message that borrows its parts.
    fn send(&self, kind: ToolMessageType, message: impl Serialize) -> impl Future<Output = Result<()>> {
        let message = Message { r#type: kind, message };
        async move { self.raw.send(&message).await }
    }

    /// Returns how many bytes of escaped text fit into a frame with a name of `name` bytes.
    fn room(&self, name: usize) -> usize {
        let session = &self.raw.session;
        let envelope = 256 + 6 * (session.id().len() + name);
        session.max_frame_bytes().saturating_sub(envelope).max(6)
    }
}

fn check_variable(name: &str) -> Result<()> {
    if matches!(name, "json" | "text" | "files") {
        return Err(invalid(format!("Dify reserves the variable name `{name}`; choose another")));
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new("InvalidOutput", message)
}
