//! Any text through any parser: nothing panics, and a value is the same after it was serialized and parsed again.
//!
//! Also used by the fuzz targets `envelope` and `payloads`.

use std::fmt::Debug;

use dify_plugin_protocol::app::decimal::Decimal;
use dify_plugin_protocol::app::event::AppEvent;
use dify_plugin_protocol::app::metadata::{Metadata, Usage};
use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::{AppRequest, FetchAppRequest, FileInput};
use dify_plugin_protocol::app::result::AppResult;
use dify_plugin_protocol::credentials::Credentials;
use dify_plugin_protocol::daemon_frame::DaemonFrame;
use dify_plugin_protocol::endpoint::{EndpointResponse, InvokeEndpoint};
use dify_plugin_protocol::hex::{decode_hex, encode_hex};
use dify_plugin_protocol::invoke::Failure;
use dify_plugin_protocol::retriever::RetrieverResource;
use dify_plugin_protocol::salvage::Salvage;
use dify_plugin_protocol::tool::blob::{self, BlobChunk};
use dify_plugin_protocol::tool::message::{LogMessage, ToolMessage};
use dify_plugin_protocol::tool::parameter::ToolParameter;
use dify_plugin_protocol::tool::request::{
    GetToolRuntimeParameters, InvokeTool, RuntimeParameters, ValidateResult, ValidateToolCredentials,
};
use dify_plugin_protocol::tool::value::{FileValue, ToolSelector};
use dify_plugin_protocol::{
    ErrorData, Incoming, IncomingEvent, LogData, MessageType, Outgoing, OutgoingEvent, RequestHeader,
    ReverseRequest, ReverseResponse, SessionMessage,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::equal::same;

/// Whether a text was accepted. An error says what was lost or changed.
pub(crate) type Checked = Result<bool, String>;

type Check = fn(&str) -> Checked;

/// The name of every payload type, and its check.
pub(crate) const TYPES: &[(&str, Check)] = &[
    ("AppEvent", |json| whole(json, |json| AppEvent::parse(json).ok())),
    ("AppResult", |json| whole(json, |json| AppResult::parse(json).ok())),
    ("AppParameters", keeps_all::<AppParameters>),
    ("AppRequest", stable::<AppRequest>),
    ("FetchAppRequest", keeps_all::<FetchAppRequest>),
    ("FileInput", keeps_all::<FileInput>),
    ("InvokeTool", keeps_all::<InvokeTool>),
    ("ValidateToolCredentials", keeps_all::<ValidateToolCredentials>),
    ("GetToolRuntimeParameters", keeps_all::<GetToolRuntimeParameters>),
    ("ValidateResult", stable::<ValidateResult>),
    ("RuntimeParameters", stable::<RuntimeParameters>),
    ("ToolParameter", keeps_all::<ToolParameter>),
    ("ToolMessage", stable::<ToolMessage>),
    ("LogMessage", keeps_all::<LogMessage>),
    ("BlobChunk", keeps_all::<BlobChunk>),
    ("FileValue", keeps_all::<FileValue>),
    ("ToolSelector", keeps_all::<ToolSelector>),
    ("RetrieverResource", keeps_all::<RetrieverResource>),
    ("Metadata", keeps_all::<Metadata>),
    ("Usage", keeps_all::<Usage>),
    ("Decimal", stable::<Decimal>),
    ("Credentials", keeps_all::<Credentials>),
    ("InvokeEndpoint", invoke_endpoint),
    ("EndpointResponse", stable::<EndpointResponse>),
    ("ErrorData", stable::<ErrorData>),
    ("LogData", stable::<LogData>),
    ("texts", texts),
];

/// The `Debug` output and the JSON of a value. Either may leave out a field that the other shows.
type Seen = (String, Value);

fn seen<T: Serialize + Debug>(value: &T) -> Seen {
    // Raw JSON may be too deep, or have too many digits, for a `Value`. The text must be the same then.
    let text = || Value::from(serde_json::to_string(value).expect("a wire type can be written"));
    (format!("{value:?}"), serde_json::to_value(value).unwrap_or_else(|_| text()))
}

/// Checks that a value is the same after it was serialized and parsed again. Returns its JSON.
fn again<T: Serialize + Debug>(first: &T, read: impl FnOnce(&str) -> Option<Seen>) -> Result<Value, String> {
    let written = serde_json::to_string(first).expect("a wire type can be written");
    let second = read(&written).ok_or_else(|| format!("cannot be parsed again: {written}"))?;
    let first = seen(first);
    same(&first.1, &second.1).map_err(|difference| format!("read again, {difference}"))?;
    if first.0 != second.0 {
        return Err(format!("read again, {} became {}", first.0, second.0));
    }
    Ok(first.1)
}

/// For types that ignore unknown fields, or write defaults for absent ones.
fn stable<T: for<'a> Deserialize<'a> + Serialize + Debug>(json: &str) -> Checked {
    let read = |json: &str| serde_json::from_str::<T>(json).ok();
    let Some(value) = read(json) else { return Ok(false) };
    again(&value, |json| read(json).as_ref().map(seen)).map(|_| true)
}

/// For types that keep every field, including unknown ones.
fn keeps_all<T: for<'a> Deserialize<'a> + Serialize + Debug>(json: &str) -> Checked {
    whole(json, |json| serde_json::from_str::<T>(json).ok())
}

fn whole<T: Serialize + Debug>(json: &str, read: impl Fn(&str) -> Option<T>) -> Checked {
    let Some(value) = read(json) else { return Ok(false) };
    let written = again(&value, |json| read(json).as_ref().map(seen))?;
    kept(json, &written)
}

/// Checks that `written` has everything in `json`, except for the header of a request.
fn kept(json: &str, written: &Value) -> Checked {
    let Ok(mut original) = serde_json::from_str::<Value>(json) else {
        // Valid as raw JSON, but not as a `Value`.
        return Ok(true);
    };
    if let (Value::Object(original), Value::Object(written)) = (&mut original, written) {
        let is_header = |key: &String| ["type", "action", "user_id"].contains(&key.as_str());
        original.retain(|key, _| !is_header(key) || written.contains_key(key));
    }
    same(&original, written).map_err(|difference| format!("from the original, {difference}"))?;
    Ok(true)
}

fn invoke_endpoint(json: &str) -> Checked {
    let Ok(request) = serde_json::from_str::<InvokeEndpoint<'_>>(json) else { return Ok(false) };
    let written =
        again(&request, |json| serde_json::from_str::<InvokeEndpoint<'_>>(json).ok().as_ref().map(seen))?;
    let http = request.http_request();
    let _ = format!("{http:?}");
    if let Ok(http) = http {
        let _ = (http.path_and_query(), http.header("host"), http.values("accept").count());
    }
    kept(json, &written)
}

/// Parsers of texts that are not JSON.
fn texts(text: &str) -> Checked {
    let failure = Failure::parse(text);
    if failure.text != text {
        return Err("the failure's text got lost".to_owned());
    }
    let _ = format!("{failure:?} {failure}");
    let _ = format!("{}", Decimal::new(text));
    if let Ok(bytes) = decode_hex(text)
        && encode_hex(&bytes) != text.to_ascii_lowercase()
    {
        return Err("hex became other hex".to_owned());
    }
    if let Ok(bytes) = blob::decode(text)
        && blob::decode(&blob::encode(&bytes)).as_ref() != Ok(&bytes)
    {
        return Err("a blob became another".to_owned());
    }
    Ok(true)
}

/// Checks a frame as a plugin and as a host read it, and the ids that are salvaged from it.
///
/// # Errors
///
/// What was lost or changed, or what two parsers read differently.
pub(crate) fn line(line: &[u8]) -> Checked {
    let salvage = Salvage::from_frame(line);
    salvage_grows(line, &salvage)?;
    let Ok(text) = std::str::from_utf8(line) else { return Ok(false) };
    Ok(incoming(text, &salvage)? | outgoing(text)?)
}

/// Checks that an id that is found in the start of a frame is also found in the whole frame.
fn salvage_grows(line: &[u8], all: &Salvage) -> Result<(), String> {
    for cut in [line.len() / 4, line.len() / 2, line.len() - line.len() / 4, line.len().saturating_sub(1)] {
        let part = Salvage::from_frame(&line[..cut]);
        for (part, all) in [
            (&part.session_id, &all.session_id),
            (&part.event, &all.event),
            (&part.backwards_request_id, &all.backwards_request_id),
        ] {
            if part.is_some() && all.is_none() {
                return Err(format!("{part:?} is found in the first {cut} bytes, and not in all"));
            }
        }
    }
    Ok(())
}

fn incoming(text: &str, salvage: &Salvage) -> Checked {
    daemon_frame(text)?;
    let Ok(line) = Incoming::parse(text) else { return Ok(false) };
    // Reading stops at `data` that is not an object.
    if (!salvage.is_cut_off || line.data.get().starts_with('{'))
        && (salvage.session_id.as_deref(), salvage.event.as_deref())
            != (Some(&*line.session_id), Some(line.event.as_str()))
    {
        return Err(format!("read as {line:?}, saved as {salvage:?}"));
    }
    again(&line, |text| Incoming::parse(text).ok().as_ref().map(seen))?;
    match &line.event {
        IncomingEvent::Request => {
            if let Ok(header) = RequestHeader::parse(line.data) {
                again(&header, |text| {
                    serde_json::from_str::<RequestHeader<'_>>(text).ok().as_ref().map(seen)
                })?;
            }
            for (_, check) in TYPES {
                check(line.data.get())?;
            }
        }
        IncomingEvent::BackwardsResponse => {
            if let Ok(reply) = ReverseResponse::parse(line.data) {
                if salvage.backwards_request_id.as_deref() != Some(&*reply.backwards_request_id) {
                    return Err(format!("read as {reply:?}, saved as {salvage:?}"));
                }
                again(&reply, |text| {
                    serde_json::from_str::<ReverseResponse<'_>>(text).ok().as_ref().map(seen)
                })?;
            }
        }
        _ => {}
    }
    Ok(true)
}

/// Checks that `DaemonFrame` reads the same as the general parser.
fn daemon_frame(text: &str) -> Result<(), String> {
    let Some(quick) = DaemonFrame::read(text) else { return Ok(()) };
    let general = || {
        let line = Incoming::parse(text)?;
        Ok::<_, serde_json::Error>(match line.event {
            IncomingEvent::Request => {
                let header = RequestHeader::parse(line.data)?;
                DaemonFrame::Request(line, header)
            }
            _ => DaemonFrame::Reply(ReverseResponse::parse(line.data)?),
        })
    };
    let all = |line: &DaemonFrame<'_>| match line {
        DaemonFrame::Request(line, header) => (seen(line), seen(header)),
        DaemonFrame::Reply(reply) => (seen(reply), Default::default()),
    };
    match general() {
        Ok(general) if all(&quick) == all(&general) => Ok(()),
        Err(error) if error.to_string().starts_with("duplicate field") => Ok(()),
        general => Err(format!("read as the daemon's form: {quick:?}, in general: {general:?}")),
    }
}

fn outgoing(text: &str) -> Checked {
    let Ok(line) = Outgoing::parse(text) else { return Ok(false) };
    again(&line, |text| Outgoing::parse(text).ok().as_ref().map(seen))?;
    let Some(data) = line.data else { return Ok(true) };
    match &line.event {
        OutgoingEvent::Session => {
            let Ok(message) = SessionMessage::parse(data) else { return Ok(true) };
            again(&message, |text| serde_json::from_str::<SessionMessage<'_>>(text).ok().as_ref().map(seen))?;
            let json = message.data.get();
            match &message.message_type {
                MessageType::Error => {
                    stable::<ErrorData>(json)?;
                }
                MessageType::Invoke => {
                    if let Ok(call) = serde_json::from_str::<ReverseRequest<'_>>(json) {
                        again(&call, |text| {
                            serde_json::from_str::<ReverseRequest<'_>>(text).ok().as_ref().map(seen)
                        })?;
                        stable::<AppRequest>(call.request.get())?;
                    }
                }
                _ => {
                    stable::<ToolMessage>(json)?;
                    stable::<EndpointResponse>(json)?;
                }
            }
        }
        OutgoingEvent::Log => {
            stable::<LogData>(data.get())?;
        }
        _ => {}
    }
    Ok(true)
}
