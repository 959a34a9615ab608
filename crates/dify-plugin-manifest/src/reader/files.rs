//! The lists that name further files, or hold what these would.

use serde_json::{Value as Json, json};

use super::Reader;
use crate::package::DeclaredFile;
use crate::report::Place;
use crate::schema::Object;
use crate::suggest::instead;
use crate::yaml::{Mapping, Raw, Value};

impl Reader {
    /// The tools, strategies and so on of a provider: those written inline are read, and the files that declare the others
    /// are kept in [`members`](Reader::members).
    pub(crate) fn members(&mut self, value: Option<&Value<'_>>, object: &Object) -> Json {
        let mut inline = Vec::new();
        for item in self.listed(value) {
            match item.raw() {
                Raw::Scalar(path) => self.members.push(DeclaredFile::new(path, item.location())),
                Raw::Mapping => {
                    inline.push(Json::Object(self.object(&Place::of(&item), Some(&item), object)))
                }
                Raw::Sequence | Raw::Alias => self.report.dropped(
                    &item,
                    "this is neither a path nor a declaration, and the daemon drops it",
                    "write the path of a file, from the plugin's root",
                ),
            }
        }
        Json::Array(inline)
    }

    /// The endpoints of a group. The daemon's list ends without a word at an inline one that it can't read.
    pub(super) fn endpoints(
        &mut self,
        mapping: Option<&Mapping<'_>>,
        value: Option<&Value<'_>>,
        object: &Object,
    ) -> Json {
        let mut inline = Vec::new();
        for item in self.listed(value) {
            if let Raw::Scalar(path) = item.raw() {
                self.members.push(DeclaredFile::new(path, item.location()));
                continue;
            }
            let (errors, findings) = (self.report.errors.len(), self.report.findings.len());
            // To Go an alias to null is an endpoint without anything.
            let given = Some(&item).filter(|item| !item.is_null().unwrap_or(true));
            let endpoint = self.object(&Place::of(&item), given, object);
            if self.report.stopped {
                break;
            }
            if let Some(problem) = self.report.errors.get(errors) {
                let message = format!("the daemon silently ends the list of endpoints here: {problem}");
                self.report.errors.truncate(errors);
                self.report.findings.truncate(findings);
                let help = "correct the endpoint";
                self.report.misread(&Place::of(&item), "endpoints-end", message, help);
                break;
            }
            inline.push(Json::Object(endpoint));
        }
        // The daemon decodes this list and then drops it, so only its errors count.
        if let Some(list) = mapping.and_then(|mapping| self.get(mapping, "endpoint_declarations")) {
            self.objects(Some(&list), object);
            let help = "write the endpoints under `endpoints`";
            self.report.dropped(&list, "the daemon reads this list and drops it", help);
        }
        // Go's slice stays nil.
        if inline.is_empty() { Json::Null } else { Json::Array(inline) }
    }

    /// The models of a provider: a list is read; of a mapping, which is the usual form, the patterns of files and the
    /// position files are kept. Null where no list is written.
    pub(super) fn models(
        &mut self,
        mapping: Option<&Mapping<'_>>,
        value: Option<&Value<'_>>,
        object: &Object,
    ) -> Json {
        let mut models = self.written_models(value, object);
        // A key that no plugin uses. The daemon reads it all the same, unless `models` is a list.
        if let Some(list) = mapping.and_then(|mapping| self.get(mapping, "model_declarations")) {
            let inline = self.objects(Some(&list), object);
            if models.is_null() {
                models = inline;
            }
        }
        if models.is_null() && !self.unread { json!([]) } else { models }
    }

    fn written_models(&mut self, value: Option<&Value<'_>>, object: &Object) -> Json {
        const TYPES: [&str; 6] = ["llm", "text_embedding", "tts", "speech2text", "moderation", "rerank"];
        let Some(value) = value else { return Json::Null };
        match value.raw() {
            Raw::Sequence => return self.objects(Some(value), object),
            Raw::Mapping => {}
            Raw::Scalar(_) | Raw::Alias => {
                self.dropped_unless_null(
                    value,
                    "the daemon drops what is not written as a mapping or a list here",
                    "write the model types below `models:`, and below each `predefined:` with a list of files",
                );
                return Json::Null;
            }
        }
        let mut positions: Vec<(&'static str, DeclaredFile)> = Vec::new();
        for (key, value) in self.pairs(value) {
            let Some(model_type) = TYPES.into_iter().find(|known| *known == key) else {
                let help = instead(key, TYPES.into_iter());
                self.report.dropped(&value, &format!("`{key}` is no model type here, and is dropped"), &help);
                continue;
            };
            if !matches!(value.raw(), Raw::Mapping) {
                self.dropped_unless_null(
                    &value,
                    "this is no mapping, and the daemon drops it",
                    "write `predefined:` below it, and a list of files below that",
                );
                continue;
            }
            for (key, value) in self.pairs(&value) {
                match (key, value.raw()) {
                    ("position", raw) => {
                        let path = if let Raw::Scalar(path) = raw { path } else { "" };
                        positions.retain(|(other, _)| *other != model_type);
                        positions.push((model_type, DeclaredFile::new(path, value.location())));
                    }
                    ("predefined", Raw::Sequence) => {
                        for item in self.report.caught(value.content()).unwrap_or_default() {
                            let pattern = if let Raw::Scalar(pattern) = item.raw() { pattern } else { "" };
                            self.model_patterns.push(DeclaredFile::new(pattern, item.location()));
                        }
                    }
                    ("predefined", _) => self.dropped_unless_null(
                        &value,
                        "this is no list, and the daemon drops it",
                        "write a list, as in `- models/llm/*.yaml`",
                    ),
                    (other, _) => self.report.dropped(
                        &value,
                        &format!("`{other}` is no key here, and is dropped"),
                        &instead(other, ["predefined", "position"].into_iter()),
                    ),
                }
            }
        }
        self.positions = Some(positions);
        Json::Null
    }

    /// A list of the provider files of a kind; `place` names the kind.
    pub(crate) fn provider_paths(&mut self, place: &Place, value: Option<&Value<'_>>) -> Json {
        let Some(value) = value.filter(|value| !value.is_null().unwrap_or(true)) else { return Json::Null };
        let paths = self.items(value, |reader, item| {
            let path = reader.plain::<String>(Some(item))?;
            reader.providers.push((place.field.clone(), DeclaredFile::new(&path, item.location())));
            Some(path)
        });
        paths.map_or(Json::Null, |paths| json!(paths))
    }

    /// Reads a mapping that counts only if it is written as one.
    pub(super) fn written(&mut self, place: &Place, value: Option<&Value<'_>>, object: &Object) -> Json {
        let Some(value) = value else { return Json::Null };
        if matches!(value.raw(), Raw::Mapping) {
            return Json::Object(self.object(place, Some(value), object));
        }
        self.dropped_unless_null(
            value,
            "the daemon silently drops anything but a mapping here",
            "write it out as lines of `key: value`",
        );
        Json::Null
    }

    /// The items of what is written as a list; anything else is dropped by the daemon.
    fn listed<'d>(&mut self, value: Option<&Value<'d>>) -> Vec<Value<'d>> {
        let Some(value) = value else { return Vec::new() };
        if matches!(value.raw(), Raw::Sequence) {
            return self.report.caught(value.content()).unwrap_or_default();
        }
        self.dropped_unless_null(
            value,
            "the daemon drops what is not written as a list here",
            "write one path a line, each after `- `",
        );
        Vec::new()
    }

    fn dropped_unless_null(&mut self, value: &Value<'_>, message: &str, help: &str) {
        if !value.is_null().unwrap_or(false) {
            self.report.dropped(value, message, help);
        }
    }

    /// Keys and values as they are written.
    fn pairs<'d>(&mut self, mapping: &Value<'d>) -> Vec<(&'d str, Value<'d>)> {
        let mut content = self.report.caught(mapping.content()).unwrap_or_default().into_iter();
        let mut pairs = Vec::new();
        while let (Some(key), Some(value)) = (content.next(), content.next()) {
            let key = if let Raw::Scalar(text) = key.raw() { text } else { "" };
            pairs.push((key, value.named(key)));
        }
        pairs
    }
}
