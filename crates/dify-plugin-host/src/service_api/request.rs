//! Requests to Dify. Some calls are refused here, as Dify refuses them from a plugin but not from the Service API (dify `api/core/plugin/entities/request.py`, `api/core/plugin/backwards_invocation/app.py`).

use serde_json::{Map, Value, json};

use super::app::Route;
use crate::platform::PlatformError;

/// Whether a call expects a stream or one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Streaming,
    Blocking,
}

impl Mode {
    /// Reads the mode of a call and checks what Dify requires of every call.
    pub(super) fn of(request: &Map<String, Value>) -> Result<Self, PlatformError> {
        let refused =
            |what| Err(PlatformError::refused(400, "invalid_param", &format!("invalid payload: {what}")));
        if !request.get("inputs").is_some_and(Value::is_object) {
            return refused("`inputs` must be an object");
        }
        match text(request, "response_mode") {
            "streaming" => Ok(Self::Streaming),
            "blocking" => Ok(Self::Blocking),
            _ => refused("`response_mode` must be `blocking` or `streaming`"),
        }
    }
}

/// Creates the body of a request to `route` for `user`.
///
/// # Errors
///
/// Refuses a chat without a query, as Dify does.
pub(super) fn body(route: Route, request: &Map<String, Value>, user: &str) -> Result<Value, PlatformError> {
    let mut body = json!({
        "inputs": request.get("inputs"),
        "response_mode": request.get("response_mode"),
        "user": user,
    });
    let (query, conversation) = (text(request, "query"), text(request, "conversation_id"));
    if route == Route::Chat && query.is_empty() {
        return Err(missing_query());
    }
    if route != Route::Workflow && !query.is_empty() {
        body["query"] = query.into();
    }
    if route == Route::Chat && !conversation.is_empty() {
        body["conversation_id"] = conversation.into();
    }
    Ok(body)
}

/// Returns Dify's refusal of a chat without a query.
pub(super) fn missing_query() -> PlatformError {
    PlatformError::refused(400, "invalid_param", "missing query")
}

/// Returns a field that the host has checked to be text.
pub(super) fn text<'a>(request: &'a Map<String, Value>, name: &str) -> &'a str {
    request.get(name).and_then(Value::as_str).unwrap_or_default()
}
