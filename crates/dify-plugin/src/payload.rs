//! Reading the typed parts of a request.

use dify_plugin_protocol::error::{INVALID_REQUEST, describe_value};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// A part of a request that holds the fields of a type of the author's.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    name: &'static str,
    /// What one of its fields is called.
    field: &'static str,
}

pub(crate) const TOOL_PARAMETERS: Part = Part { name: "tool_parameters", field: "parameter" };
pub(crate) const CREDENTIALS: Part = Part { name: "credentials", field: "credential" };
pub(crate) const SETTINGS: Part = Part { name: "settings", field: "setting" };

/// Reads `json`, which is `part` of a request, as `T`. The daemon writes null for an object that its caller left out
/// (`pkg/utils/parser/struct2map.go`): that reads as an empty one.
///
/// # Errors
///
/// Names the field by its path, and never shows a value: it may be a credential.
pub(crate) fn parse_object<T: DeserializeOwned>(part: Part, json: Option<&RawValue>) -> Result<T> {
    let json = json.map_or("null", RawValue::get);
    let json = if json == "null" { "{}" } else { json };
    if !json.starts_with('{') {
        // serde would take a list for a struct's fields in their order.
        return Err(Error::new(INVALID_REQUEST, format!("{} is no object", part.name)));
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
        let path = error.path();
        let whose = match path.iter().next() {
            Some(_) => format!("{} `{path}`", part.field),
            None => part.name.to_owned(),
        };
        Error::new(INVALID_REQUEST, format!("{whose}: {}", describe_value(error.inner())))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "read, and never looked at")]
    struct Wanted {
        count: u32,
        mode: Option<Mode>,
        items: Option<Vec<BTreeMap<String, Item>>>,
        photo: Option<crate::File>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Fast,
        Slow,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "read, and never looked at")]
    struct Item {
        size: f64,
    }

    fn wrong(part: Part, json: &str) -> String {
        let json = RawValue::from_string(json.to_owned()).unwrap();
        let error = parse_object::<Wanted>(part, Some(&json)).unwrap_err();
        assert_eq!(error.error_type(), INVALID_REQUEST);
        error.message().to_owned()
    }

    #[test]
    fn a_wrong_field_is_named_by_its_path_and_its_value_is_not_shown() {
        for (json, expected) in [
            (r#"{"count":"hunter2"}"#, "parameter `count`: found string, expected u32"),
            (r#"{"count":-70007}"#, "parameter `count`: found integer, expected u32"),
            (r#"{"count":1,"mode":"hunter2"}"#, "parameter `mode`: unknown name, expected `fast` or `slow`"),
            (
                r#"{"count":1,"items":[{},{"a":{"size":"hunter2"}}]}"#,
                "parameter `items[1].a.size`: found string, expected f64",
            ),
            (r#"{"count":1,"items":[{"a":{}}]}"#, "parameter `items[0].a`: missing field `size`"),
            (
                r#"{"count":1,"photo":{"url":["hunter2"]}}"#,
                "parameter `photo.url`: found sequence, expected a string",
            ),
            (r#"{"count":1,"photo":{}}"#, "parameter `photo`: a file without `url`"),
            ("{}", "tool_parameters: missing field `count`"),
            ("[1]", "tool_parameters is no object"),
        ] {
            assert_eq!(wrong(TOOL_PARAMETERS, json), expected);
        }
        assert_eq!(
            wrong(CREDENTIALS, r#"{"count":"hunter2"}"#),
            "credential `count`: found string, expected u32"
        );
        assert_eq!(
            wrong(SETTINGS, r#"{"count":{"a":"hunter2"}}"#),
            "setting `count`: found map, expected u32"
        );
        assert_eq!(wrong(SETTINGS, "null"), "settings: missing field `count`");
    }

    #[test]
    fn what_is_right_is_read_and_null_is_an_empty_object() {
        let json = RawValue::from_string(r#"{"count":3,"mode":"slow","new":null}"#.to_owned()).unwrap();
        let wanted: Wanted = parse_object(TOOL_PARAMETERS, Some(&json)).unwrap();
        assert!(wanted.count == 3 && matches!(wanted.mode, Some(Mode::Slow)));
        for json in [None, Some(&*RawValue::from_string("null".to_owned()).unwrap())] {
            assert!(parse_object::<crate::NoParameters>(TOOL_PARAMETERS, json).is_ok());
        }
    }
}
