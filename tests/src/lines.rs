//! The daemon's frames, byte for byte as it writes them, without the newline.

use serde_json::{Value, json};

/// Returns a request of any type; `data` holds its fields, as JSON.
pub fn request(session: &str, data: &str) -> String {
    format!(
        r#"{{"session_id":"{session}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{data}}}"#
    )
}

/// Returns a call of the tool `tool`; `parameters` is a JSON object.
pub fn tool(session: &str, provider: &str, tool: &str, parameters: &str) -> String {
    request(
        session,
        &format!(
            r#"{{"action":"invoke_tool","credential_type":"api-key","credentials":{{}},"provider":"{provider}","tool":"{tool}","tool_parameters":{parameters},"type":"tool","user_id":"u-1"}}"#
        ),
    )
}

/// Returns a request for an endpoint: an HTTP request without a body, as the daemon passes it on.
pub fn endpoint(session: &str, method: &str, path: &str) -> String {
    let http = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nDify-Hook-Id: h-1\r\nDify-Hook-Url: http://localhost/e/h-1{path}\r\n\r\n"
    );
    let hex: String = http.bytes().map(|byte| format!("{byte:02x}")).collect();
    request(
        session,
        &format!(
            r#"{{"action":"invoke_endpoint","raw_http_request":"{hex}","settings":{{}},"type":"endpoint","user_id":""}}"#
        ),
    )
}

/// Returns one reply to a reverse call; `data` is JSON.
pub fn response(session: &str, call: &str, data: &str) -> String {
    answer(session, call, "response", "stream", data)
}

/// Returns the end of the replies to a reverse call.
pub fn end(session: &str, call: &str) -> String {
    answer(session, call, "end", "", "null")
}

/// Returns the error reply to a reverse call; the daemon sends the end after it, too.
pub fn refusal(session: &str, call: &str, message: &str) -> String {
    answer(session, call, "error", message, "null")
}

fn answer(session: &str, call: &str, event: &str, message: &str, data: &str) -> String {
    let message = Value::from(message);
    format!(
        r#"{{"session_id":"{session}","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"backwards_response","data":{{"backwards_request_id":"{call}","event":"{event}","message":{message},"data":{data}}}}}"#
    )
}

/// Returns a chat event with a part of the answer, as Dify streams it.
pub fn chat_message(answer: &str) -> Value {
    json!({
        "answer": answer,
        "conversation_id": "c-1",
        "created_at": 1_700_000_000,
        "event": "message",
        "id": "m-1",
        "message_id": "m-1",
        "task_id": "t-1",
    })
}
