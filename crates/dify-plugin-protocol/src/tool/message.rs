//! The messages of a tool: texts, JSON, files, variables, logs and citations.
//!
//! Agents and some datasources send the same messages. The daemon checks the type, and that `message` and `meta` are
//! objects or null (`pkg/entities/tool_entities/tool.go`). Dify reads the rest
//! (`api/core/tools/utils/message_transformer.py`).

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::open_enum::open_enum;
use crate::redact::Redacted;
use crate::tool::blob::{BlobChunk, BlobChunkRef};
use crate::wire_object::wire_object;

pub use crate::retriever::RetrieverResource;

open_enum! {
    /// The type of a tool message. The daemon closes the session at any other type.
    pub enum ToolMessageType {
        /// A chunk of text to append to the tool's text output.
        Text => "text",
        /// An object or a list to add to the tool's structured output.
        Json => "json",
        /// A link.
        Link => "link",
        /// An image that Dify downloads and stores.
        Image => "image",
        /// An image that Dify only links to.
        ImageLink => "image_link",
        /// A file that Dify only links to. Used inside Dify.
        BinaryLink => "binary_link",
        /// An output variable, or a chunk of one.
        Variable => "variable",
        /// A whole file. Tools send `blob_chunk`s instead.
        Blob => "blob",
        /// A chunk of a file.
        BlobChunk => "blob_chunk",
        /// A step in the execution log.
        Log => "log",
        /// Citations.
        RetrieverResources => "retriever_resources",
        /// A file that Dify already has.
        File => "file",
    }
}

/// A message of a tool: `{"type", "message", "meta"}` on the wire.
#[derive(Clone, PartialEq)]
pub struct ToolMessage {
    /// The `type` and the `message`.
    pub body: ToolMessageBody,
    /// Facts about the message, such as the `mime_type` and `filename` of a blob.
    pub meta: Option<Map<String, Value>>,
}

crate::redacted_debug!(ToolMessage { body, meta });

/// The type of a tool message, with the fields of that type.
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
    /// `file`. The file is in `meta.file`.
    File(Option<Map<String, Value>>),
    /// An unknown type, or a known type without a `message`.
    Other {
        /// The type.
        kind: ToolMessageType,
        /// The `message`.
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
        /// An object or a list. Without it, Dify uses the whole message instead.
        json_object: Value,
        /// Whether Dify leaves it out of the tool's text output.
        suppress_output: bool,
    }
}

wire_object! {
    /// An output variable.
    pub struct VariableMessage {
        /// The name. Dify refuses `json`, `text` and `files`.
        variable_name: String,
        /// The value. With `stream`, a string.
        variable_value: Value,
        /// Whether the value is a chunk to append to the previous ones.
        stream: bool,
    }
}

wire_object! {
    /// A whole file, for datasources and agents.
    pub struct BlobMessage {
        /// The bytes, in standard base64 with padding.
        blob: String,
    }
}

open_enum! {
    /// The status of a logged step.
    pub enum LogStatus {
        /// The step started.
        Start => "start",
        /// The step succeeded.
        Success => "success",
        /// The step failed.
        Error => "error",
    }
}

wire_object! {
    /// A step in the execution log. A later message with the same id updates the step.
    pub struct LogMessage {
        /// The id of the step.
        id: String,
        /// The name of the step.
        label: String,
        /// The id of the surrounding step.
        parent_id: String,
        /// Why the step failed.
        error: String,
        /// The status of the step.
        status: LogStatus,
        /// Details. Required, but may be empty.
        data: Map<String, Value>,
        /// Time, tokens and price.
        metadata: Box<LogMetadata>,
    }
}

wire_object! {
    /// Time, tokens and price of a logged step.
    pub struct LogMetadata {
        /// Start time, in seconds.
        started_at: f64,
        /// End time, in seconds.
        finished_at: f64,
        /// Time between the two, in seconds.
        elapsed_time: f64,
        /// Price.
        total_price: crate::app::decimal::Decimal,
        /// Number of tokens.
        total_tokens: i64,
        /// Provider of the model.
        provider: String,
        /// Currency of the price.
        currency: String,
    }
}

wire_object! {
    /// Citations.
    pub struct RetrieverResourcesMessage {
        /// The citations.
        retriever_resources: Vec<RetrieverResource>,
        /// Their contents as one text.
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
    /// Creates a message without `meta`.
    pub fn new(body: ToolMessageBody) -> Self {
        Self { body, meta: None }
    }

    /// Creates a chunk of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Text(TextMessage::new(text)))
    }

    /// Creates structured output from an object or a list. Dify ignores other values.
    pub fn json(json: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::Json(JsonMessage {
            json_object: Some(json.into()),
            ..JsonMessage::default()
        }))
    }

    /// Creates a link.
    pub fn link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Link(TextMessage::new(url)))
    }

    /// Creates an image that Dify downloads from `url` and stores.
    pub fn image(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Image(TextMessage::new(url)))
    }

    /// Creates an image that Dify only links to.
    pub fn image_link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::ImageLink(TextMessage::new(url)))
    }

    /// Creates a file that Dify only links to.
    pub fn binary_link(url: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::BinaryLink(TextMessage::new(url)))
    }

    /// Creates an output variable. Dify refuses the names `json`, `text` and `files`.
    pub fn variable(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::Variable(VariableMessage {
            variable_name: Some(name.into()),
            variable_value: Some(value.into()),
            stream: Some(false),
            ..VariableMessage::default()
        }))
    }

    /// Creates a chunk of an output variable. Dify joins the chunks of the same name.
    pub fn variable_chunk(name: impl Into<String>, chunk: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::Variable(VariableMessage {
            variable_name: Some(name.into()),
            variable_value: Some(Value::String(chunk.into())),
            stream: Some(true),
            ..VariableMessage::default()
        }))
    }

    /// Creates a whole file, for datasources and agents. Tools send [`BlobChunks`](crate::tool::blob::BlobChunks).
    pub fn blob(bytes: &[u8], mime_type: impl Into<String>) -> Self {
        let blob = crate::tool::blob::encode(bytes);
        let body = ToolMessageBody::Blob(BlobMessage { blob: Some(blob), ..BlobMessage::default() });
        Self::new(body).with_meta("mime_type", mime_type.into())
    }

    /// Creates a step in the execution log.
    pub fn log(log: LogMessage) -> Self {
        Self::new(ToolMessageBody::Log(log))
    }

    /// Creates citations. `context` has their contents as one text.
    pub fn retriever_resources(resources: Vec<RetrieverResource>, context: impl Into<String>) -> Self {
        Self::new(ToolMessageBody::RetrieverResources(RetrieverResourcesMessage {
            retriever_resources: Some(resources),
            context: Some(context.into()),
            ..RetrieverResourcesMessage::default()
        }))
    }

    /// Creates a reference to a file that Dify already has. `file` is the object that Dify sent for it.
    pub fn file(file: impl Into<Value>) -> Self {
        Self::new(ToolMessageBody::File(None)).with_meta("file", file)
    }

    /// Adds an entry to `meta`.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Returns the type of the message.
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
    /// Creates a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

impl From<BlobChunkRef<'_>> for ToolMessage {
    fn from(chunk: BlobChunkRef<'_>) -> Self {
        let body = ToolMessageBody::BlobChunk(BlobChunk {
            id: Some(chunk.id.to_owned()),
            sequence: Some(chunk.sequence),
            total_length: Some(chunk.total_length),
            blob: Some(crate::tool::blob::encode(chunk.bytes)),
            end: Some(chunk.end),
            extra: Map::new(),
        });
        Self { body, meta: chunk.meta.cloned() }
    }
}

impl LogMessage {
    /// Creates a step that has started.
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
        // The type may come last, so the message is read as a map first.
        #[derive(Deserialize)]
        struct Parts {
            #[serde(rename = "type")]
            kind: ToolMessageType,
            #[serde(default)]
            message: Option<Map<String, Value>>,
            #[serde(default)]
            meta: Option<Map<String, Value>>,
            // The daemon drops unknown fields. With this field serde does not read the struct from an array.
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
