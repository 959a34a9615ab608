//! The permissions of a plugin.

use serde::Deserialize;

/// The reverse invocations that a plugin is allowed to make (`resource.permission`).
///
/// The default allows nothing, and an absent permission is denied. Uploading a file needs no permission. The daemon checks
/// permissions in `internal/core/io_tunnel/backwards_invocation/task.go`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Permission {
    /// Whether the plugin may call tools (`tool.enabled`).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub tool: bool,
    /// Which types of model the plugin may call.
    pub model: ModelPermission,
    /// Whether the plugin may run workflow nodes: parameter extractor and question classifier (`node.enabled`).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub node: bool,
    /// Whether the plugin's endpoints may be set up in a workspace (`endpoint.enabled`;
    /// `internal/service/setup_endpoint.go`).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub endpoint: bool,
    /// Whether the plugin may call apps and fetch their details (`app.enabled`).
    #[serde(deserialize_with = "crate::typed::enabled")]
    pub app: bool,
    /// Whether and how much data the plugin may store.
    pub storage: StoragePermission,
}

/// The types of model that a plugin may call (`resource.permission.model`).
///
/// A type is allowed if both `enabled` and its own field are true; the methods check both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelPermission {
    /// Whether any models may be called.
    pub enabled: bool,
    /// Language models.
    pub llm: bool,
    /// Text embedding, including multimodal embedding.
    pub text_embedding: bool,
    /// Reranking, including multimodal reranking.
    pub rerank: bool,
    /// Text to speech.
    pub tts: bool,
    /// Speech to text.
    pub speech2text: bool,
    /// Moderation.
    pub moderation: bool,
}

impl ModelPermission {
    /// Returns whether language models may be called, also for structured output and summaries.
    pub fn allows_llm(&self) -> bool {
        self.enabled && self.llm
    }

    /// Returns whether embedding models may be called.
    pub fn allows_text_embedding(&self) -> bool {
        self.enabled && self.text_embedding
    }

    /// Returns whether reranking models may be called.
    pub fn allows_rerank(&self) -> bool {
        self.enabled && self.rerank
    }

    /// Returns whether text-to-speech models may be called.
    pub fn allows_tts(&self) -> bool {
        self.enabled && self.tts
    }

    /// Returns whether speech-to-text models may be called.
    pub fn allows_speech2text(&self) -> bool {
        self.enabled && self.speech2text
    }

    /// Returns whether moderation models may be called.
    pub fn allows_moderation(&self) -> bool {
        self.enabled && self.moderation
    }
}

/// The permission to store data (`resource.permission.storage`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StoragePermission {
    /// Whether the plugin may store data.
    pub enabled: bool,
    /// The total size in bytes. The daemon has a cap of its own, 100 MiB by default.
    pub size: u64,
}
