//! Frames in the exact form that the daemon writes.

use dify_plugin_protocol::daemon_frame::DaemonFrame;
use dify_plugin_protocol::{AccessType, Action, Incoming, ReverseEvent};

const REPLY: &str = r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}}"#;
const REQUEST: &str = r#"{"action":"invoke_tool","tool":"t","type":"tool","user_id":"u"}"#;

fn line(ids: &str, context: &str, event: &str, data: &str) -> String {
    format!(
        r#"{{"session_id":"s-1","conversation_id":{ids},"message_id":null,"app_id":{ids},"endpoint_id":null,"context":{context},"event":"{event}","data":{data}}}"#
    )
}

#[test]
fn replies_are_read() {
    for (ids, context) in [("null", "null"), (r#""ä-1""#, r#"{"a":["}",{"b":"\""}]}"#)] {
        let data = r#"{"backwards_request_id":"r","event":"response","message":"stream","data":{"event":"message","answer":"\u003c}}"}}"#;
        let line = line(ids, context, "backwards_response", data);
        let Some(DaemonFrame::Reply(reply)) = DaemonFrame::read(&line) else { panic!("{line}") };
        assert_eq!((&*reply.backwards_request_id, &*reply.message), ("r", "stream"));
        assert_eq!(reply.event, ReverseEvent::Response);
        assert_eq!(reply.data.unwrap().get(), r#"{"event":"message","answer":"\u003c}}"}"#);
    }
    let data = r#"{"backwards_request_id":"r","event":"end","message":"","data":null}"#;
    let line = line("null", "null", "backwards_response", data);
    let Some(DaemonFrame::Reply(end)) = DaemonFrame::read(&line) else { panic!("{line}") };
    assert_eq!((end.event, end.data.is_none()), (ReverseEvent::End, true));
}

#[test]
fn requests_are_read() {
    let data = r#"{"action":"invoke_tool","tool_parameters":{"type":"x","user_id":"\"y\""},"type":"tool","user_id":""}"#;
    let line = line(r#""c""#, r#"{"k":1}"#, "request", data);
    let Some(DaemonFrame::Request(request, header)) = DaemonFrame::read(&line) else { panic!("{line}") };
    assert_eq!((&*request.session_id, request.data.get()), ("s-1", data));
    assert_eq!((request.conversation_id.as_deref(), request.message_id.as_deref()), (Some("c"), None));
    assert_eq!(request.context.unwrap().get(), r#"{"k":1}"#);
    assert_eq!((header.action, header.access_type), (Action::InvokeTool, AccessType::Tool));
    assert_eq!(header.user_id, "");
}

/// Each of these needs the general parser, which accepts some of them.
#[test]
fn any_other_form_is_left_to_the_general_parser() {
    assert!(DaemonFrame::read(&line("null", "null", "backwards_response", REPLY)).is_some());
    assert!(DaemonFrame::read(&line("null", "null", "request", REQUEST)).is_some());
    for (ids, context) in
        [("5", "null"), (r#""a\n""#, "null"), ("\"a\tb\"", "null"), ("null", "{]"), ("null", "nul")]
    {
        for (event, data) in [("request", REQUEST), ("backwards_response", REPLY)] {
            let line = line(ids, context, event, data);
            assert!(DaemonFrame::read(&line).is_none(), "{line}");
        }
    }
    for data in [
        r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}"#,
        r#"{"backwards_request_id":"r","event":"response","message":"m","data":}"#,
        r#"{"backwards_request_id":"r","event":"response","message":"m","data":{}},5"#,
        r#"{"backwards_request_id":"r","event":"response","message":"m","data":{},"x":1}"#,
        r#"{"backwards_request_id":"r","event":"response","message":"a\"b","data":{}}"#,
        r#"{"event":"response","backwards_request_id":"r","message":"m","data":{}}"#,
        r#"{"backwards_request_id":"r","event":"response","message":"m", "data":{}}"#,
    ] {
        let line = line("null", "null", "backwards_response", data);
        assert!(DaemonFrame::read(&line).is_none(), "{line}");
    }
    for data in [
        r#"{"action":"a","type":"tool","user_id":"u"},"x":{"y":"z"}"#,
        r#"{"action":"a","type":"tool","user_id":"u"#,
        r#"{"action":"a","x":{"y":1,"type":"tool","user_id":"u"}}"#,
        r#"{"action":"a","type":"tool","user_id":null}"#,
        r#"{"action":"a","type":"tool","user_id":"a\"b"}"#,
        r#"{"action":"a","type":"tool","user_id":"\\"}"#,
        r#"{"action":"a","x":",\"type\":\"tool\",\"user_id\":\"u"}"#,
        r#"{"action":"a","x":"\\","type\":\"tool","user_id":"u"}"#,
        r#"{"action":5,"type":"tool","user_id":"u"}"#,
        r#"{"x":{"action":"a"},"type":"tool","user_id":"u"}"#,
        r#"["action","a","type","tool","user_id","u"]"#,
    ] {
        let line = line("null", "null", "request", data);
        assert!(DaemonFrame::read(&line).is_none(), "{line}");
    }
    let blank = format!("{} ", line("null", "null", "request", REQUEST));
    assert!(DaemonFrame::read(&blank).is_none() && Incoming::parse(&blank).is_ok());
}
