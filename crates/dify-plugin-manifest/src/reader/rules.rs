//! The rules for values: the daemon's `validate:` tags.

use serde_json::Value as Json;

use super::{NO_TIME, Reader};
use crate::report::Place;
use crate::schema::{Field, FieldType, Rule};
use crate::suggest::instead;
use crate::yaml::Value;

impl Reader {
    /// Reports the rules of `field` that the value breaks.
    pub(super) fn keep_rules(
        &mut self,
        place: &Place,
        value: Option<&Value<'_>>,
        field: &Field,
        json: &Json,
    ) {
        if json.is_null() && field.rules.iter().any(|rule| matches!(rule, Rule::NotNull)) {
            self.null(place, value, field);
        }
        if self.report.is_silent() {
            return;
        }
        let empty = is_zero(json);
        for rule in field.rules {
            match rule {
                Rule::Required if empty => self.missing(place, value, field),
                Rule::Between(..) => self.keep(place, rule, json),
                _ if empty => {}
                Rule::EachOneOf(_) | Rule::EachAtMost(_) => {
                    let items = value.and_then(|list| list.items().ok()).unwrap_or_default();
                    let given = items.iter().filter(|item| !item.is_null().unwrap_or(true));
                    for (item, json) in given.zip(json.as_array().into_iter().flatten()) {
                        self.keep(&Place::of(item), rule, json);
                    }
                }
                _ => self.keep(place, rule, json),
            }
        }
    }

    /// Reports a field for which Dify would get null instead of a list or mapping.
    fn null(&mut self, place: &Place, value: Option<&Value<'_>>, field: &Field) {
        let key = field.key;
        let state = if value.is_some() { "has no value" } else { "is missing" };
        let message = format!("`{key}` {state}, and Dify refuses the plugin at upload");
        let help = match (&field.kind, choices(field)) {
            (_, Some(choices)) => {
                format!("write `{key}:` and below it some of {}", choices.replace(' ', ", "))
            }
            (FieldType::TextKeyMap, _) => format!("write `{key}: {{}}` if it has none"),
            _ => format!("write `{key}: []` if there are none"),
        };
        self.report.error(place, "refused-by-dify", message, help);
    }

    /// Reports a field that is absent, null or empty.
    pub(super) fn missing(&mut self, place: &Place, value: Option<&Value<'_>>, field: &Field) {
        if self.report.is_silent() {
            return;
        }
        let key = field.key;
        let state = if value.is_some() { "has no value" } else { "is missing" };
        let format = field.rules.iter().find_map(|rule| match rule {
            Rule::Format(format) => Some(format.help),
            _ => None,
        });
        let help = match (&field.kind, choices(field), format) {
            (FieldType::Texts, Some(choices), _) => {
                format!("write `{key}:` and below it some of {}", choices.replace(' ', ", "))
            }
            (_, Some(choices), _) => format!("write `{key}:` and one of {}", choices.replace(' ', ", ")),
            (_, _, Some(help)) => format!("write `{key}:`; {help}"),
            (FieldType::Object(object), ..) => {
                let keys: Vec<_> = object.fields.iter().map(|field| format!("`{}`", field.key)).collect();
                format!("write `{key}:` and below it {}", keys.join(", "))
            }
            (FieldType::Int | FieldType::Size, ..) => format!("write `{key}:` and a number other than 0"),
            (FieldType::Time, ..) => format!("write `{key}:` and a time, as in 2026-01-31T08:30:00Z"),
            _ => format!("write `{key}:` and a text"),
        };
        self.report.warn(place, "missing", format!("`{key}` {state}"), help);
    }

    fn keep(&mut self, place: &Place, rule: &Rule, json: &Json) {
        let text = json.as_str().unwrap_or_default();
        let (code, message, help) = match rule {
            Rule::Required | Rule::NotNull => return,
            Rule::AtMost(limit) | Rule::EachAtMost(limit) => {
                let length = text.chars().count();
                if length <= *limit {
                    return;
                }
                (
                    "too-long",
                    format!("this text is too long ({length} characters)"),
                    format!("use at most {limit}"),
                )
            }
            Rule::AtMostItems(limit) => {
                let count = json.as_array().map_or(0, Vec::len);
                if count <= *limit {
                    return;
                }
                ("too-long", format!("this list is too long ({count} items)"), format!("use at most {limit}"))
            }
            Rule::OneOf(choices) | Rule::EachOneOf(choices) => {
                if choices.split(' ').any(|choice| choice == text) {
                    return;
                }
                (
                    "unknown-value",
                    format!("`{text}` is not a valid value here"),
                    instead(text, choices.split(' ')),
                )
            }
            Rule::Format(format) => {
                if (format.fits)(text) {
                    return;
                }
                ("wrong-format", format!("`{text}` is not valid here"), format.help.to_owned())
            }
            Rule::Between(low, high) => {
                let number = json.as_u64().unwrap_or_default();
                if (*low..=*high).contains(&number) {
                    return;
                }
                let message = format!("{number} is out of range");
                ("out-of-range", message, format!("write a number from {low} to {high}"))
            }
            Rule::Plain => {
                if !(json.is_array() || json.is_object()) {
                    return;
                }
                let message = "a list or a mapping is not allowed here".to_owned();
                ("wrong-format", message, "write text, a number, true or false".to_owned())
            }
        };
        self.report.warn(place, code, message, help);
    }
}

/// Returns the values that are allowed for a field or its items.
fn choices(field: &Field) -> Option<&'static str> {
    field.rules.iter().find_map(|rule| match rule {
        Rule::OneOf(choices) | Rule::EachOneOf(choices) => Some(*choices),
        _ => None,
    })
}

/// Whether a value is Go's zero value.
fn is_zero(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::String(text) => text.is_empty() || text == NO_TIME,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::Bool(value) => !value,
        // These are not nil.
        Json::Array(_) | Json::Object(_) => false,
    }
}
