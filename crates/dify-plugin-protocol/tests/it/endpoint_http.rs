//! Recorded HTTP requests of the daemon.

use dify_plugin_protocol::endpoint::InvokeEndpoint;
use dify_plugin_protocol::endpoint::http::{HttpRequest, HttpRequestError};
use dify_plugin_protocol::hex::decode_hex;
use serde_json::Value;

use crate::fixtures::{recorded, rows};

#[test]
fn each_request_is_read_as_the_daemon_wrote_it() {
    for row in rows("recorded/daemon-endpoint-http.jsonl") {
        let message = decode_hex(&row.text("raw_http_request")).unwrap();
        let written = row.text("written");
        assert_eq!(message, written.as_bytes(), "{row}: the row agrees with itself");
        let request = HttpRequest::parse(message).unwrap_or_else(|error| panic!("{row}: {error}"));

        // A simple second parser: splits the lines of the head at the first space or colon.
        let (head, _) = written.split_once("\r\n\r\n").unwrap();
        let (first, lines) = head.split_once("\r\n").unwrap();
        assert_eq!(format!("{} {} HTTP/1.1", request.method, request.target), first, "{row}");
        assert_eq!(request.method, row.text("method"), "{row}");
        let headers: Vec<(String, Vec<u8>)> = lines
            .split("\r\n")
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .collect();
        assert_eq!(request.headers, headers, "{row}");
        assert_eq!(request.body, row.text("body").as_bytes(), "{row}");
        assert_eq!(request.header("dify-hook-id"), Some(&b"hook1"[..]), "{row}");
    }
}

#[test]
fn each_recorded_endpoint_request_has_a_complete_http_request() {
    let mut read = 0;
    for row in recorded().iter().flat_map(|file| rows(&format!("recorded/{file}"))) {
        let Some(json) = row.json("in") else { continue };
        let line: Value = serde_json::from_str(json).unwrap();
        if line["data"]["action"] != "invoke_endpoint" {
            continue;
        }
        let data = line["data"].to_string();
        let request: InvokeEndpoint<'_> = serde_json::from_str(&data).unwrap();
        match request.http_request() {
            Ok(http) => {
                assert!(http.target.starts_with('/') && http.header("host").is_some(), "{row}");
                // The daemon sends an empty POST chunked; the rest of its coding must not become a body.
                assert_ne!(http.body, b"0\r\n\r\n", "{row}");
                read += 1;
            }
            // An example of the encoding only: its request is the letter G.
            Err(error) => {
                assert_eq!(
                    (row.file.as_str(), error),
                    ("daemon-requests.jsonl", HttpRequestError::Incomplete)
                );
            }
        }
    }
    assert!(read > 50, "only {read}");
}
