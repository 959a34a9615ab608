//! Messages that the daemon would refuse.

use scenarios::{Daemon, lines};
use serde_json::Value;

use super::{ask, odd, still_answers, text};

/// The longest frame that the daemon accepts; at one byte more it kills the plugin.
const DAEMON_TAKES: usize = 5 * 1024 * 1024;

const SIZE: usize = 6 * 1024 * 1024;

/// Requests 6 MiB and returns the message that arrives instead, and then the end; no frame may exceed the daemon's limit.
fn answer(daemon: &mut Daemon, tool: &str) -> Vec<Value> {
    daemon.line(lines::tool("big", "odd", tool, &format!(r#"{{"bytes":{SIZE}}}"#)));
    let mut said = Vec::new();
    loop {
        let line = daemon.raw_line().expect("the plugin lives");
        assert!(line.len() < DAEMON_TAKES, "a line of {} bytes", line.len());
        let mut message: Value = serde_json::from_str(&line).expect("a line is JSON");
        if message["session_id"] == "big" {
            if message["data"]["type"] == "end" {
                return said;
            }
            said.push(message["data"].take());
        } else {
            assert_ne!(message["event"], "session", "{message}");
        }
    }
}

/// Requests 6 MiB while another session waits, which must continue.
fn answer_beside_another(tool: &str) -> Vec<Value> {
    let mut daemon = odd().start();
    ask(&mut daemon, "other", "wait");
    let other = daemon.call("other");
    let said = answer(&mut daemon, tool);
    daemon.line(lines::response("other", &other, "1"));
    assert_eq!(daemon.until_end("other")[0]["data"]["message"]["json_object"]["reply"], 1);
    still_answers(&mut daemon);
    daemon.exit().assert_quiet(0);
    said
}

#[test]
fn a_message_or_a_call_too_long_for_the_daemon_fails_its_sender_alone_and_says_both_sizes() {
    for tool in ["huge_json", "huge_call"] {
        let said = answer_beside_another(tool);
        assert_eq!(said.len(), 1, "{tool}");
        let error = &said[0]["data"];
        assert_eq!(
            (&said[0]["type"], &error["error_type"]),
            (&"error".into(), &"FrameTooLarge".into()),
            "{error}"
        );
        let text = error["message"].as_str().unwrap();
        let numbers: Vec<usize> = text
            .split(|character: char| !character.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        assert!(matches!(numbers[..], [size, 5_242_879] if (SIZE..SIZE + 1000).contains(&size)), "{text}");
    }
}

#[test]
fn a_text_too_long_for_the_daemon_comes_whole_in_pieces() {
    let said = answer_beside_another("huge_text");
    assert!(said.len() > 1);
    assert_eq!(said.iter().map(|piece| text(piece).len()).sum::<usize>(), SIZE);
}
