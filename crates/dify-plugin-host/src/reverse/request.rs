//! The `request` of a reverse invocation as the daemon reads it: loosely, then checked
//! (`pkg/utils/parser/map2struct.go`, `internal/core/dify_invocation/types.go`).
//!
//! The requests of apps and of storage are read field by field, so that a platform gets what the daemon would take. Those of
//! the other kinds go on as they are.

use dify_plugin_protocol::InvokeType;
use serde_json::{Map, Value};

use super::go_text;

/// The fields that go on to the platform; the names of those that don't are added to `ignored`.
///
/// # Errors
///
/// The text that refuses the call.
pub(super) fn read(
    kind: &InvokeType,
    mut request: Map<String, Value>,
    ignored: &mut Vec<String>,
) -> Result<Map<String, Value>, String> {
    // At the daemon these are the session's, whatever a plugin writes.
    for name in ["tenant_id", "user_id", "type"] {
        request.remove(name);
    }
    let fields: &[Field] = match kind {
        InvokeType::App => &APP,
        InvokeType::FetchApp => &APP[..1],
        InvokeType::Storage => &STORAGE,
        _ => return Ok(request),
    };
    let mut read = Map::new();
    let mut wrong = Vec::new();
    for field in fields {
        let value = take(&mut request, field.name).unwrap_or_default();
        let value = match (field.kind, value) {
            (Kind::Text, Value::Null) => Value::String(String::new()),
            (Kind::Text, value @ Value::String(_))
            | (Kind::Map, value @ (Value::Object(_) | Value::Null)) => value,
            (Kind::Text, other) => {
                wrong.push(format!(
                    "* '{}' expected type '{}', got unconvertible type '{}', value: '{}'",
                    field.name,
                    if field.name == "opt" { "dify_invocation.StorageOpt" } else { "string" },
                    go_text::go_type(&other),
                    go_text::plain(&other)
                ));
                continue;
            }
            (Kind::Map, other) => {
                let name = field.name;
                wrong.push(format!("* '{name}' expected a map, got '{}'", go_text::go_kind(&other)));
                continue;
            }
        };
        read.insert(field.name.to_owned(), value);
    }
    if !wrong.is_empty() {
        return Err(format!(
            "unmarshal backwards invoke request failed: error decoding map: {} error(s) decoding:\n\n{}",
            wrong.len(),
            wrong.join("\n")
        ));
    }
    let text = |name: &str| read.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut broken = Vec::new();
    match kind {
        InvokeType::Storage => {
            match text("opt") {
                "" => broken.push(("InvokeStorageRequest.Opt", "required")),
                "get" | "set" | "del" | "exist" => {}
                _ => broken.push(("InvokeStorageRequest.Opt", "storage_opt")),
            }
            if text("key").is_empty() {
                broken.push(("InvokeStorageRequest.Key", "required"));
            }
        }
        InvokeType::App if text("app_id").is_empty() => {
            broken.push(("InvokeAppRequest.InvokeAppSchema.AppId", "required"));
        }
        InvokeType::FetchApp if text("app_id").is_empty() => {
            broken.push(("FetchAppRequest.AppId", "required"))
        }
        _ => {}
    }
    if !broken.is_empty() {
        let broken = broken.into_iter().map(|(place, rule)| {
            let field = place.rsplit('.').next().unwrap_or_default();
            format!("Key: '{place}' Error:Field validation for '{field}' failed on the '{rule}' tag")
        });
        return Err(format!(
            "unmarshal backwards invoke request failed: error validating struct: {}",
            broken.collect::<Vec<_>>().join("\n")
        ));
    }
    ignored.extend(request.into_iter().map(|(name, _)| name));
    ignored.sort_unstable();
    Ok(read)
}

struct Field {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Map,
}

const APP: [Field; 6] = [
    Field { name: "app_id", kind: Kind::Text },
    Field { name: "inputs", kind: Kind::Map },
    Field { name: "query", kind: Kind::Text },
    Field { name: "response_mode", kind: Kind::Text },
    Field { name: "conversation_id", kind: Kind::Text },
    Field { name: "user", kind: Kind::Text },
];

const STORAGE: [Field; 3] = [
    Field { name: "opt", kind: Kind::Text },
    Field { name: "key", kind: Kind::Text },
    Field { name: "value", kind: Kind::Text },
];

/// Takes the field out, by its exact name, or else by one that differs in case only.
fn take(request: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = request.remove(name) {
        return Some(value);
    }
    let other = request.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    request.remove(&other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_app(request: Value) -> (Result<Value, String>, Vec<String>) {
        let mut ignored = Vec::new();
        let Value::Object(request) = request else { panic!("not an object") };
        (read(&InvokeType::App, request, &mut ignored).map(Value::Object), ignored)
    }

    #[test]
    fn an_app_request_becomes_what_dify_would_get() {
        let (request, ignored) = read_app(json!({
            "App_ID": "other", "app_id": "a", "QUERY": "q", "inputs": null, "user": null, "files": [1],
            "tenant_id": "mine", "user_id": "me", "type": "x",
        }));
        assert_eq!(
            request.unwrap(),
            json!({"app_id": "a", "inputs": null, "query": "q", "response_mode": "", "conversation_id": "", "user": ""})
        );
        assert_eq!(ignored, ["App_ID", "files"]);
    }

    #[test]
    fn wrong_types_and_missing_ids_are_told_in_the_daemons_words() {
        assert_eq!(
            read_app(json!({"app_id": "a", "query": 5})).0.unwrap_err(),
            "unmarshal backwards invoke request failed: error decoding map: 1 error(s) decoding:\n\n* 'query' expected \
             type 'string', got unconvertible type 'float64', value: '5'"
        );
        assert_eq!(
            read_app(json!({"app_id": ""})).0.unwrap_err(),
            "unmarshal backwards invoke request failed: error validating struct: Key: \
             'InvokeAppRequest.InvokeAppSchema.AppId' Error:Field validation for 'AppId' failed on the 'required' tag"
        );
    }
}
