//! The `request` of a reverse invocation, checked as the daemon checks it
//! (`pkg/utils/parser/map2struct.go`, `internal/core/dify_invocation/types.go`).
//!
//! The requests of apps and of storage are read field by field, so that a platform gets what the daemon would send. Those of
//! the other types pass as they are.

use dify_plugin_protocol::InvokeType;
use serde_json::{Map, Value};

/// Returns the fields for the platform, and the names of those that the daemon drops without a word.
///
/// # Errors
///
/// Returns what is wrong with the request.
pub(super) fn read(
    invoke_type: &InvokeType,
    mut request: Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<String>), String> {
    // At the daemon these are the session's, whatever a plugin writes.
    for name in ["tenant_id", "user_id", "type"] {
        request.remove(name);
    }
    // The fields that hold text.
    let texts: &[&str] = match invoke_type {
        InvokeType::App => &["app_id", "query", "response_mode", "conversation_id", "user"],
        InvokeType::FetchApp => &["app_id"],
        InvokeType::Storage => &["opt", "key", "value"],
        _ => return Ok((request, Vec::new())),
    };
    let mut read = Map::new();
    for &name in texts {
        let value = match take(&mut request, name).unwrap_or_default() {
            Value::Null => Value::String(String::new()),
            text @ Value::String(_) => text,
            _ => return Err(format!("`{name}` is not a string")),
        };
        read.insert(name.to_owned(), value);
    }
    if *invoke_type == InvokeType::App {
        let inputs = take(&mut request, "inputs").unwrap_or_default();
        if !matches!(inputs, Value::Object(_) | Value::Null) {
            return Err("`inputs` is not an object".to_owned());
        }
        read.insert("inputs".to_owned(), inputs);
    }
    let required = if *invoke_type == InvokeType::Storage { "key" } else { "app_id" };
    if read[required] == "" {
        return Err(format!("`{required}` is missing"));
    }
    if *invoke_type == InvokeType::Storage
        && !["get", "set", "del", "exist"].iter().any(|opt| read["opt"] == *opt)
    {
        return Err("`opt` is not one of `get`, `set`, `del` and `exist`".to_owned());
    }
    let mut ignored: Vec<_> = request.into_iter().map(|(name, _)| name).collect();
    ignored.sort_unstable();
    Ok((read, ignored))
}

/// Takes the field out, by its exact name, or else by one that differs in case only.
fn take(request: &mut Map<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = request.remove(name) {
        return Some(value);
    }
    let other = request.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    request.remove(&other)
}
