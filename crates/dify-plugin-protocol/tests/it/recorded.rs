//! Every recorded frame is read into types and serialized back to equal JSON.
//!
//! A frame is split like a peer does it (envelope, session message or reply, payload). Each part is serialized from its own
//! type, and the frame is assembled again. No part is copied from the original.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use dify_plugin_protocol::app::parameters::AppParameters;
use dify_plugin_protocol::app::request::{AppRequest, FetchAppRequest};
use dify_plugin_protocol::app::result::AppResult;
use dify_plugin_protocol::endpoint::{EndpointResponse, InvokeEndpoint};
use dify_plugin_protocol::invoke::{Failure, FailureKind};
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
use dify_plugin_protocol::tool::request::{
    GetToolRuntimeParameters, InvokeTool, RuntimeParameters, ValidateResult, ValidateToolCredentials,
};
use dify_plugin_protocol::{
    Action, ErrorData, Incoming, IncomingEvent, InvokeType, LogData, MessageType, Outgoing, OutgoingEvent,
    RequestHeader, ReverseEvent, ReverseRequest, ReverseResponse, SessionMessage,
};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::equal::same;
use crate::fixtures::{Row, recorded, rows};
use crate::typed::{Typed, event, read, typed};

mod tables;

use tables::{KNOWN_EXTRA, RAW_ACTIONS, RAW_CALLS, UNEQUAL, UNEXPLAINED};

#[derive(Default)]
struct Replay {
    /// The action of each session.
    actions: HashMap<String, Action>,
    /// The type of each call, and whether it asked for a stream.
    calls: HashMap<(String, String), (InvokeType, bool)>,
    raw_actions: BTreeSet<String>,
    raw_calls: BTreeSet<String>,
    known_extra: BTreeSet<(String, String)>,
    lines: usize,
}

impl Replay {
    /// Checks a payload. Only listed keys may be unknown to its type.
    fn payload<'a, T: serde::Deserialize<'a> + serde::Serialize + Debug>(
        &mut self,
        name: &str,
        json: &'a str,
    ) -> Result<Value, String> {
        let payload = read::<T>(json).map_err(|error| format!("{name}: {error}"))?;
        self.checked(name, payload)
    }

    fn checked(&mut self, name: &str, payload: Typed) -> Result<Value, String> {
        for key in payload.extra {
            if !KNOWN_EXTRA.contains(&(name, key.as_str())) {
                return Err(format!("{name} does not know `{key}`"));
            }
            self.known_extra.insert((name.to_owned(), key));
        }
        Ok(payload.json)
    }

    fn incoming(&mut self, text: &str) -> Result<Value, String> {
        let line = Incoming::parse(text).map_err(|error| format!("envelope: {error}"))?;
        let session = line.session_id.to_string();
        let data = match &line.event {
            IncomingEvent::Request => self.request(&session, line.data)?,
            IncomingEvent::BackwardsResponse => self.reverse_response(&session, line.data)?,
            other => return Err(format!("event {other}")),
        };
        let data = to_raw_value(&data).unwrap();
        Ok(serde_json::to_value(Incoming { data: &data, ..line }).unwrap())
    }

    fn request(&mut self, session: &str, data: &RawValue) -> Result<Value, String> {
        let json = data.get();
        let header: RequestHeader<'_> =
            serde_json::from_str(json).map_err(|error| format!("header: {error}"))?;
        self.actions.insert(session.to_owned(), header.action.clone());
        let mut payload = match &header.action {
            Action::InvokeTool => self.payload::<InvokeTool>("InvokeTool", json)?,
            Action::ValidateToolCredentials => {
                self.payload::<ValidateToolCredentials>("ValidateToolCredentials", json)?
            }
            Action::GetToolRuntimeParameters => {
                self.payload::<GetToolRuntimeParameters>("GetToolRuntimeParameters", json)?
            }
            Action::InvokeEndpoint => self.payload::<InvokeEndpoint<'_>>("InvokeEndpoint", json)?,
            raw => {
                self.raw_action(raw)?;
                let mut rest: Value = serde_json::from_str(json).unwrap();
                for key in ["type", "action", "user_id"] {
                    rest.as_object_mut().ok_or("no object")?.remove(key);
                }
                rest
            }
        };
        let Value::Object(header) = serde_json::to_value(&header).unwrap() else { unreachable!() };
        payload.as_object_mut().ok_or("no object")?.extend(header);
        Ok(payload)
    }

    fn reverse_response(&mut self, session: &str, data: &RawValue) -> Result<Value, String> {
        let answer = ReverseResponse::parse(data).map_err(|error| format!("reverse answer: {error}"))?;
        let call = self.calls.get(&(session.to_owned(), answer.backwards_request_id.to_string())).cloned();
        let (kind, streaming) = call.ok_or("an answer to a call that nobody made")?;
        let payload = match (&answer.event, answer.data) {
            (ReverseEvent::Response, Some(payload)) => {
                let json = payload.get();
                Some(match (&kind, streaming) {
                    (InvokeType::App, true) => self.checked("AppEvent", event(json)?)?,
                    (InvokeType::App, false) => {
                        match AppResult::parse(json).map_err(|error| error.to_string())? {
                            AppResult::Unknown(_) => return Err("unknown result".to_owned()),
                            result => self.checked("AppResult", typed(&result))?,
                        }
                    }
                    (InvokeType::FetchApp, _) => self.payload::<AppParameters>("AppParameters", json)?,
                    (raw, _) => {
                        self.raw_call(raw)?;
                        serde_json::from_str(json).unwrap()
                    }
                })
            }
            (ReverseEvent::Error, None) => {
                if matches!(kind, InvokeType::App | InvokeType::FetchApp) {
                    check_failure(&answer.message)?;
                }
                None
            }
            (ReverseEvent::Response | ReverseEvent::End, None) => None,
            (event, _) => return Err(format!("{event} with or without data")),
        };
        let data = payload.map(|payload| to_raw_value(&payload).unwrap());
        Ok(serde_json::to_value(ReverseResponse { data: data.as_deref(), ..answer }).unwrap())
    }

    fn outgoing(&mut self, text: &str) -> Result<Value, String> {
        let line = Outgoing::parse(text).map_err(|error| format!("envelope: {error}"))?;
        let data = match (&line.event, line.data) {
            (OutgoingEvent::Session, Some(data)) => {
                let session = line.session_id.clone().ok_or("a session message without session")?;
                Some(self.session_message(&session, data)?)
            }
            (OutgoingEvent::Log, Some(data)) => Some(self.payload::<LogData>("LogData", data.get())?),
            // The daemon logs the one and counts the other; it reads neither.
            (OutgoingEvent::Error | OutgoingEvent::Heartbeat, data) => {
                data.map(|data| serde_json::from_str(data.get()).unwrap())
            }
            (event, data) => return Err(format!("event {event}, data {}", data.is_some())),
        };
        let data = data.map(|data| to_raw_value(&data).unwrap());
        Ok(serde_json::to_value(Outgoing { data: data.as_deref(), ..line }).unwrap())
    }

    fn session_message(&mut self, session: &str, data: &RawValue) -> Result<Value, String> {
        let message = SessionMessage::parse(data).map_err(|error| format!("session message: {error}"))?;
        let json = message.data.get();
        let data = match &message.message_type {
            MessageType::Stream => {
                let action =
                    self.actions.get(session).cloned().ok_or("an answer in a session that nobody opened")?;
                self.stream(&action, json)?
            }
            MessageType::Invoke => self.invoke(session, json)?,
            MessageType::Error => self.payload::<ErrorData>("ErrorData", json)?,
            // An empty object that no peer reads.
            MessageType::End => serde_json::from_str(json).unwrap(),
            other => return Err(format!("type {other}")),
        };
        let data = to_raw_value(&data).unwrap();
        Ok(serde_json::to_value(SessionMessage { data: &data, ..message }).unwrap())
    }

    fn stream(&mut self, action: &Action, json: &str) -> Result<Value, String> {
        match action {
            Action::InvokeTool
            | Action::InvokeAgentStrategy
            | Action::InvokeOnlineDocumentDatasourceGetPageContent
            | Action::InvokeOnlineDriveDownloadFile => {
                let message: ToolMessage = serde_json::from_str(json).map_err(|error| error.to_string())?;
                match message.body {
                    ToolMessageBody::Other { kind, .. } => Err(format!("tool message of type {kind}")),
                    _ => self.payload::<ToolMessage>("ToolMessage", json),
                }
            }
            Action::ValidateToolCredentials => self.payload::<ValidateResult>("ValidateResult", json),
            Action::GetToolRuntimeParameters => self.payload::<RuntimeParameters>("RuntimeParameters", json),
            Action::InvokeEndpoint => self.payload::<EndpointResponse>("EndpointResponse", json),
            raw => {
                self.raw_action(raw)?;
                Ok(serde_json::from_str(json).unwrap())
            }
        }
    }

    fn invoke(&mut self, session: &str, json: &str) -> Result<Value, String> {
        let call: ReverseRequest<'_> =
            serde_json::from_str(json).map_err(|error| format!("invoke: {error}"))?;
        let request = call.request.get();
        let streaming = !request.contains(r#""blocking""#);
        let id = (session.to_owned(), call.backwards_request_id.to_string());
        self.calls.insert(id, (call.invoke_type.clone(), streaming));
        let payload = match &call.invoke_type {
            InvokeType::App => self.payload::<AppRequest>("AppRequest", request)?,
            InvokeType::FetchApp => self.payload::<FetchAppRequest>("FetchAppRequest", request)?,
            raw => {
                self.raw_call(raw)?;
                serde_json::from_str::<serde_json::Map<_, _>>(request)
                    .map_err(|error| error.to_string())?
                    .into()
            }
        };
        let request = to_raw_value(&payload).unwrap();
        Ok(serde_json::to_value(ReverseRequest { request: &request, ..call }).unwrap())
    }

    fn raw_action(&mut self, action: &Action) -> Result<(), String> {
        let known = RAW_ACTIONS.contains(&action.as_str());
        self.raw_actions.insert(action.to_string());
        known
            .then_some(())
            .ok_or_else(|| format!("the payload of {action} has no type and is not listed as raw"))
    }

    fn raw_call(&mut self, kind: &InvokeType) -> Result<(), String> {
        let known = RAW_CALLS.contains(&kind.as_str());
        self.raw_calls.insert(kind.to_string());
        known
            .then_some(())
            .ok_or_else(|| format!("the payload of {kind} has no type and is not listed as raw"))
    }

    fn row(&mut self, row: &Row) -> Vec<String> {
        let mut failures = Vec::new();
        // Over HTTP the body of a request opens a session.
        #[derive(serde::Deserialize)]
        struct Http<'a> {
            to: String,
            #[serde(borrow)]
            body: &'a RawValue,
        }
        if let Some(Http { to, body }) =
            row.json("http_request").and_then(|json| serde_json::from_str(json).ok())
            && to == "plugin"
        {
            let original: Value = serde_json::from_str(body.get()).unwrap();
            let result = self.incoming(body.get()).and_then(|rebuilt| same(&original, &rebuilt));
            failures.extend(result.err().map(|error| format!("{row} http_request: {error}")));
        }
        for (key, direction) in
            [("in", Replay::incoming as fn(&mut Self, &str) -> _), ("out", Replay::outgoing)]
        {
            let Some(text) = row.json(key) else { continue };
            let original: Value = serde_json::from_str(text).unwrap();
            // A registration over TCP, or the manifest that the SDK prints first, is not an envelope.
            if key == "out" && original.get("type").is_some() && original.get("event").is_none() {
                continue;
            }
            self.lines += 1;
            let result = direction(self, text).and_then(|rebuilt| same(&original, &rebuilt));
            if let Err(error) = result {
                failures.push(format!("{row} {key}: {error}"));
            }
        }
        failures
    }
}

fn check_failure(message: &str) -> Result<(), String> {
    let failure = Failure::parse(message);
    let unexplained =
        failure.kind == FailureKind::Other && !UNEXPLAINED.iter().any(|text| message.contains(text));
    match (unexplained, failure.text == message) {
        (true, _) => Err(format!("an unclassified failure: {message}")),
        (_, false) => Err("a failure lost its text".to_owned()),
        _ => Ok(()),
    }
}

#[test]
fn every_recorded_frame_serializes_unchanged() {
    let mut replay = Replay::default();
    let mut failures = Vec::new();
    let mut unequal = BTreeSet::new();
    for file in recorded() {
        // Ids are reused across files.
        replay.actions.clear();
        replay.calls.clear();
        for row in rows(&format!("recorded/{file}")) {
            let found = replay.row(&row);
            let listed =
                UNEQUAL.iter().any(|(file, line, _)| (*file, *line) == (row.file.as_str(), row.line));
            match (found.is_empty(), listed) {
                (false, false) => failures.extend(found),
                (false, true) => drop(unequal.insert((row.file.clone(), row.line))),
                (true, true) => failures.push(format!("{row} is listed as unequal, and comes back equal")),
                (true, false) => {}
            }
        }
    }
    for (file, line, _) in UNEQUAL {
        if !unequal.contains(&((*file).to_owned(), *line)) {
            failures.push(format!("{file}:{line} is listed as unequal, and is not"));
        }
    }
    stale("RAW_ACTIONS", RAW_ACTIONS, &replay.raw_actions, &mut failures);
    stale("RAW_CALLS", RAW_CALLS, &replay.raw_calls, &mut failures);
    for (name, key) in KNOWN_EXTRA {
        if !replay.known_extra.contains(&((*name).to_owned(), (*key).to_owned())) {
            failures.push(format!(
                "KNOWN_EXTRA lists `{key}` of {name}, which does not occur or has a field now"
            ));
        }
    }
    assert!(failures.is_empty(), "{} of {} lines:\n{}", failures.len(), replay.lines, failures.join("\n"));
    assert!(replay.lines > 3000, "only {} lines were read", replay.lines);
}

fn stale(table: &str, listed: &[&str], seen: &BTreeSet<String>, failures: &mut Vec<String>) {
    for name in listed.iter().filter(|name| !seen.contains(**name)) {
        failures.push(format!("{table} lists {name}, which does not occur or has a type now"));
    }
}
