//! What a plugin may ask of Dify.

use serde::Deserialize;

/// `resource.permission`: the reverse invocations that a plugin may make. The default allows nothing, and an
/// absent part is a denied one. Uploading a file needs no permission.
///
/// The daemon checks these in `internal/core/io_tunnel/backwards_invocation/task.go`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Permission {
    /// `tool.enabled`: calling tools.
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub tool: bool,
    /// `model`: calling models, by type.
    pub model: ModelPermission,
    /// `node.enabled`: running workflow nodes (parameter extractor, question classifier).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub node: bool,
    /// `endpoint.enabled`: being set up as an endpoint in a workspace (`internal/service/setup_endpoint.go`).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub endpoint: bool,
    /// `app.enabled`: calling apps, and fetching what is known of them.
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub app: bool,
    /// `storage`: keeping data.
    pub storage: StoragePermission,
}

/// `resource.permission.model`. A type of model may be called when both `enabled` and its own switch are on,
/// which is what the methods tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelPermission {
    /// The switch over all the others.
    pub enabled: bool,
    /// The switch for language models.
    pub llm: bool,
    /// The switch for text embedding, multimodal embedding included.
    pub text_embedding: bool,
    /// The switch for reranking, multimodal reranking included.
    pub rerank: bool,
    /// The switch for text to speech.
    pub tts: bool,
    /// The switch for speech to text.
    pub speech2text: bool,
    /// The switch for moderation.
    pub moderation: bool,
}

impl ModelPermission {
    /// Tells whether language models may be called, with structured output and for summaries too.
    pub fn allows_llm(&self) -> bool {
        self.enabled && self.llm
    }

    /// Tells whether text may be embedded.
    pub fn allows_text_embedding(&self) -> bool {
        self.enabled && self.text_embedding
    }

    /// Tells whether documents may be reranked.
    pub fn allows_rerank(&self) -> bool {
        self.enabled && self.rerank
    }

    /// Tells whether text may be spoken.
    pub fn allows_tts(&self) -> bool {
        self.enabled && self.tts
    }

    /// Tells whether speech may be transcribed.
    pub fn allows_speech2text(&self) -> bool {
        self.enabled && self.speech2text
    }

    /// Tells whether text may be moderated.
    pub fn allows_moderation(&self) -> bool {
        self.enabled && self.moderation
    }
}

/// `resource.permission.storage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StoragePermission {
    /// Whether data may be kept.
    pub enabled: bool,
    /// How much in all, in bytes; the daemon has a cap of its own besides (100 MiB unless configured).
    pub size: u64,
}
