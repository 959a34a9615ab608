//! Errors of a session, and what is printed of a JSON error.

use dify_plugin_protocol::ErrorData;
use dify_plugin_protocol::error::{describe_json, describe_value};
use dify_plugin_protocol::limits::ERROR_ARGS;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
enum Color {
    Red,
    Green,
}

#[test]
fn values_are_not_quoted() {
    let error = serde_json::from_str::<ErrorData>(r#"{"error_type":["hunter2"]}"#).unwrap_err();
    assert!(describe_json(&error).starts_with("found sequence, expected a string at line 1"), "{error}");
    let error = serde_json::from_str::<Vec<u8>>(r#""hunter2, expected a thing""#).unwrap_err();
    assert_eq!(describe_json(&error), "found string, expected a sequence at line 1 column 27");
    assert_eq!(describe_value(&error), "found string, expected a sequence");
    let error = serde_json::from_str::<Color>(r#""hunter2, expected a thing""#).unwrap_err();
    assert_eq!(describe_value(&error), "unknown name, expected `Red` or `Green`");
    let error = serde_json::from_value::<u8>(serde_json::json!(300)).unwrap_err();
    assert_eq!(describe_json(&error), "found integer, expected u8");
    let error = serde_json::from_str::<Vec<u8>>("[1").unwrap_err();
    assert_eq!(describe_json(&error), "EOF while parsing a list at line 1 column 2");
}

#[test]
fn an_eleventh_detail_is_dropped() {
    let error = (0..11).fold(ErrorData::new("E", "m"), |error, i| error.with_arg(i.to_string(), i));
    assert_eq!(error.args.len(), ERROR_ARGS);
}
