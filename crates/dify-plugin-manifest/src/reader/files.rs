//! Lists of further files, or of inline declarations in their place.

use serde_json::{Value as Json, json};

use super::Reader;
use crate::declared_file::DeclaredFile;
use crate::report::Place;
use crate::schema::Object;
use crate::suggest::instead;
use crate::yaml::{Mapping, Raw, Value};

impl Reader {
    /// Reads the tools or other members of a provider. Inline declarations are read at once; file paths are collected in
    /// [`members`](Reader::members).
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

    /// Reads the endpoints of a group. The daemon silently ends the list at the first inline endpoint that it cannot read.
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
            // For Go, an alias to null is an endpoint with no fields.
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
                self.report.warn(&Place::of(&item), "endpoints-end", message, help);
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
        // Go's slice stays nil, which is null in JSON.
        if inline.is_empty() { Json::Null } else { Json::Array(inline) }
    }

    /// Reads the models of a provider. A list is read at once; of a mapping, which is the usual form, the file patterns and
    /// position files are collected.
    pub(super) fn models(
        &mut self,
        mapping: Option<&Mapping<'_>>,
        value: Option<&Value<'_>>,
        object: &Object,
    ) -> Json {
        let mut models = self.written_models(value, object);
        // No plugin uses this key, but the daemon reads it unless `models` is a list.
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
                    "the daemon drops anything but a mapping or a list here",
                    "write the model types below `models:`, and below each `predefined:` with a list of files",
                );
                return Json::Null;
            }
        }
        let mut positions: Vec<(&'static str, DeclaredFile)> = Vec::new();
        for (key, value) in self.pairs(value) {
            let Some(model_type) = TYPES.into_iter().find(|known| *known == key) else {
                let help = instead(key, TYPES.into_iter());
                self.report.dropped(
                    &value,
                    &format!("`{key}` is not a model type here and is dropped"),
                    &help,
                );
                continue;
            };
            if !matches!(value.raw(), Raw::Mapping) {
                self.dropped_unless_null(
                    &value,
                    "this is not a mapping, and the daemon drops it",
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
                        "this is not a list, and the daemon drops it",
                        "write a list, as in `- models/llm/*.yaml`",
                    ),
                    (other, _) => self.report.dropped(
                        &value,
                        &format!("`{other}` is not a key here and is dropped"),
                        &instead(other, ["predefined", "position"].into_iter()),
                    ),
                }
            }
        }
        self.positions = Some(positions);
        Json::Null
    }

    /// Reads the list of provider files of a kind; `place` names the kind.
    pub(crate) fn provider_paths(&mut self, place: &Place, value: Option<&Value<'_>>) -> Json {
        let Some(value) = value.filter(|value| !value.is_null().unwrap_or(true)) else { return Json::Null };
        let paths = self.items(value, |reader, item| {
            let path = reader.plain::<String>(Some(item))?;
            reader.providers.push((place.field.clone(), DeclaredFile::new(&path, item.location())));
            Some(path)
        });
        paths.map_or(Json::Null, |paths| json!(paths))
    }

    /// Reads a mapping that is ignored if it is written as anything else.
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

    /// Returns the items of a value written as a list. The daemon drops anything else.
    fn listed<'d>(&mut self, value: Option<&Value<'d>>) -> Vec<Value<'d>> {
        let Some(value) = value else { return Vec::new() };
        if matches!(value.raw(), Raw::Sequence) {
            return self.report.caught(value.content()).unwrap_or_default();
        }
        self.dropped_unless_null(
            value,
            "the daemon drops anything but a list here",
            "write one path a line, each after `- `",
        );
        Vec::new()
    }

    fn dropped_unless_null(&mut self, value: &Value<'_>, message: &str, help: &str) {
        if !value.is_null().unwrap_or(false) {
            self.report.dropped(value, message, help);
        }
    }

    /// Returns the keys and values of a mapping as they are written.
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
