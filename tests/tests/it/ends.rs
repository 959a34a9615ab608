//! Each session ends once, whatever its handler does, and the others go on.

use scenarios::lines;
use serde_json::Value;

use super::{Fifo, ask, bare, odd, still_answers, text};

#[test]
fn a_panic_ends_its_session_once() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "panic");
    let messages = daemon.until_end("s");
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(text(&messages[0]), "before");
    assert_eq!(messages[1]["data"]["error_type"], "HandlerPanicked", "{messages:?}");
    assert!(messages[1]["data"]["message"].as_str().unwrap().contains("on purpose"), "{messages:?}");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn an_early_return_with_an_error_ends_its_session_once() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "question_mark");
    let messages = daemon.until_end("s");
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(text(&messages[0]), "before");
    assert_eq!(messages[1]["data"]["error_type"], "HandlerFailed", "{messages:?}");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_tool_that_says_nothing_ends_its_session_once() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "nothing");
    assert_eq!(daemon.until_end("s"), [Value::Null; 0]);
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_tool_that_never_returns_is_ended_once_by_its_deadline() {
    let mut daemon = odd().env("DIFY_PLUGIN_HANDLER_DEADLINE", "0.2").start();
    ask(&mut daemon, "s", "forever");
    let messages = daemon.until_end("s");
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[1]["data"]["error_type"], "DeadlineExceeded", "{messages:?}");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn what_outlives_its_session_is_not_heard() {
    let fifo = Fifo::new();
    let mut daemon = odd().start();
    daemon.line(lines::tool("s", "odd", "outlive", &fifo.parameters()));
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["before"]);
    fifo.release();
    while !daemon.logs().iter().any(|log| log["message"] == "the late message refused=true") {
        let message = daemon.message().expect("the plugin lives");
        assert_ne!(message["event"], "session", "{message}");
        if message["event"] == "log" {
            assert_eq!(message["data"]["message"], "the late message refused=true");
            break;
        }
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn below_the_authors_layer_too_each_session_ends_once() {
    let mut daemon = bare().start();
    for (action, before, error) in
        [("forget", 0, "NoAnswer"), ("panic", 0, "HandlerPanicked"), ("return", 1, "NoAnswer")]
    {
        daemon.line(lines::request(action, &format!(r#"{{"type":"tool","action":"{action}"}}"#)));
        let messages = daemon.until_end(action);
        assert_eq!(messages.len(), before + 1, "{messages:?}");
        assert_eq!(messages[before]["data"]["error_type"], error, "{messages:?}");
    }
    daemon.line(lines::request("s", r#"{"type":"tool","action":"leave_call_open"}"#));
    let messages = daemon.until_end("s");
    assert_eq!(messages.len(), 1, "{messages:?}");
    let call = messages[0]["data"]["backwards_request_id"].as_str().unwrap();
    // Answers that come late are dropped.
    daemon.line(lines::response("s", call, r#"{"late":true}"#));
    daemon.line(lines::end("s", call));
    daemon.line(lines::request("good", r#"{"type":"tool","action":"echo"}"#));
    assert_eq!(daemon.until_end("good")[0]["data"]["action"], "echo");
    daemon.exit().assert_quiet(0);
}
