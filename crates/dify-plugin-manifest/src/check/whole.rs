//! Checks of the whole plugin, once all of its files have been read.

use std::path::Path;

use serde_json::Value as Json;

use crate::identity::{is_name, is_name_byte, is_uuid};
use crate::report::{Fields, Report, text};

/// Checks what the daemon checks at upload, and permissions, which it does not.
pub(crate) fn whole(report: &mut Report, root: &Path, declaration: &Fields) {
    identity(report, declaration);
    icons(report, root);
    permissions(report, declaration);
}

/// Checks author, name and the combination of kinds, as `ManifestValidate` in `plugin_declaration.go` does. The daemon reports
/// only the first broken rule; here all are reported.
fn identity(report: &mut Report, declaration: &Fields) {
    // After an error, what seems to be missing may only be unread.
    let unread = !report.errors.is_empty();
    if report.notes.manifest_is_read || !unread {
        for (key, longest) in [("author", 64), ("name", 128)] {
            let text = text(declaration, key);
            let (message, help) = if !is_name(text, longest) {
                invalid_name(key, text, longest)
            } else if key == "author" && is_uuid(text) {
                ("the author must not be a UUID".to_owned(), "write a name".to_owned())
            } else {
                continue;
            };
            report.error(&report.notes.in_manifest(key), "illegal", message, help);
        }
    }

    let given = |key: &str| declaration.get(key).is_some_and(|provider| !provider.is_null());
    let kinds: Vec<_> = KINDS.into_iter().filter(|(key, _)| given(key)).map(|(_, plural)| plural).collect();
    let (message, help) = match kinds[..] {
        [] if !unread => (
            "the plugin declares no tools, endpoints, models or anything else".to_owned(),
            "name a provider's file, as in `tools: [provider/example.yaml]`",
        ),
        [_, _, ..] if kinds != ["tools", "endpoints"] => (
            format!("{} cannot be in one plugin", kinds.join(" and ")),
            "make a plugin for each; only tools and endpoints can share one",
        ),
        _ => return,
    };
    report.error(&report.notes.in_manifest("plugins"), "illegal", message, help);
}

fn icons(report: &mut Report, root: &Path) {
    for (_, place, icon) in std::mem::take(&mut report.notes.icons) {
        if root.join("_assets").join(&icon).is_file() && is_plain_path(&icon) {
            continue;
        }
        let message = format!("there is no icon `_assets/{icon}`");
        let help = match icon.strip_prefix("_assets/") {
            Some(rest) => format!("write `{rest}`: the path begins below `_assets`"),
            None => format!("put the file at `_assets/{icon}`, or correct the path"),
        };
        report.error(&place, "no-icon", message, help);
    }
}

fn permissions(report: &mut Report, declaration: &Fields) {
    let resource = declaration.get("resource").unwrap_or(&Json::Null);
    let enabled = resource["permission"]["endpoint"]["enabled"] == true;
    if declaration.get("endpoint").is_some_and(|group| !group.is_null()) && !enabled {
        let place = report.notes.in_manifest("resource");
        let message = "users cannot set up the endpoints without the permission for them";
        let help = "write `permission: {endpoint: {enabled: true}}` below `resource:`";
        report.warn(&place, "no-permission", message, help);
    }
    let models = &resource["permission"]["model"];
    let some = models
        .as_object()
        .is_some_and(|models| models.iter().any(|(key, on)| key != "enabled" && *on == true));
    if some && models["enabled"] != true {
        let place = report.notes.in_manifest("resource");
        let message = "no model can be called while `permission.model.enabled` is not true";
        report.warn(&place, "no-permission", message, "add `enabled: true` below `model:`");
    }
}

/// The kinds of provider: the key in the declaration, and the plural of its members' name.
const KINDS: [(&str, &str); 6] = [
    ("tool", "tools"),
    ("endpoint", "endpoints"),
    ("model", "models"),
    ("agent_strategy", "agent strategies"),
    ("datasource", "data sources"),
    ("trigger", "triggers"),
];

/// Returns the message and the fix for an author or name that the daemon refuses.
fn invalid_name(key: &str, text: &str, longest: usize) -> (String, String) {
    let rule = format!("write 1 to {longest} of a-z, 0-9, `_` and `-`");
    if text.is_empty() {
        return (format!("the plugin's {key} is missing or empty"), rule);
    }
    let allowed = |letter: char| u8::try_from(letter).is_ok_and(is_name_byte);
    let similar = text.to_lowercase().replace(|letter| !allowed(letter), "-");
    let similar = similar.trim_matches('-');
    let help = if is_name(similar, longest) { format!("try `{similar}`: {rule}") } else { rule };
    (format!("`{text}` is not a valid plugin {key}"), help)
}

/// Whether the daemon finds the file in a package under exactly this path.
fn is_plain_path(path: &str) -> bool {
    !path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}
