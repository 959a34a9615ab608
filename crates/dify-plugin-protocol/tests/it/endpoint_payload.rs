//! Payloads of endpoints.

use std::borrow::Cow;

use dify_plugin_protocol::endpoint::InvokeEndpoint;
use dify_plugin_protocol::hex::{decode_hex, encode_hex};

#[test]
fn hex_is_accepted_in_either_case_and_nothing_else_is() {
    assert_eq!(decode_hex("00fFAb").unwrap(), [0, 0xff, 0xab]);
    assert_eq!(encode_hex(&[0, 0xff, 0xab]), "00ffab");
    for bad in ["0", "0g", "0x00", " 00", "00\n"] {
        assert!(decode_hex(bad).is_err(), "{bad}");
    }
}

#[test]
fn debug_shows_neither_request_nor_settings() {
    let json =
        r#"{"raw_http_request":"414243","settings":{"token":"hunter2"},"type":"endpoint","user_id":""}"#;
    let request: InvokeEndpoint<'_> = serde_json::from_str(json).unwrap();
    assert!(matches!(request.raw_http_request, Cow::Borrowed(_)) && request.extra.is_empty());
    let text = format!("{request:?}");
    assert!(!text.contains("hunter2") && !text.contains("414243") && text.contains("token"), "{text}");
}
