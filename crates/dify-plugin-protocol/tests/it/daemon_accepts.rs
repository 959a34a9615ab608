//! The verdicts of the daemon's validators, compared with our types.

use std::collections::BTreeSet;

use dify_plugin_protocol::endpoint::EndpointResponse;
use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody, ToolMessageType};
use dify_plugin_protocol::tool::request::{RuntimeParameters, ValidateResult};
use dify_plugin_protocol::{ErrorData, SessionMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::equal::same;
use crate::fixtures::rows;

/// Payloads that our types accept and the daemon refuses, because of the value of a name or a count.
const WE_ARE_OPEN: &[&str] = &[
    r#"{"type":"model","message":{}}"#,
    r#"{"type":"","message":{}}"#,
    r#"{"type":"TEXT","message":{}}"#,
    r#"{"error_type":"E","message":"m","args":{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"a":1,"b":1}}"#,
];

/// Payloads that serialize as the daemon reads them: null or absent as a zero value.
const FILLED_IN: &[&str] = &[
    r#"{"error_type":"E","message":"m"}"#,
    r#"{"error_type":"E","message":"m","args":null}"#,
    "{}",
    r#"{"result":null}"#,
    r#"{"parameters":null}"#,
];

fn through<'a, T: Deserialize<'a> + Serialize>(json: &'a str) -> Option<Value> {
    Some(serde_json::to_value(serde_json::from_str::<T>(json).ok()?).unwrap())
}

#[test]
fn we_accept_what_the_daemon_accepts_and_refuse_what_it_refuses() {
    let (mut open, mut filled, mut probes) = (BTreeSet::new(), BTreeSet::new(), 0);
    for row in rows("recorded/daemon-accepts.jsonl") {
        let kinds: Vec<String> = serde_json::from_str(row.json("for").unwrap()).unwrap();
        let json = row.json("answer").unwrap();
        let ours = match kinds[0].as_str() {
            "invoke_tool" => through::<ToolMessage>(json),
            "validate_tool_credentials" => through::<ValidateResult>(json),
            "get_tool_runtime_parameters" => through::<RuntimeParameters>(json),
            "invoke_endpoint" => through::<EndpointResponse>(json),
            "error" => through::<ErrorData>(json),
            "session" => SessionMessage::parse(&RawValue::from_string(json.to_owned()).unwrap())
                .ok()
                .map(|message| serde_json::to_value(message).unwrap()),
            _ => continue,
        };
        probes += 1;
        let accepted = row.json("accepted") == Some("true");
        match ours {
            Some(_) if !accepted => {
                assert!(WE_ARE_OPEN.contains(&json), "{row}: we take what the daemon refuses: {json}");
                open.insert(json.to_owned());
            }
            None if accepted => panic!("{row}: the daemon takes it, and we don't: {json}"),
            Some(ours) => {
                let original: Value = serde_json::from_str(json).unwrap();
                if let Err(difference) = same(&original, &ours) {
                    assert!(FILLED_IN.contains(&json), "{row}: {difference}");
                    filled.insert(json.to_owned());
                }
            }
            None => {}
        }
    }
    assert_eq!(open, WE_ARE_OPEN.iter().map(|json| (*json).to_owned()).collect(), "no stale entry");
    assert_eq!(filled, FILLED_IN.iter().map(|json| (*json).to_owned()).collect(), "no stale entry");
    assert!(probes > 40, "only {probes}");
}

#[test]
fn the_types_of_tool_messages_are_the_daemons() {
    // `pkg/entities/tool_entities/tool.go`
    let daemon = [
        "text",
        "file",
        "blob",
        "blob_chunk",
        "json",
        "link",
        "image",
        "image_link",
        "binary_link",
        "variable",
        "log",
        "retriever_resources",
    ];
    let ours: BTreeSet<&str> = ToolMessageType::KNOWN.iter().copied().collect();
    assert_eq!(ours, BTreeSet::from(daemon));
    for kind in daemon {
        let json = format!(r#"{{"type":"{kind}","message":{{}}}}"#);
        let message: ToolMessage = serde_json::from_str(&json).unwrap();
        assert!(!matches!(message.body, ToolMessageBody::Other { .. }), "{kind} has a body of its own");
        assert_eq!(message.message_type().as_str(), kind);
    }
}

#[test]
fn an_error_never_has_more_args_than_the_daemon_accepts() {
    let error = (0..20).fold(ErrorData::new("E", "m"), |error, i| error.with_arg(i.to_string(), i));
    assert_eq!(error.args.len(), ERROR_ARGS);
}
