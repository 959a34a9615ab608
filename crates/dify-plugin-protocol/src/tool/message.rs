//! What a tool answers with: texts, JSON, files, variables, logs, citations.
//!
//! Agents and some datasources answer with the same messages. The daemon checks the type, and that `message` and `meta`
//! are objects or null (`pkg/entities/tool_entities/tool.go`); Dify reads what is inside
//! (`api/core/tools/utils/message_transformer.py`).

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::open_enum::open_enum;
use crate::redact::Redacted;
use crate::tool::blob::BlobChunk;
use crate::wire_object::wire_object;

pub use crate::retriever::RetrieverResource;

open_enum! {
    /// The `type` of a tool message. The daemon closes the session at any other.
    pub enum ToolMessageType {
        /// Text, appended to the tool's text output.
        Text => "text",
        /// An object or list, added to the tool's structured output.
        Json => "json",
        /// A link.
        Link => "link",
        /// An image that Dify downloads and stores.
        Image => "image",
        /// An image that stays where it is.
        ImageLink => "image_link",
        /// A file that stays where it is. Made inside Dify.
        BinaryLink => "binary_link",
        /// An output variable, or a piece of one.
        Variable => "variable",
        /// A file whole. Tools send `blob_chunk`s.
        Blob => "blob",
        /// A piece of a file.
        BlobChunk => "blob_chunk",
        /// A step of the tool's work.
        Log => "log",
        /// Citations.
        RetrieverResources => "retriever_resources",
        /// A file that Dify has already.
        File => "file",
    }
}

/// One message of a tool: on the wire `{"type", "message", "meta"}`.
#[derive(Clone, PartialEq)]
pub struct ToolMessage {
    /// What it says: `type` and `message`.
    pub body: ToolMessageBody,
    /// What is known about it: of blobs `mime_type` and `filename`.
    pub meta: Option<Map<String, Value>>,
}

crate::redacted_debug!(ToolMessage { body, meta });

/// The type of a tool message, and what belongs to that type.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum ToolMessageBody {
    /// `text`
    Text(TextMessage),
    /// `json`
    Json(JsonMessage),
    /// `link`
    Link(TextMessage),
    /// `image`
    Image(TextMessage),
    /// `image_link`
    ImageLink(TextMessage),
    /// `binary_link`
    BinaryLink(TextMessage),
    /// `variable`
    Variable(VariableMessage),
    /// `blob`
    Blob(BlobMessage),
    /// `blob_chunk`
    BlobChunk(BlobChunk),
    /// `log`
    Log(LogMessage),
    /// `retriever_resources`
    RetrieverResources(RetrieverResourcesMessage),
    /// `file`: the file itself is in `meta.file`.
    File(Option<Map<String, Value>>),
    /// A type that this version does not know, or another one without its `message`: legal, and empty of meaning.
    Other {
        /// The type.
        kind: ToolMessageType,
        /// What came with it.
        message: Option<Map<String, Value>>,
    },
}

wire_object! {
    /// A text, or a URL.
    pub struct TextMessage {
        /// The text.
        text: String,
    }
}

wire_object! {
    /// Structured output.
    pub struct JsonMessage {
        /// An object or a list. Without it, Dify takes the whole message for it.
        json_object: Value,
        /// Whether Dify keeps it from the tool's text.
        suppress_output: bool,
    }
}

wire_object! {
    /// An output variable.
    pub struct VariableMessage {
        /// Its name. Dify refuses `json`, `text` and `files`.
        variable_name: String,
        /// Its value; with `stream`, a string.
        variable_value: Value,
        /// Whether the value is a piece, to be appended to those before.
        stream: bool,
    }
}

wire_object! {
    /// A file whole, for datasources and agents.
    pub struct BlobMessage {
        /// Its bytes, in standard base64 with padding.
        blob: String,
    }
}

open_enum! {
    /// How a logged step stands.
    pub enum LogStatus {
        /// It began.
        Start => "start",
        /// It is over.
        Success => "success",
        /// It failed.
        Error => "error",
    }
}

wire_object! {
    /// A step of the tool's work, in the execution log. The same id again updates the step.
    pub struct LogMessage {
        /// The step's id.
        id: String,
        /// What it is called.
        label: String,
        /// The step around it.
        parent_id: String,
        /// Why it failed.
        error: String,
        /// How it stands.
        status: LogStatus,
        /// What it is about. Must be there, if empty.
        data: Map<String, Value>,
        /// What it took.
        metadata: Box<LogMetadata>,
    }
}

wire_object! {
    /// What a logged step took.
    pub struct LogMetadata {
        /// When it began, in seconds.
        started_at: f64,
        /// When it ended, in seconds.
        finished_at: f64,
        /// Seconds in between.
        elapsed_time: f64,
        /// What it cost.
        total_price: crate::app::decimal::Decimal,
        /// Tokens that it used.
        total_tokens: i64,
        /// Whose model it used.
        provider: String,
        /// The price's currency.
        currency: String,
    }
}

wire_object! {
    /// Citations.
    pub struct RetrieverResourcesMessage {
        /// The pieces of knowledge.
        retriever_resources: Vec<RetrieverResource>,
        /// All of them as one text.
        context: String,
    }
}

crate::redact::redact_as_debug!(ToolMessageBody);

impl fmt::Debug for ToolMessageBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = |name, message: &dyn fmt::Debug| f.debug_tuple(name).field(message).finish();
        match self {
            Self::Text(message) => body("Text", message),
            Self::Json(message) => body("Json", message),
            Self::Link(message) => body("Link", message),
            Self::Image(message) => body("Image", message),
            Self::ImageLink(message) => body("ImageLink", message),
            Self::BinaryLink(message) => body("BinaryLink", message),
            Self::Variable(message) => body("Variable", message),
            Self::Blob(message) => body("Blob", message),
            Self::BlobChunk(message) => body("BlobChunk", message),
            Self::Log(message) => body("Log", message),
            Self::RetrieverResources(message) => body("RetrieverResources", message),
            Self::File(message) => body("File", &Redacted(message)),
            Self::Other { kind, message } => {
                f.debug_struct("Other").field("kind", kind).field("message", &Redacted(message)).finish()
            }
        }
    }
}

impl ToolMessage {
    /// A message without `meta`.
    pub fn new(body: ToolMessageBody) -> Self {
        Self { body, meta: None }
    }

    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Text(TextMessage::new(text)))
    }

    /// An object or list. Of other values Dify makes nothing.
    pub fn json(json: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::Json(JsonMessage {
            json_object: Some(json.into()),
            ..JsonMessage::default()
        }))
    }

    /// A link.
    pub fn link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Link(TextMessage::new(url)))
    }

    /// An image that Dify downloads from `url` and stores.
    pub fn image(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Image(TextMessage::new(url)))
    }

    /// An image that stays at `url`.
    pub fn image_link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::ImageLink(TextMessage::new(url)))
    }

    /// A file that stays at `url`.
    pub fn binary_link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::BinaryLink(TextMessage::new(url)))
    }

    /// An output variable. Dify refuses the names `json`, `text` and `files`.
    pub fn variable(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::Variable(VariableMessage {
            variable_name: Some(name.into()),
            variable_value: Some(value.into()),
            stream: Some(false),
            ..VariableMessage::default()
        }))
    }

    /// A piece of an output variable that is a text: pieces of one name are joined.
    pub fn variable_piece(name: impl Into<String>, piece: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Variable(VariableMessage {
            variable_name: Some(name.into()),
            variable_value: Some(Value::String(piece.into())),
            stream: Some(true),
            ..VariableMessage::default()
        }))
    }

    /// A file whole, for datasources and agents. Tools send [`BlobChunks`](crate::tool::blob::BlobChunks).
    pub fn blob(bytes: &[u8], mime_type: impl Into<String>) -> Self {
        let blob = crate::tool::blob::encode(bytes);
        let body = ToolMessageBody::Blob(BlobMessage { blob: Some(blob), ..BlobMessage::default() });
        Self::new(body).with_meta("mime_type", mime_type.into())
    }

    /// A step of the tool's work.
    pub fn log(log: LogMessage) -> Self {
        Self::new(ToolMessageBody::Log(log))
    }

    /// Citations, and all of them as one text.
    pub fn retriever_resources(resources: Vec<RetrieverResource>, context: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::RetrieverResources(RetrieverResourcesMessage {
            retriever_resources: Some(resources),
            context: Some(context.into()),
            ..RetrieverResourcesMessage::default()
        }))
    }

    /// A file that Dify has already, by the object it was given for it.
    pub fn file(file: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::File(None)).with_meta("file", file)
    }

    /// Adds an entry to `meta`.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The message's type.
    pub fn message_type(&self) -> ToolMessageType {
        match &self.body {
            ToolMessageBody::Text(_) => ToolMessageType::Text,
            ToolMessageBody::Json(_) => ToolMessageType::Json,
            ToolMessageBody::Link(_) => ToolMessageType::Link,
            ToolMessageBody::Image(_) => ToolMessageType::Image,
            ToolMessageBody::ImageLink(_) => ToolMessageType::ImageLink,
            ToolMessageBody::BinaryLink(_) => ToolMessageType::BinaryLink,
            ToolMessageBody::Variable(_) => ToolMessageType::Variable,
            ToolMessageBody::Blob(_) => ToolMessageType::Blob,
            ToolMessageBody::BlobChunk(_) => ToolMessageType::BlobChunk,
            ToolMessageBody::Log(_) => ToolMessageType::Log,
            ToolMessageBody::RetrieverResources(_) => ToolMessageType::RetrieverResources,
            ToolMessageBody::File(_) => ToolMessageType::File,
            ToolMessageBody::Other { kind, .. } => kind.clone(),
        }
    }
}

impl TextMessage {
    /// This text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

impl LogMessage {
    /// A step that began, with nothing known about it yet.
    pub fn start(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            id: Some(id.into()),
            label: Some(label.into()),
            status: Some(LogStatus::Start),
            data: Some(Map::new()),
            ..Self::default()
        }
    }
}

impl Serialize for ToolMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ToolMessage", 3)?;
        object.serialize_field("type", &self.message_type())?;
        match &self.body {
            ToolMessageBody::Text(message)
            | ToolMessageBody::Link(message)
            | ToolMessageBody::Image(message)
            | ToolMessageBody::ImageLink(message)
            | ToolMessageBody::BinaryLink(message) => object.serialize_field("message", message)?,
            ToolMessageBody::Json(message) => object.serialize_field("message", message)?,
            ToolMessageBody::Variable(message) => object.serialize_field("message", message)?,
            ToolMessageBody::Blob(message) => object.serialize_field("message", message)?,
            ToolMessageBody::BlobChunk(message) => object.serialize_field("message", message)?,
            ToolMessageBody::Log(message) => object.serialize_field("message", message)?,
            ToolMessageBody::RetrieverResources(message) => object.serialize_field("message", message)?,
            ToolMessageBody::File(message) | ToolMessageBody::Other { message, .. } => {
                object.serialize_field("message", message)?;
            }
        }
        object.serialize_field("meta", &self.meta)?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for ToolMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The type may come last, so the message waits as a map for it.
        #[derive(Deserialize)]
        struct Parts {
            #[serde(rename = "type")]
            kind: ToolMessageType,
            #[serde(default)]
            message: Option<Map<String, Value>>,
            #[serde(default)]
            meta: Option<Map<String, Value>>,
            // The daemon drops these. Being there, they keep serde from taking a list for the object.
            #[serde(flatten)]
            _rest: serde::de::IgnoredAny,
        }
        fn read<T: serde::de::DeserializeOwned, E: serde::de::Error>(
            message: Map<String, Value>,
        ) -> Result<T, E> {
            T::deserialize(Value::Object(message))
                .map_err(|error| E::custom(crate::error::describe_json(&error)))
        }

        let parts = Parts::deserialize(deserializer)?;
        let body = match (parts.kind, parts.message) {
            (ToolMessageType::File, message) => ToolMessageBody::File(message),
            (ToolMessageType::Text, Some(message)) => ToolMessageBody::Text(read(message)?),
            (ToolMessageType::Json, Some(message)) => ToolMessageBody::Json(read(message)?),
            (ToolMessageType::Link, Some(message)) => ToolMessageBody::Link(read(message)?),
            (ToolMessageType::Image, Some(message)) => ToolMessageBody::Image(read(message)?),
            (ToolMessageType::ImageLink, Some(message)) => ToolMessageBody::ImageLink(read(message)?),
            (ToolMessageType::BinaryLink, Some(message)) => ToolMessageBody::BinaryLink(read(message)?),
            (ToolMessageType::Variable, Some(message)) => ToolMessageBody::Variable(read(message)?),
            (ToolMessageType::Blob, Some(message)) => ToolMessageBody::Blob(read(message)?),
            (ToolMessageType::BlobChunk, Some(message)) => ToolMessageBody::BlobChunk(read(message)?),
            (ToolMessageType::Log, Some(message)) => ToolMessageBody::Log(read(message)?),
            (ToolMessageType::RetrieverResources, Some(message)) => {
                ToolMessageBody::RetrieverResources(read(message)?)
            }
            (kind, message) => ToolMessageBody::Other { kind, message },
        };
        Ok(Self { body, meta: parts.meta })
    }
}
