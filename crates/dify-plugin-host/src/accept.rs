//! Messages as the daemon decodes and checks them (`pkg/utils/parser/json.go`), with its reasons for refusing one.
//!
//! A refused answer closes its session with `unmarshal_error`.

use std::collections::BTreeMap;

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::tool::message::ToolMessageType;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::SessionFailure;

/// One message of an endpoint (`pkg/entities/endpoint_entities/endpoint.go`).
#[derive(Debug, Default)]
pub(crate) struct EndpointChunk {
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) result: Option<String>,
}

/// Reads an endpoint's message.
pub(crate) fn endpoint_chunk(answer: &RawValue) -> Result<EndpointChunk, SessionFailure> {
    let fields = Fields::read(answer, "EndpointResponseChunk", "endpoint_entities")?;
    let status = match fields.get("status") {
        None => None,
        Some(Value::Number(number)) => {
            let status = number.as_u64().and_then(|status| u16::try_from(status).ok());
            Some(status.ok_or_else(|| fields.mismatch(&format!("number {number}"), "status", "uint16"))?)
        }
        Some(other) => return Err(fields.mismatch(kind(other), "status", "uint16")),
    };
    let mut headers = BTreeMap::new();
    match fields.get("headers") {
        None => {}
        Some(Value::Object(given)) => {
            for (name, value) in given {
                match value {
                    Value::String(value) => headers.insert(name.clone(), value.clone()),
                    // To Go, null leaves a string empty.
                    Value::Null => headers.insert(name.clone(), String::new()),
                    other => return Err(fields.mismatch(kind(other), &format!("headers.{name}"), "string")),
                };
            }
        }
        Some(other) => return Err(fields.mismatch(kind(other), "headers", "map[string]string")),
    }
    let result = match fields.get("result") {
        None => None,
        Some(Value::String(result)) => Some(result.clone()),
        Some(other) => return Err(fields.mismatch(kind(other), "result", "string")),
    };
    Ok(EndpointChunk { status, headers, result })
}

/// Checks a tool's message (`pkg/entities/tool_entities/tool.go`) and hands it back.
pub(crate) fn tool_chunk(answer: &RawValue) -> Result<Value, SessionFailure> {
    let fields = Fields::read(answer, "ToolResponseChunk", "tool_entities")?;
    for name in ["message", "meta"] {
        if let Some(other) = fields.get(name).filter(|value| !value.is_object()) {
            return Err(fields.mismatch(kind(other), name, "map[string]interface {}"));
        }
    }
    let broken = match fields.get("type") {
        None => Some("required"),
        Some(Value::String(name)) if name.is_empty() => Some("required"),
        Some(Value::String(name)) => {
            matches!(ToolMessageType::from(name.as_str()), ToolMessageType::Unknown(_))
                .then_some("is_valid_tool_response_chunk_type")
        }
        Some(other) => {
            return Err(fields.mismatch(kind(other), "type", "tool_entities.ToolResponseChunkType"));
        }
    };
    if let Some(rule) = broken {
        return Err(unmarshal_error(&format!(
            "Key: 'ToolResponseChunk.Type' Error:Field validation for 'Type' failed on the '{rule}' tag"
        )));
    }
    Ok(Value::Object(fields.map))
}

/// The fields of an answer that is to become the Go struct `name`.
struct Fields {
    name: &'static str,
    map: Map<String, Value>,
}

impl Fields {
    fn read(answer: &RawValue, name: &'static str, package: &str) -> Result<Self, SessionFailure> {
        match serde_json::from_str(answer.get()) {
            Ok(Value::Object(map)) => Ok(Self { name, map }),
            Ok(Value::Null) => Ok(Self { name, map: Map::new() }),
            Ok(other) => Err(unmarshal_error(&format!(
                "json: cannot unmarshal {} into Go value of type {package}.{name}",
                kind(&other)
            ))),
            Err(error) => Err(unmarshal_error(&error.to_string())),
        }
    }

    /// A field that is there and not null.
    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn mismatch(&self, found: &str, field: &str, wanted: &str) -> SessionFailure {
        let name = self.name;
        unmarshal_error(&format!(
            "json: cannot unmarshal {found} into Go struct field {name}.{field} of type {wanted}"
        ))
    }
}

fn unmarshal_error(reason: &str) -> SessionFailure {
    SessionFailure::Refused(ErrorData::new("unmarshal_error", format!("unmarshal json failed: {reason}")))
}

/// What `encoding/json` calls a value of this kind.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_and_refused_as_the_daemon_was_seen_to() {
        let mut tried = 0;
        for line in include_str!("../tests/fixtures/daemon-accepts.jsonl").lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            let answer = serde_json::value::to_raw_value(&row["answer"]).unwrap();
            let refused = match row["for"][0].as_str().unwrap() {
                "invoke_tool" => tool_chunk(&answer).map(drop),
                "invoke_endpoint" => endpoint_chunk(&answer).map(drop),
                _ => continue,
            };
            let reason = match refused {
                Ok(()) => None,
                Err(SessionFailure::Refused(data)) if data.error_type == "unmarshal_error" => {
                    Some(data.message.strip_prefix("unmarshal json failed: ").unwrap().to_owned())
                }
                Err(other) => panic!("{other}"),
            };
            assert_eq!(reason.as_deref(), row["reason"].as_str(), "{line}");
            tried += 1;
        }
        assert_eq!(tried, 20);
    }
}
