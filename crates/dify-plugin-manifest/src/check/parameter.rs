//! Parameters, credentials and settings: type, scope, options and default go together.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use crate::reader::{Place, Reader};
use crate::yaml::Mapping;

/// A credential or setting.
pub(crate) fn config(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    config: &mut Map<String, Json>,
) {
    scope(reader, place, mapping, config);
    options(reader, place, mapping, config);
    default(reader, place, mapping, config);
}

/// A parameter of any kind.
pub(crate) fn parameter(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    parameter: &mut Map<String, Json>,
) {
    config(reader, place, mapping, parameter);
    range(reader, place, mapping, parameter);
    if text(parameter, "form") == "llm" && text(parameter, "llm_description").is_empty() {
        let message = "a model gives this value and isn't told what it is";
        let help = "write `llm_description:`, or `form: form` for a value that a person gives";
        reader.misread(&place.field("llm_description"), mapping, "missing", message, help);
    }
}

/// A credential of a model provider.
pub(crate) fn form(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    form: &mut Map<String, Json>,
) {
    if matches!(text(form, "type"), "select" | "radio") && list(form, "options").is_empty() {
        let message = format!("there is nothing to choose in a {}", text(form, "type"));
        reader.misread(&place.field("options"), mapping, "missing", &message, NO_OPTIONS);
    }
}

const NO_OPTIONS: &str = "write `options:` and below it, for each, `- value:` and `label:`";

/// What parts a scope may have, by the type of what it narrows (chapter 4.1.3).
fn scope(reader: &mut Reader, place: &Place, mapping: Option<&Mapping<'_>>, fields: &Map<String, Json>) {
    let Some(scope) = fields.get("scope").and_then(Json::as_str) else { return };
    let known: &[&str] = match text(fields, "type") {
        "app-selector" => &["all", "chat", "workflow", "completion"],
        "model-selector" => &[
            "llm",
            "text-embedding",
            "rerank",
            "tts",
            "speech2text",
            "moderation",
            "vision",
            "document",
            "tool-call",
        ],
        "any" => {
            &["string", "number", "object", "array[number]", "array[string]", "array[object]", "array[file]"]
        }
        other => {
            let message = format!("a value of the type `{other}` takes no scope");
            reader.misread(&place.field("scope"), mapping, "unknown-value", &message, "remove the line");
            return;
        }
    };
    if let Some(part) = scope.split('&').map(str::trim).find(|part| !known.contains(part)) {
        let help = crate::reader::instead(part, known.iter().copied());
        let message = format!("Dify knows no scope `{part}` here");
        reader.misread(&place.field("scope"), mapping, "unknown-value", &message, &help);
    }
}

fn options(reader: &mut Reader, place: &Place, mapping: Option<&Mapping<'_>>, fields: &Map<String, Json>) {
    let options = list(fields, "options");
    let kind = text(fields, "type");
    if kind == "select" && options.is_empty() {
        reader.misread(
            &place.field("options"),
            mapping,
            "missing",
            "there is nothing to choose in a select",
            NO_OPTIONS,
        );
    }
    if !options.is_empty() && !matches!(kind, "select" | "dynamic-select" | "checkbox" | "") {
        let message = format!("a value of the type `{kind}` is not chosen from options");
        reader.misread(
            &place.field("options"),
            mapping,
            "dropped",
            &message,
            "write `type: select`, or remove them",
        );
    }
    let mut seen: HashSet<String> = HashSet::new();
    for value in options.iter().map(|option| &option["value"]) {
        if !seen.insert(value.to_string()) && *value != "" {
            let message = format!("the option {value} is there twice");
            reader.misread(&place.field("options"), mapping, "twice", &message, "remove one of the two");
        }
    }
}

fn default(reader: &mut Reader, place: &Place, mapping: Option<&Mapping<'_>>, fields: &Map<String, Json>) {
    let Some(default) = fields.get("default").filter(|default| !default.is_null()) else { return };
    let kind = text(fields, "type");
    let multiple = fields.get("multiple") == Some(&Json::Bool(true));
    let wanted = match kind {
        "string" | "text-input" | "secret-input" if !default.is_string() => "text: put it in quotes",
        "number" if !default.is_number() => "a number, without quotes",
        "boolean" if !default.is_boolean() => "true or false, without quotes",
        "array" if !default.is_array() => "a list",
        "object" if !default.is_object() => "a mapping",
        _ => "",
    };
    let here = place.field("default");
    if !wanted.is_empty() {
        let message = format!("the default of a value of the type `{kind}` is none of that type");
        reader.misread(&here, mapping, "wrong-default", &message, &format!("write {wanted}"));
        return;
    }
    let options = list(fields, "options");
    if kind == "select" && !options.is_empty() && !multiple {
        // An option's value is text, and so is the default that Dify compares with it.
        let written = match default {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let values: Vec<_> = options.iter().filter_map(|option| option["value"].as_str()).collect();
        if !values.contains(&&*written) {
            let message = format!("the default `{written}` is none of the options");
            reader.misread(
                &here,
                mapping,
                "wrong-default",
                &message,
                &crate::reader::instead(&written, values.into_iter()),
            );
        }
    }
}

fn range(reader: &mut Reader, place: &Place, mapping: Option<&Mapping<'_>>, fields: &Map<String, Json>) {
    let number = |key: &str| fields.get(key).and_then(Json::as_f64);
    let (min, max) = (number("min"), number("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("the least value {min} is greater than the greatest, {max}");
        reader.misread(&place.field("min"), mapping, "out-of-range", &message, "swap the two");
        return;
    }
    let Some(default) = number("default") else { return };
    if min.is_some_and(|min| default < min) || max.is_some_and(|max| default > max) {
        let message = format!("the default {default} is out of the range that `min` and `max` give");
        reader.misread(
            &place.field("default"),
            mapping,
            "out-of-range",
            &message,
            "write one within, or widen the range",
        );
    }
}

fn text<'a>(fields: &'a Map<String, Json>, key: &str) -> &'a str {
    fields.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn list<'a>(fields: &'a Map<String, Json>, key: &str) -> &'a [Json] {
    fields.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
