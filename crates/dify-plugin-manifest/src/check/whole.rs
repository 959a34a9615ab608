//! The plugin as a whole, once all of its files are read.

use std::path::Path;

use serde_json::{Map, Value as Json};

use crate::reader::Reader;
use crate::yaml::Source;

impl Reader {
    /// A position file: a list of names.
    pub(crate) fn names(&mut self, source: &Source) -> Json {
        let root = self.caught(source.root()).flatten();
        let Some(root) = root.filter(|root| !root.is_null().unwrap_or(true)) else { return Json::Null };
        self.texts(&root)
    }

    /// Checks what the daemon checks when a package is uploaded, and what it should.
    pub(crate) fn check_whole(&mut self, root: &Path, declaration: &Map<String, Json>) {
        self.check_identity(declaration);
        self.check_icons(root);
        self.check_permissions(declaration);
    }

    /// `ManifestValidate` and the identifier's rules (chapter 4.1.10). The daemon stops at the first rule that is
    /// broken; the rules don't depend on each other, so all are reported.
    fn check_identity(&mut self, declaration: &Map<String, Json>) {
        // What could not be read may be what seems to be missing.
        let unread = !self.errors.is_empty();
        if self.notes.manifest_is_read || !unread {
            for (key, longest) in [("author", 64), ("name", 128)] {
                let text = declaration.get(key).and_then(Json::as_str).unwrap_or_default();
                let (message, help) = if !is_name(text, longest) {
                    invalid_name(key, text, longest)
                } else if key == "author" && is_uuid(text) {
                    ("the author must not be a UUID".to_owned(), "write a name".to_owned())
                } else {
                    continue;
                };
                self.refuse(&self.notes.spot(key), None, "illegal", &message, &help);
            }
        }

        let given = |key: &str| declaration.get(key).is_some_and(|provider| !provider.is_null());
        let kinds: Vec<_> =
            KINDS.into_iter().filter(|(key, _)| given(key)).map(|(_, plural)| plural).collect();
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
        self.refuse(&self.notes.spot("plugins"), None, "illegal", &message, help);
    }

    fn check_icons(&mut self, root: &Path) {
        for (_, place, icon) in std::mem::take(&mut self.notes.icons) {
            if root.join("_assets").join(&icon).is_file() && is_plain_path(&icon) {
                continue;
            }
            let message = format!("there is no icon `_assets/{icon}`");
            let help = match icon.strip_prefix("_assets/") {
                Some(rest) => format!("write `{rest}`: the path begins below `_assets`"),
                None => format!("put the file at `_assets/{icon}`, or correct the path"),
            };
            self.refuse(&place, None, "no-icon", &message, &help);
        }
    }

    fn check_permissions(&mut self, declaration: &Map<String, Json>) {
        let resource = declaration.get("resource").unwrap_or(&Json::Null);
        let enabled = resource["permission"]["endpoint"]["enabled"] == true;
        if declaration.get("endpoint").is_some_and(|group| !group.is_null()) && !enabled {
            let place = self.notes.spot("resource");
            let message = "nobody can set up the endpoints: the permission for it is missing";
            let help = "write `permission: {endpoint: {enabled: true}}` below `resource:`";
            self.misread(&place, None, "no-permission", message, help);
        }
        let models = &resource["permission"]["model"];
        let some = models
            .as_object()
            .is_some_and(|models| models.iter().any(|(key, on)| key != "enabled" && *on == true));
        if some && models["enabled"] != true {
            let place = self.notes.spot("resource");
            let message = "no model can be called: `permission.model.enabled` is not true";
            self.misread(&place, None, "no-permission", message, "add `enabled: true` below `model:`");
        }
    }
}

/// The kinds of provider: the key in the declaration, and what its members are called.
const KINDS: [(&str, &str); 6] = [
    ("tool", "tools"),
    ("endpoint", "endpoints"),
    ("model", "models"),
    ("agent_strategy", "agent strategies"),
    ("datasource", "data sources"),
    ("trigger", "triggers"),
];

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
}

/// What to say of an author or a name that the daemon refuses.
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

/// What Go's `uuid.Parse` takes: the usual form, one in braces, one after `urn:uuid:`, and one without hyphens.
fn is_uuid(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = match text.len() {
        45 => text.strip_prefix("urn:uuid:").unwrap_or(text),
        38 => text.get(1..37).unwrap_or(text),
        32 => return digits(text),
        _ => text,
    };
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| digits(part))
}

/// Whether a package can have a file of that path: one that the daemon finds under the very same name.
fn is_plain_path(path: &str) -> bool {
    !path.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}

#[cfg(test)]
mod tests {
    use super::is_uuid;

    #[test]
    fn uuids_are_those_of_go() {
        for text in ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"] {
            assert!(is_uuid(text), "{text}");
        }
        for text in
            ["", "pond", "123e4567-e89b-12d3-a456-42661417400", "123e4567-e89b-12d3-a456-42661417400g"]
        {
            assert!(!is_uuid(text), "{text}");
        }
    }
}
