//! The ids that can still be read in malformed frames.

use dify_plugin_protocol::salvage::Salvage;

fn salvage(line: &str) -> (Option<String>, Option<String>, Option<String>) {
    let s = Salvage::from_frame(line.as_bytes());
    (s.session_id, s.event, s.backwards_request_id)
}

fn some(s: &str) -> Option<String> {
    Some(s.to_owned())
}

#[test]
fn ids_before_a_cut_or_an_error_are_found() {
    assert_eq!(
        salvage(
            r#"{"session_id":"s","context":{"a":[1]},"event":"backwards_response","data":{"backwards_request_id":"r","event":"resp"#
        ),
        (some("s"), some("backwards_response"), some("r"))
    );
    assert_eq!(
        salvage(r#"{"session_id":"s","event":"request","data":[1,2}"#),
        (some("s"), some("request"), None)
    );
    assert_eq!(salvage(r#"{"session_id":7,"event":"request"}"#), (None, some("request"), None));
    assert_eq!(salvage("[1]"), (None, None, None));
    assert_eq!(salvage(""), (None, None, None));
}

#[test]
fn invalid_utf8_in_a_string_is_skipped() {
    let line = b"{\"session_id\":\"s\",\"context\":\"\xff\xfe\",\"event\":\"request\"}";
    let found = Salvage::from_frame(line);
    assert_eq!((found.session_id, found.event, found.is_cut_off), (some("s"), some("request"), false));
    assert!(Salvage::from_frame(&line[..30]).is_cut_off);
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    let line = format!(r#"{{"session_id":"s","data":{}"#, "[".repeat(200_000));
    assert_eq!(Salvage::from_frame(line.as_bytes()).session_id, some("s"));
}
