//! Bad input, and input that ends: each malformed frame is reported if there is a session to report it to, and the next valid
//! frame is always answered.

use std::fs::File;
use std::io::Read;

use scenarios::lines;
use tempfile::NamedTempFile;

use super::{ask, odd, still_answers, text};

#[test]
fn lines_of_nobody_get_an_error_event() {
    let mut daemon = odd().start();
    let deep = "[".repeat(10_000);
    let deep_data = format!(
        r#"{{"session_id":null,"event":"request","data":{}{}}}"#,
        "{\"a\":".repeat(10_000),
        "}".repeat(10_000)
    );
    for line in [
        "not json",
        "{",
        "[]",
        "[1,2]",
        "7",
        "null",
        "\"text\"",
        "{}",
        "{} {}",
        r#"{"event":"request","data":{}}"#,
        r#"{"session_id":null,"event":"request","data":{"type":"tool","action":"invoke_tool"}}"#,
        r#"{"session_id":7,"event":"request","data":{"type":"tool","action":"invoke_tool"}}"#,
        r#"{"session_id":["s"],"event":"request","data":{"type":"tool","action":"invoke_tool"}}"#,
        r#"{"session_id":"s","data":{}}"#,
        r#"{"session_id":"s","event":null,"data":{}}"#,
        r#"{"session_id":"s","event":"surprise","data":{}}"#,
        r#"{"session_id":"s","event":"backwards_response","data":null}"#,
        r#"{"session_id":"s","event":"backwards_response","data":[1]}"#,
        &deep,
        &deep_data,
    ] {
        daemon.line(line);
        let error = daemon.error_event();
        assert!(error.contains(&format!("a frame of {} bytes", line.len())), "{:.80}: {error}", line);
        still_answers(&mut daemon);
    }
    daemon.write(b"\xff\xfe\x00{\"session_id\"\n");
    assert!(daemon.error_event().contains("UTF-8"));
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_request_that_cannot_be_read_fails_its_own_session() {
    let mut daemon = odd().start();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bad = [
        lines::request("bad", "null"),
        lines::request("bad", "[]"),
        lines::request("bad", "\"text\""),
        lines::request("bad", "{}"),
        lines::request("bad", r#"{"type":null,"action":"invoke_tool"}"#),
        lines::request("bad", r#"{"type":"tool","action":7}"#),
        lines::request("bad", &deep),
        lines::request("bad", r#"{"type":"tool","action":"invoke_tool","tool":"cut"#),
    ];
    for line in bad {
        daemon.line(&*line);
        daemon.error_event();
        assert_eq!(daemon.failure("bad")["error_type"], "InvalidRequest", "{line:.200}");
        still_answers(&mut daemon);
    }
    let mut bytes = lines::tool("bad", "odd", "println", r#"{"text":"?"}"#).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xff;
    bytes.push(b'\n');
    daemon.write(bytes);
    daemon.error_event();
    assert_eq!(daemon.failure("bad")["error_type"], "InvalidRequest");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_payload_that_cannot_be_read_fails_its_own_session() {
    let mut daemon = odd().start();
    let deep = format!("{{\"fifo\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for (line, error) in [
        (lines::tool("bad", "odd", "hold", "{}"), "InvalidRequest"),
        (lines::tool("bad", "odd", "hold", "null"), "InvalidRequest"),
        (lines::tool("bad", "odd", "hold", "[]"), "InvalidRequest"),
        (lines::tool("bad", "odd", "hold", r#"{"fifo":7}"#), "InvalidRequest"),
        (lines::tool("bad", "odd", "hold", r#"{"fifo":null}"#), "InvalidRequest"),
        (lines::tool("bad", "odd", "hold", &deep), "InvalidRequest"),
        (lines::request("bad", r#"{"type":"tool","action":"invoke_tool"}"#), "InvalidRequest"),
        (
            lines::request("bad", r#"{"type":"tool","action":"invoke_tool","provider":7,"tool":"x"}"#),
            "InvalidRequest",
        ),
        (lines::tool("bad", "odd", "nope", "{}"), "HandlerNotFound"),
        (lines::tool("bad", "nobody", "nope", "{}"), "HandlerNotFound"),
        (lines::request("bad", r#"{"type":"later","action":"dance"}"#), "HandlerNotFound"),
        (lines::request("bad", r#"{"type":"tool","action":"dance"}"#), "HandlerNotFound"),
    ] {
        daemon.line(&*line);
        assert_eq!(daemon.failure("bad")["error_type"], error, "{line:.200}");
        still_answers(&mut daemon);
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_line_over_the_limit_fails_whose_it_was() {
    let mut daemon = odd().env("DIFY_PLUGIN_MAX_LINE_BYTES", "100000").start();
    let padding = format!(r#"{{"text":"{}"}}"#, "x".repeat(300_000));
    daemon.line(lines::tool("long", "odd", "println", &padding));
    assert!(daemon.error_event().contains("100000"));
    assert_eq!(daemon.failure("long")["error_type"], "InvalidRequest");
    still_answers(&mut daemon);

    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    ask(&mut daemon, "other", "wait");
    let other = daemon.call("other");
    daemon.line(lines::response("s", &call, &padding));
    daemon.error_event();
    let failure = daemon.failure("s");
    assert!(failure["message"].as_str().unwrap().contains("100000"), "{failure}");
    daemon.line(lines::response("other", &other, "1"));
    assert_eq!(daemon.until_end("other")[0]["data"]["message"]["json_object"]["reply"], 1);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_line_without_an_end_is_answered_as_soon_as_it_is_known_to_be_too_long() {
    let mut daemon = odd().env("DIFY_PLUGIN_MAX_LINE_BYTES", "100000").start();
    let endless = lines::tool("endless", "odd", "println", &format!(r#"{{"text":"{}"#, "x".repeat(300_000)));
    daemon.write(endless);
    daemon.error_event();
    assert_eq!(daemon.failure("endless")["error_type"], "InvalidRequest");
    // The rest of it, and then the next frame.
    daemon.write("x".repeat(300_000));
    daemon.write("\n");
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_broken_answer_fails_its_own_call_and_no_other() {
    let mut daemon = odd().start();
    for broken in [
        r#"{"backwards_request_id":"ID","event":7,"message":"","data":null}"#,
        r#"{"backwards_request_id":"ID","message":"","data":null}"#,
        r#"{"backwards_request_id":"ID","event":"surprise","message":"","data":null}"#,
        r#"{"backwards_request_id":"ID","event":"response","message":"","data":{"cut"#,
    ] {
        ask(&mut daemon, "other", "wait");
        let other = daemon.call("other");
        ask(&mut daemon, "s", "wait");
        let call = daemon.call("s");
        daemon.line(format!(
            r#"{{"session_id":"s","event":"backwards_response","data":{}}}"#,
            broken.replace("ID", &call)
        ));
        daemon.error_event();
        daemon.failure("s");
        daemon.line(lines::response("other", &other, "1"));
        assert_eq!(daemon.until_end("other")[0]["data"]["message"]["json_object"]["reply"], 1);
    }
    daemon.exit().assert_quiet(0);
}

#[test]
fn answers_for_ids_never_given_out_are_dropped() {
    let mut daemon = odd().start();
    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    for id in ["", "x", "00000000000000000000000000000000", "7f9c24e8-3b12-4b1f-9d0a-5f1e3c2b4a6d"] {
        daemon.line(lines::response("s", id, "7"));
        daemon.line(lines::refusal("s", id, "no"));
        daemon.line(lines::end("s", id));
    }
    // Only the id of the call counts, because it is unique; the session that the frame names does not.
    daemon.line(lines::response("s", &call, "1"));
    assert_eq!(daemon.until_end("s")[0]["data"]["message"]["json_object"]["reply"], 1);
    daemon.exit().assert_quiet(0);
}

#[test]
fn a_request_for_an_open_session_gets_an_error_event_and_the_first_goes_on() {
    let mut daemon = odd().start();
    ask(&mut daemon, "twice", "wait");
    let call = daemon.call("twice");
    ask(&mut daemon, "twice", "println");
    assert!(daemon.error_event().contains("twice"));
    daemon.line(lines::response("twice", &call, "1"));
    assert_eq!(daemon.until_end("twice")[0]["data"]["message"]["json_object"]["reply"], 1);
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
}

#[test]
fn blank_lines_carriage_returns_and_bytes_one_by_one_are_normal() {
    let mut daemon = odd().start();
    daemon.write("\n\n\r\n  \t\n");
    for byte in format!("{}\r\n\r\n", lines::tool("s", "odd", "println", "{}")).into_bytes() {
        daemon.write([byte]);
    }
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["clean"]);
    daemon.exit().assert_quiet(0);
}

#[test]
fn an_input_that_ends_inside_a_line_is_logged() {
    let mut daemon = odd().start();
    daemon.write(r#"{"session_id":"s","event":"requ"#);
    daemon.close_input();
    let error = daemon.error_event();
    assert_eq!(error, "a frame of 31 bytes: EOF while parsing a string at line 1 column 31");
    assert_eq!(daemon.failure("s")["error_type"], "InvalidRequest");
    let exit = daemon.exit_by_itself();
    assert!(exit.stderr.contains("in the middle of a frame"), "{}", exit.stderr);
    exit.assert_quiet(1);
}

#[test]
fn a_whole_value_without_its_newline_is_taken_at_the_end() {
    let mut daemon = odd().start();
    daemon.write(lines::tool("s", "odd", "println", "{}"));
    daemon.close_input();
    assert_eq!(daemon.until_end("s").iter().map(text).collect::<Vec<_>>(), ["clean"]);
    daemon.exit().assert_quiet(0);
}

#[test]
fn input_from_a_file_and_output_into_a_file() {
    let requests: String =
        (0..100).map(|n| format!("{}\n", lines::tool(&format!("s-{n}"), "odd", "println", "{}"))).collect();
    let input = NamedTempFile::new().unwrap();
    std::fs::write(&input, requests).unwrap();
    let output = NamedTempFile::new().unwrap();
    let finished =
        odd().command().stdin(File::open(&input).unwrap()).stdout(output.reopen().unwrap()).output().unwrap();
    assert!(finished.status.success(), "{}", finished.stderr.escape_ascii());
    let mut text = String::new();
    output.reopen().unwrap().read_to_string(&mut text).unwrap();
    let messages: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for kind in ["stream", "end"] {
        assert_eq!(messages.iter().filter(|message| message["data"]["type"] == kind).count(), 100);
    }
}
