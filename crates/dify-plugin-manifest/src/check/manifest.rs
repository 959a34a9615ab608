//! Checks of `manifest.yaml` for which the daemon refuses a plugin or cannot start it.

use crate::identity::is_version;
use crate::report::{Fields, Place, Subject, text};
use crate::yaml::Value;

/// How to write a version.
pub(crate) const VERSION: &str = "write three numbers of up to four digits, as in `0.0.1`";

pub(crate) fn manifest(subject: &mut Subject<'_, '_>, manifest: &mut Fields) {
    if let Some(mapping) = subject.mapping {
        subject.report.notes.manifest_is_read = true;
        for key in ["author", "name", "plugins", "resource"] {
            let at = mapping.location_of(key).map(|at| (key, at));
            subject.report.notes.manifest_keys.extend(at);
        }
    }
    subject.icon("icon", manifest);
    subject.icon("icon_dark", manifest);

    // The daemon accepts any version that can be in a unique identifier (`pkg/entities/plugin_entities/identity.go`), others
    // only `manifest_entities/version.go`'s.
    let version = text(manifest, "version");
    if !is_version(version, 2..=4) {
        let message = format!("`{version}` is not a valid version");
        subject.report.error(&subject.at("version"), "wrong-format", message, VERSION);
    } else if !is_version(version, 3..=3) {
        let message = format!("`{version}` is a version that only the daemon accepts");
        subject.warn("version", "wrong-format", message, VERSION);
    }

    let meta = subject.get("meta").and_then(|meta| meta.mapping().ok());
    let language = manifest["meta"]["runner"]["language"].as_str().unwrap_or_default();
    if language != "python" {
        let runner = meta.as_ref().and_then(|meta| meta.get("runner").ok().flatten());
        let written = runner.as_ref().and_then(|runner| runner.mapping().ok()?.location_of("language"));
        let place = subject.place.field("meta").field("runner").field("language");
        let at = written.or(runner.as_ref().map(Value::location));
        let message = match language {
            "" => "`language` is missing, so the daemon cannot start the plugin".to_owned(),
            other => format!("the daemon cannot start a plugin in the language `{other}`"),
        };
        let help = "write `language: python`: its module `main` starts the binary of a Rust plugin";
        let place = Place { at: at.unwrap_or(place.at), ..place };
        subject.report.error(&place, "unknown-value", message, help);
    }
    if manifest["meta"]["arch"].as_array().is_some_and(Vec::is_empty) {
        let place = subject.place.field("meta").field("arch");
        let at = meta.and_then(|meta| meta.location_of("arch")).unwrap_or(place.at);
        let help = "list the processors that the plugin runs on: amd64, arm64";
        subject.report.warn(&Place { at, ..place }, "missing", "`arch` is empty", help);
    }
}
