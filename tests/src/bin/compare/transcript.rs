//! A plugin's responses, in a form that can be compared.
//!
//! Nulls are removed, numbers are compared by value, header names are in lower case, ids that a plugin generates are numbered
//! in the order of their appearance, and the chunks of an endpoint's body are joined.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::Error;

/// One session's messages.
pub(crate) struct Transcript(Value);

impl Transcript {
    pub(crate) fn new(messages: Vec<Value>) -> Result<Self, Error> {
        let mut ids = Ids::default();
        let mut kept = Vec::new();
        let mut response: Option<Response> = None;
        for mut message in messages {
            let is_call = message["type"] == "invoke";
            let data = &mut message["data"];
            match message_kind(data) {
                Some("log") => ids.replace(data, &["/message/id", "/message/parent_id"]),
                Some("blob_chunk") => ids.replace(data, &["/message/id"]),
                _ if is_call => ids.replace(data, &["/backwards_request_id"]),
                _ if is_endpoint(data) => {
                    response.get_or_insert_default().take(data)?;
                    continue;
                }
                _ => {}
            }
            kept.push(message);
        }
        if let Some(response) = response {
            kept.push(json!({"type": "response", "data": response.into_value()}));
        }
        Ok(Self(plain(Value::Array(kept))))
    }

    pub(crate) fn as_value(&self) -> &Value {
        &self.0
    }

    /// Returns what a host passes to its caller: no reverse calls, and only the error of an endpoint that fails before its
    /// body.
    pub(crate) fn as_answers(&self) -> Value {
        let messages: &[Value] = self.0.as_array().map_or(&[], Vec::as_slice);
        let has_failed = messages.iter().any(|message| message["type"] == "error");
        let is_handed_on = |message: &&Value| match message["type"].as_str() {
            Some("invoke") => false,
            Some("response") => !(has_failed && message["data"]["body"] == ""),
            _ => true,
        };
        messages.iter().filter(is_handed_on).cloned().collect()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` follows a width, which keeps a megabyte out of a message.
        f.pad(&self.0.to_string())
    }
}

fn message_kind(data: &Value) -> Option<&str> {
    data.get("message")?;
    data["type"].as_str()
}

fn is_endpoint(data: &Value) -> bool {
    data.get("status").is_some() || data.get("result").is_some_and(Value::is_string)
}

/// Random ids, in order of appearance.
#[derive(Default)]
struct Ids(Vec<String>);

impl Ids {
    fn replace(&mut self, data: &mut Value, pointers: &[&str]) {
        for pointer in pointers {
            let Some(Value::String(id)) = data.pointer_mut(pointer) else { continue };
            let at = self.0.iter().position(|known| known == id).unwrap_or_else(|| {
                self.0.push(id.clone());
                self.0.len() - 1
            });
            *id = format!("id {at}");
        }
    }
}

/// The response of an endpoint, joined.
#[derive(Default)]
struct Response {
    status: Value,
    headers: Map<String, Value>,
    body: Vec<u8>,
}

impl Response {
    fn take(&mut self, data: &Value) -> Result<(), Error> {
        if !data["status"].is_null() {
            self.status = data["status"].clone();
        }
        for (name, value) in data["headers"].as_object().into_iter().flatten() {
            self.headers.insert(name.to_lowercase(), value.clone());
        }
        if let Some(hex) = data["result"].as_str() {
            self.body.extend(bytes_of_hex(hex).ok_or_else(|| format!("not hex: {hex:.100}"))?);
        }
        Ok(())
    }

    fn into_value(self) -> Value {
        let body = String::from_utf8(self.body)
            .unwrap_or_else(|error| error.into_bytes().escape_ascii().to_string());
        json!({"status": self.status, "headers": self.headers, "body": body})
    }
}

fn bytes_of_hex(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Returns the value without nulls in objects, and with whole numbers as integers.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name, plain(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Number(number) => match number.as_f64() {
            // Exactly: it is whole and small enough.
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => Value::from(float as i64),
            _ => Value::Number(number),
        },
        other => other,
    }
}
