//! Which reverse invocations a manifest permits.

use dify_plugin_manifest::Permission;
use dify_plugin_protocol::invoke::PermissionKey;

/// Whether `permission` grants what a reverse invocation needs.
pub(super) fn grants(permission: &Permission, needed: &PermissionKey) -> bool {
    match needed {
        PermissionKey::App => permission.app,
        PermissionKey::Tool => permission.tool,
        PermissionKey::Llm => permission.model.allows_llm(),
        PermissionKey::TextEmbedding => permission.model.allows_text_embedding(),
        PermissionKey::Rerank => permission.model.allows_rerank(),
        PermissionKey::Tts => permission.model.allows_tts(),
        PermissionKey::Speech2Text => permission.model.allows_speech2text(),
        PermissionKey::Moderation => permission.model.allows_moderation(),
        PermissionKey::Node => permission.node,
        PermissionKey::Storage => permission.storage.enabled,
        _ => false,
    }
}
