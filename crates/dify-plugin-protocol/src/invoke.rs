//! Reverse invocations: what a plugin asks of Dify inside a session, and how the answer comes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::open_enum::open_enum;
use crate::text;

open_enum! {
    /// The kind of a reverse invocation (`internal/core/dify_invocation/types.go`).
    pub enum InvokeType {
        /// Runs an app: chat, workflow or completion.
        App => "app",
        /// Reads an app's parameters.
        FetchApp => "fetch_app",
        /// Runs another tool.
        Tool => "tool",
        /// Runs a large language model.
        Llm => "llm",
        /// Runs a large language model that answers in a given schema.
        LlmStructuredOutput => "llm_structured_output",
        /// Sums up a text with the workspace's default model.
        SystemSummary => "system_summary",
        /// Embeds texts.
        TextEmbedding => "text_embedding",
        /// Embeds texts and images.
        MultimodalEmbedding => "multimodal_embedding",
        /// Ranks documents.
        Rerank => "rerank",
        /// Ranks documents with images.
        MultimodalRerank => "multimodal_rerank",
        /// Speaks a text.
        Tts => "tts",
        /// Writes down speech.
        Speech2Text => "speech2text",
        /// Judges a text.
        Moderation => "moderation",
        /// Runs a parameter extractor node.
        NodeParameterExtractor => "node_parameter_extractor",
        /// Runs a question classifier node.
        NodeQuestionClassifier => "node_question_classifier",
        /// Keeps bytes for the plugin; answered by the daemon itself.
        Storage => "storage",
        /// Asks for an address to upload a file to.
        UploadFile => "upload_file",
    }
}

/// The `data` of a session message of type `invoke`. All three fields are required and of these JSON types, or the
/// daemon closes the whole session (`internal/core/io_tunnel/backwards_invocation/task.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseRequest<'a> {
    /// What is asked.
    #[serde(rename = "type")]
    pub invoke_type: InvokeType,
    /// Chosen by the plugin; the daemon repeats it in every answer and never looks inside.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// The kind's own fields: a JSON object.
    #[serde(borrow)]
    pub request: &'a RawValue,
}

crate::outline_debug!(ReverseRequest<'_> { invoke_type, backwards_request_id, request });

open_enum! {
    /// What one answer to a reverse invocation is (`internal/core/io_tunnel/backwards_invocation/entities.go`).
    pub enum ReverseEvent {
        /// One item of the answer, in `data`.
        Response => "response",
        /// The call failed; the text is in `message`. An `end` follows.
        Error => "error",
        /// The call is over. Always the last, and exactly one, unless the daemon lost its caller.
        End => "end",
    }
}

/// The `data` of a `backwards_response` line (`internal/core/io_tunnel/backwards_invocation/entities.go`).
#[derive(Clone, Serialize, Deserialize)]
pub struct ReverseResponse<'a> {
    /// The id the call was made with.
    #[serde(borrow)]
    pub backwards_request_id: Cow<'a, str>,
    /// What this answer is.
    pub event: ReverseEvent,
    /// For an error its text; otherwise `stream`, `struct` or empty, and without meaning.
    #[serde(borrow, default, deserialize_with = "text::or_empty")]
    pub message: Cow<'a, str>,
    /// For a response the item, an object; otherwise null.
    #[serde(borrow, default)]
    pub data: Option<&'a RawValue>,
}

crate::outline_debug!(ReverseResponse<'_> { backwards_request_id, event, message, data });

impl<'a> ReverseResponse<'a> {
    /// Parses the `data` of a `backwards_response`.
    ///
    /// # Errors
    ///
    /// If `backwards_request_id` or `event` is missing, or a field has another type than above.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}
