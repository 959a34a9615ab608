//! The 17 reverse invocations, in one table.

use crate::open_enum::open_enum;

open_enum! {
    /// The type of a reverse invocation (`internal/core/dify_invocation/types.go`).
    pub enum InvokeType {
        /// Runs an app: chat, workflow or completion.
        App => "app",
        /// Reads an app's parameters.
        FetchApp => "fetch_app",
        /// Runs another tool.
        Tool => "tool",
        /// Runs a large language model.
        Llm => "llm",
        /// Runs a large language model whose output follows a given schema.
        LlmStructuredOutput => "llm_structured_output",
        /// Summarizes a text with the workspace's default model.
        SystemSummary => "system_summary",
        /// Embeds texts.
        TextEmbedding => "text_embedding",
        /// Embeds texts and images.
        MultimodalEmbedding => "multimodal_embedding",
        /// Ranks documents.
        Rerank => "rerank",
        /// Ranks documents with images.
        MultimodalRerank => "multimodal_rerank",
        /// Converts text to speech.
        Tts => "tts",
        /// Transcribes speech.
        Speech2Text => "speech2text",
        /// Checks a text against the moderation model.
        Moderation => "moderation",
        /// Runs a parameter extractor node.
        NodeParameterExtractor => "node_parameter_extractor",
        /// Runs a question classifier node.
        NodeQuestionClassifier => "node_question_classifier",
        /// Stores bytes for the plugin. Handled by the daemon itself.
        Storage => "storage",
        /// Requests a URL to upload a file to.
        UploadFile => "upload_file",
    }
}

open_enum! {
    /// A permission that reverse invocations need, in the spelling of the daemon's errors.
    pub enum PermissionKey {
        /// Calling apps and reading their parameters.
        App => "app",
        /// Calling tools.
        Tool => "tool",
        /// Calling large language models.
        Llm => "llm",
        /// Calling embedding models.
        TextEmbedding => "text-embedding",
        /// Calling rerank models.
        Rerank => "rerank",
        /// Calling text-to-speech models.
        Tts => "tts",
        /// Calling speech-to-text models.
        Speech2Text => "speech2text",
        /// Calling moderation models.
        Moderation => "moderation",
        /// Running workflow nodes.
        Node => "node",
        /// Storing data.
        Storage => "storage",
    }
}

impl PermissionKey {
    /// Returns the key below `resource.permission` in the manifest that grants this permission. The keys below `model`
    /// take effect only together with `model.enabled`.
    pub fn manifest_key(&self) -> &str {
        match self {
            Self::App => "app.enabled",
            Self::Tool => "tool.enabled",
            Self::Llm => "model.llm",
            Self::TextEmbedding => "model.text_embedding",
            Self::Rerank => "model.rerank",
            Self::Tts => "model.tts",
            Self::Speech2Text => "model.speech2text",
            Self::Moderation => "model.moderation",
            Self::Node => "node.enabled",
            Self::Storage => "storage.enabled",
            Self::Unknown(name) => name,
        }
    }
}

/// What the daemon does with one type of reverse invocation (`internal/core/io_tunnel/backwards_invocation/task.go`).
#[derive(Debug)]
#[non_exhaustive]
pub struct InvokeSpec {
    /// The type of the reverse invocation.
    pub invoke_type: InvokeType,
    /// The permission it needs. `None` means it is always allowed.
    pub permission: Option<PermissionKey>,
    /// The prefix of the error text before the first reply. Empty for storage, whose
    /// errors have texts of their own.
    pub error_prefix: &'static str,
    /// The prefix of the error text while the daemon reads a stream. `None` if Dify sends a
    /// single reply.
    pub stream_error_prefix: Option<&'static str>,
}

impl InvokeSpec {
    /// Returns the specifications of all known reverse invocations, in the order of [`InvokeType::KNOWN`].
    pub fn all() -> &'static [Self] {
        &SPECS
    }

    /// Returns whether Dify sends a stream of replies instead of exactly one.
    pub fn is_stream(&self) -> bool {
        self.stream_error_prefix.is_some()
    }
}

impl InvokeType {
    /// Returns what the daemon does with this type, or `None` for an unknown type.
    pub fn spec(&self) -> Option<&'static InvokeSpec> {
        SPECS.iter().find(|spec| spec.invoke_type == *self)
    }
}

const fn spec(
    invoke_type: InvokeType,
    permission: Option<PermissionKey>,
    error_prefix: &'static str,
    stream_error_prefix: Option<&'static str>,
) -> InvokeSpec {
    InvokeSpec { invoke_type, permission, error_prefix, stream_error_prefix }
}

use {InvokeType as T, PermissionKey as P};

#[rustfmt::skip]
static SPECS: [InvokeSpec; InvokeType::KNOWN.len()] = [
    spec(T::App, Some(P::App), "invoke app failed: ", Some("read app failed: ")),
    spec(T::FetchApp, Some(P::App), "fetch app failed: ", None),
    spec(T::Tool, Some(P::Tool), "invoke tool failed: ", Some("read tool response failed: ")),
    spec(T::Llm, Some(P::Llm), "invoke llm model failed: ", Some("read llm model failed: ")),
    spec(
        T::LlmStructuredOutput, Some(P::Llm), "invoke llm with structured output model failed: ",
        Some("read llm with structured output model failed: "),
    ),
    spec(T::SystemSummary, Some(P::Llm), "invoke summary failed: ", None),
    spec(T::TextEmbedding, Some(P::TextEmbedding), "invoke text-embedding model failed: ", None),
    spec(T::MultimodalEmbedding, Some(P::TextEmbedding), "invoke multimodal embedding model failed: ", None),
    spec(T::Rerank, Some(P::Rerank), "invoke rerank model failed: ", None),
    spec(T::MultimodalRerank, Some(P::Rerank), "invoke multimodal rerank model failed: ", None),
    spec(T::Tts, Some(P::Tts), "invoke tts model failed: ", Some("read tts model failed: ")),
    spec(T::Speech2Text, Some(P::Speech2Text), "invoke speech2text model failed: ", None),
    spec(T::Moderation, Some(P::Moderation), "invoke moderation model failed: ", None),
    spec(T::NodeParameterExtractor, Some(P::Node), "invoke parameter extractor failed: ", None),
    spec(T::NodeQuestionClassifier, Some(P::Node), "invoke question classifier failed: ", None),
    spec(T::Storage, Some(P::Storage), "", None),
    spec(T::UploadFile, None, "upload file failed: ", None),
];
