//! Checks of parameters, credentials and settings, whose type, scope, options and default depend on each other.

use std::collections::HashSet;

use serde_json::Value as Json;

use crate::report::{Fields, Subject, list, text};
use crate::suggest::instead;

/// Checks a credential or setting.
pub(crate) fn config(subject: &mut Subject<'_, '_>, config: &mut Fields) {
    scope(subject, config);
    options(subject, config);
    default(subject, config);
}

/// Checks a parameter of any kind.
pub(crate) fn parameter(subject: &mut Subject<'_, '_>, parameter: &mut Fields) {
    config(subject, parameter);
    range(subject, parameter);
    if text(parameter, "form") == "llm" && text(parameter, "llm_description").is_empty() {
        let message = "a model has to fill in this value without a description of it";
        let help = "write `llm_description:`, or `form: form` for a value that a person fills in";
        subject.warn("llm_description", "missing", message, help);
    }
}

/// Checks a credential of a model provider.
pub(crate) fn form(subject: &mut Subject<'_, '_>, form: &mut Fields) {
    let form_type = text(form, "type");
    if matches!(form_type, "select" | "radio") && list(form, "options").is_empty() {
        subject.warn("options", "missing", format!("a {form_type} needs options"), NO_OPTIONS);
    }
}

const NO_OPTIONS: &str = "write `options:` and below it, for each, `- value:` and `label:`";

/// Checks a scope, whose valid parts depend on the type of the value (`config.go`).
fn scope(subject: &mut Subject<'_, '_>, fields: &Fields) {
    let Some(scope) = fields.get("scope").and_then(Json::as_str) else { return };
    let known = match text(fields, "type") {
        "app-selector" => "all chat workflow completion",
        "model-selector" => "llm text-embedding rerank tts speech2text moderation vision document tool-call",
        "any" => "string number object array[number] array[string] array[object] array[file]",
        other => {
            let message = format!("a value of type `{other}` cannot have a scope");
            subject.warn("scope", "unknown-value", message, "remove the line");
            return;
        }
    };
    let mut parts = scope.split('&').map(str::trim);
    if let Some(part) = parts.find(|part| !known.split(' ').any(|known| known == *part)) {
        let message = format!("`{part}` is not a valid scope here");
        subject.warn("scope", "unknown-value", message, instead(part, known.split(' ')));
    }
}

fn options(subject: &mut Subject<'_, '_>, fields: &Fields) {
    let options = list(fields, "options");
    let value_type = text(fields, "type");
    if value_type == "select" && options.is_empty() {
        subject.warn("options", "missing", "a select needs options", NO_OPTIONS);
    }
    if !options.is_empty() && !matches!(value_type, "select" | "dynamic-select" | "checkbox" | "") {
        let message = format!("a value of type `{value_type}` has no options");
        subject.warn("options", "dropped", message, "write `type: select`, or remove the options");
    }
    let mut seen: HashSet<String> = HashSet::new();
    for value in options.iter().map(|option| &option["value"]) {
        if !seen.insert(value.to_string()) && *value != "" {
            let message = format!("the option {value} is listed twice");
            subject.warn("options", "twice", message, "remove one of the two");
        }
    }
}

fn default(subject: &mut Subject<'_, '_>, fields: &Fields) {
    let Some(default) = fields.get("default").filter(|default| !default.is_null()) else { return };
    let value_type = text(fields, "type");
    let wanted = match value_type {
        "string" | "text-input" | "secret-input" if !default.is_string() => "text: put it in quotes",
        "number" if !default.is_number() => "a number, without quotes",
        "boolean" if !default.is_boolean() => "true or false, without quotes",
        "array" if !default.is_array() => "a list",
        "object" if !default.is_object() => "a mapping",
        _ => "",
    };
    if !wanted.is_empty() {
        let message = format!("the default does not have the type `{value_type}`");
        subject.warn("default", "wrong-default", message, format!("write {wanted}"));
        return;
    }
    let options = list(fields, "options");
    let multiple = fields.get("multiple") == Some(&Json::Bool(true));
    if value_type == "select" && !options.is_empty() && !multiple {
        // Dify compares the default as text with the options, whose values are text.
        let written = match default {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let values: Vec<_> = options.iter().filter_map(|option| option["value"].as_str()).collect();
        if !values.contains(&&*written) {
            let message = format!("the default `{written}` is not one of the options");
            subject.warn("default", "wrong-default", message, instead(&written, values.into_iter()));
        }
    }
}

fn range(subject: &mut Subject<'_, '_>, fields: &Fields) {
    let number = |key: &str| fields.get(key).and_then(Json::as_f64);
    let (min, max) = (number("min"), number("max"));
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        let message = format!("the minimum {min} is greater than the maximum {max}");
        subject.warn("min", "out-of-range", message, "swap the two");
        return;
    }
    let Some(default) = number("default") else { return };
    if min.is_some_and(|min| default < min) || max.is_some_and(|max| default > max) {
        let message = format!("the default {default} is not between `min` and `max`");
        subject.warn("default", "out-of-range", message, "change the default, or widen the range");
    }
}
