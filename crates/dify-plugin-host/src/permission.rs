//! What a manifest allows a plugin to ask of Dify, and the daemon's words where it doesn't
//! (`internal/core/io_tunnel/backwards_invocation/task.go`).

use dify_plugin_manifest::Permission;
use dify_plugin_protocol::InvokeType;

/// The text with which a call of `kind` is refused, if it is. Without a manifest every known kind is allowed.
pub(crate) fn refusal(permission: Option<&Permission>, kind: &InvokeType) -> Option<String> {
    let nothing = Permission::default();
    let given = permission.unwrap_or(&nothing);
    // Whether the kind's switch is on, and what the daemon calls it.
    let (allowed, name) = match kind {
        InvokeType::App | InvokeType::FetchApp => (given.app, "app"),
        InvokeType::Tool => (given.tool, "tool"),
        InvokeType::Llm | InvokeType::LlmStructuredOutput | InvokeType::SystemSummary => {
            (given.model.allows_llm(), "llm")
        }
        InvokeType::TextEmbedding | InvokeType::MultimodalEmbedding => {
            (given.model.allows_text_embedding(), "text-embedding")
        }
        InvokeType::Rerank | InvokeType::MultimodalRerank => (given.model.allows_rerank(), "rerank"),
        InvokeType::Tts => (given.model.allows_tts(), "tts"),
        InvokeType::Speech2Text => (given.model.allows_speech2text(), "speech2text"),
        InvokeType::Moderation => (given.model.allows_moderation(), "moderation"),
        InvokeType::NodeParameterExtractor | InvokeType::NodeQuestionClassifier => (given.node, "node"),
        InvokeType::Storage => (given.storage.enabled, "storage"),
        InvokeType::UploadFile => (true, ""),
        unknown => return Some(format!("unsupported invoke type: {unknown}")),
    };
    (permission.is_some() && !allowed)
        .then(|| format!("permission denied, you need to enable {name} access in plugin manifest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_permission_denies_all_but_uploads_and_no_manifest_denies_nothing() {
        let none = Permission::default();
        for name in InvokeType::KNOWN {
            let kind = InvokeType::from(*name);
            assert_eq!(refusal(Some(&none), &kind).is_none(), kind == InvokeType::UploadFile, "{name}");
            assert_eq!(refusal(None, &kind), None);
        }
    }

    #[test]
    fn refusals_are_in_the_daemons_words() {
        let mut some = Permission::default();
        some.app = true;
        some.model.llm = true;
        assert_eq!(refusal(Some(&some), &InvokeType::FetchApp), None);
        assert_eq!(
            refusal(Some(&some), &InvokeType::SystemSummary).as_deref(),
            Some("permission denied, you need to enable llm access in plugin manifest")
        );
        some.model.enabled = true;
        assert_eq!(refusal(Some(&some), &InvokeType::Llm), None);
        assert_eq!(
            refusal(None, &InvokeType::from("encrypt")).as_deref(),
            Some("unsupported invoke type: encrypt")
        );
    }
}
