//! Users' secrets appear in none of a plugin's logs and errors.

use scenarios::lines;
use serde_json::Value;

use super::{ask, odd, still_answers};

/// The text used for every secret.
const SECRET: &str = "s3cr3t";

/// A complete request for an endpoint, with a secret in every place that can hold one.
fn endpoint(path: &str) -> String {
    let http = format!(
        "POST {path}?key={SECRET} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\nCookie: {SECRET}\r\nContent-Length: 6\r\n\r\n{SECRET}"
    );
    hex(http.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Valid and malformed requests, each with its own session.
fn requests() -> Vec<String> {
    let tool = |tool: &str, credentials: &str, parameters: &str| {
        format!(
            r#"{{"action":"invoke_tool","credential_type":"api-key","credentials":{credentials},"provider":"odd","tool":"{tool}","tool_parameters":{parameters},"type":"tool","user_id":"u-1"}}"#
        )
    };
    let hook = |settings: &str, http: &str| {
        format!(
            r#"{{"action":"invoke_endpoint","raw_http_request":"{http}","settings":{settings},"type":"endpoint","user_id":""}}"#
        )
    };
    let object = &*format!(r#"{{"key":"{SECRET}","{SECRET}":["{SECRET}"]}}"#);
    let string = &*format!(r#""{SECRET}""#);
    let cut_head = hex(format!("GET /{SECRET} HTTP/1.1\r\nAuthorization: {SECRET}").as_bytes());
    let bad_head = hex(format!("GET / HTTP/1.1\r\n{SECRET} {SECRET}\r\n\r\n").as_bytes());
    let mut requests = Vec::new();
    for name in ["println", "question_mark", "panic", "hold", "huge_json", "nope"] {
        requests.push(tool(name, object, object));
        requests.push(tool(name, string, object));
        requests.push(tool(name, object, string));
    }
    requests.push(tool("hold", object, &format!(r#"{{"fifo":["{SECRET}"]}}"#)));
    requests.push(tool("hold", object, &format!(r#"{{"fifo":{{"a":"{SECRET}"}}}}"#)));
    requests.push(tool("huge_json", object, &format!(r#"{{"bytes":"{SECRET}"}}"#)));
    requests.push(hook(object, &endpoint("/cookies")));
    requests.push(hook(object, &endpoint("/nowhere")));
    requests.push(hook(string, &endpoint("/cookies")));
    requests.push(hook(object, &cut_head));
    requests.push(hook(object, &bad_head));
    requests.push(hook(object, &format!("{SECRET}{}", endpoint("/cookies"))));
    requests.push(
        tool("println", object, object)
            .replace(r#""action":"invoke_tool""#, r#""action":"validate_provider_credentials""#),
    );
    requests.push(format!(r#"{{"type":"tool","action":"invoke_tool","credentials":{object}"#));
    requests
        .push(format!(r#"{{"type":"tool","action":"invoke_tool","credentials":{{"key":"{SECRET}\q"}}}}"#));
    requests
}

#[test]
fn no_secret_is_in_stderr_in_log_events_or_in_errors() {
    let mut daemon =
        odd().env("DIFY_PLUGIN_LOG", "trace").env("DIFY_PLUGIN_MAX_LINE_BYTES", "100000").start();
    let requests = requests();
    for (n, data) in requests.iter().enumerate() {
        daemon.line(lines::request(&n.to_string(), data));
    }
    let mut errors = Vec::new();
    let mut ended = 0;
    while ended < requests.len() {
        let message = daemon.next_message();
        ended += usize::from(message["data"]["type"] == "end");
        note(&mut errors, message);
    }
    // Replies: a malformed one, one over the limit, one to an unknown call, and a valid one.
    let big = format!(r#""{}""#, SECRET.repeat(20_000));
    for reply in [&*format!(r#"{{"key":"{SECRET}"#), &*format!(r#""{SECRET}\q""#), &*big] {
        ask(&mut daemon, "s", "wait");
        let call = daemon.call("s");
        daemon.line(lines::response("s", &call, reply));
        loop {
            let message = daemon.next_message();
            let is_end = message["data"]["type"] == "end";
            note(&mut errors, message);
            if is_end {
                break;
            }
        }
    }
    daemon.line(lines::response("s", "nobody", &format!(r#""{SECRET}""#)));
    ask(&mut daemon, "s", "wait");
    let call = daemon.call("s");
    daemon.line(lines::response("s", &call, &format!(r#""{SECRET}""#)));
    assert_eq!(daemon.until_end("s")[0]["data"]["message"]["json_object"]["reply"], SECRET);
    // Frames that belong to no session.
    for junk in [
        SECRET.to_owned(),
        format!("\"{SECRET}\""),
        format!("{{\"{SECRET}\":1}}"),
        format!(r#"{{"session_id":["{SECRET}"],"event":"request","data":{{}}}}"#),
        format!(r#"{{"session_id":7,"event":"request","data":"{SECRET}"}}"#),
        format!(r#"{{"event":"request","data":{{"credentials":"{SECRET}"}}}}"#),
        big,
    ] {
        daemon.line(junk);
        note(&mut errors, daemon.next_message());
    }
    still_answers(&mut daemon);
    // Read before the end; later logs are also on stderr.
    let logs = daemon.logs().to_vec();
    let exit = daemon.exit();
    exit.assert_quiet(0);
    assert!(errors.len() > requests.len() / 2, "{} errors", errors.len());
    assert!(exit.stderr.contains("TRACE") || exit.stderr.contains("DEBUG"), "{}", exit.stderr);
    // An HTTP request is sent as hex.
    for secret in [SECRET, &hex(SECRET.as_bytes())] {
        for told in errors.iter().chain(&logs) {
            assert!(!told.to_string().contains(secret), "{told:.1000}");
        }
        assert!(!exit.stderr.contains(secret), "{}", exit.stderr);
    }
}

/// Keeps the message if it reports an error.
fn note(errors: &mut Vec<Value>, message: Value) {
    if message["event"] == "error" || message["data"]["type"] == "error" {
        errors.push(message);
    }
}
