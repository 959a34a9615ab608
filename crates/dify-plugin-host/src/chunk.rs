//! Messages of endpoints and tools, checked as the daemon checks them (`pkg/utils/parser/json.go`).
//!
//! A message that the daemon refuses closes its session with `unmarshal_error`.

use std::collections::BTreeMap;

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::tool::message::ToolMessageType;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::SessionFailure;

/// One message of an endpoint (`pkg/entities/endpoint_entities/endpoint.go`). Null is the same as nothing.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct EndpointChunk {
    pub(crate) status: Option<u16>,
    /// A value that is null is an empty text to Go.
    pub(crate) headers: Option<BTreeMap<String, Option<String>>>,
    pub(crate) result: Option<String>,
}

/// Reads a message of an endpoint.
pub(crate) fn endpoint(message: &RawValue) -> Result<EndpointChunk, SessionFailure> {
    // By way of a map, in which the last of several equal keys counts, as to Go.
    EndpointChunk::deserialize(Value::Object(object(message)?)).map_err(refused)
}

/// Checks a message of a tool (`pkg/entities/tool_entities/tool.go`) and returns it.
pub(crate) fn tool(message: &RawValue) -> Result<Value, SessionFailure> {
    let fields = object(message)?;
    for name in ["message", "meta"] {
        if !matches!(fields.get(name), None | Some(Value::Null | Value::Object(_))) {
            return Err(refused(format!("`{name}` is not an object")));
        }
    }
    match fields.get("type").and_then(Value::as_str).map(ToolMessageType::from) {
        None => Err(refused("`type` is missing or not a string")),
        Some(ToolMessageType::Unknown(name)) => Err(refused(format!("`type` is unknown: `{name}`"))),
        Some(_) => Ok(Value::Object(fields)),
    }
}

fn object(message: &RawValue) -> Result<Map<String, Value>, SessionFailure> {
    serde_json::from_str::<Option<_>>(message.get()).map(Option::unwrap_or_default).map_err(refused)
}

fn refused(reason: impl std::fmt::Display) -> SessionFailure {
    SessionFailure::Refused(ErrorData::new("unmarshal_error", format!("unmarshal json failed: {reason}")))
}
