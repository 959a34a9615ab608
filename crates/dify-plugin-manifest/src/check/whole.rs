//! The plugin as a whole, once all of its files are read.

use std::path::Path;

use serde_json::{Map, Value as Json};

use crate::manifest::{Kinds, Manifest};
use crate::reader::Reader;
use crate::validate::IllegalManifest;
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

    fn check_identity(&mut self, declaration: &Map<String, Json>) {
        let given = |key: &str| declaration.get(key).is_some_and(|provider| !provider.is_null());
        let text = |key: &str| declaration.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
        let manifest = Manifest {
            author: text("author"),
            name: text("name"),
            kinds: Kinds {
                tool: given("tool"),
                endpoint: given("endpoint"),
                model: given("model"),
                agent_strategy: given("agent_strategy"),
                datasource: given("datasource"),
                trigger: given("trigger"),
            },
            ..Manifest::default()
        };
        // One at a time is all that the daemon says; the rules don't depend on each other, so say all.
        let illegal = [manifest.validate_author(), manifest.validate_name(), manifest.validate_kinds()];
        // What can't be read may be what is missing then.
        let unread = !self.errors.is_empty();
        for illegal in illegal.into_iter().filter_map(Result::err) {
            let excused = match illegal {
                IllegalManifest::Author | IllegalManifest::Name => unread && !self.notes.manifest_is_read,
                IllegalManifest::NoKind => unread,
                _ => false,
            };
            if excused {
                continue;
            }
            let (key, help) = match illegal {
                IllegalManifest::Author => ("author", "write 1 to 64 of a-z, 0-9, `_` and `-`"),
                IllegalManifest::Name => ("name", "write 1 to 128 of a-z, 0-9, `_` and `-`"),
                IllegalManifest::NoKind => {
                    ("plugins", "name a provider's file, as in `tools: [provider/example.yaml]`")
                }
                _ => ("plugins", "make a plugin of each; only tools and endpoints go together"),
            };
            let place = self.notes.spot(key);
            self.refuse(&place, None, "illegal", &illegal.to_string(), help);
        }
        if is_uuid(&manifest.author) {
            let place = self.notes.spot("author");
            self.refuse(&place, None, "illegal", "cannot set author to an UUID", "write a name");
        }
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
