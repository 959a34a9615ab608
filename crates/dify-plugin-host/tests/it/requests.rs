//! Requests as a plugin reads them, byte for byte.

use bytes::Bytes;
use dify_plugin_protocol::hex::decode_hex;
use http::Request;
use serde_json::{Map, Value, json};

use crate::pipe;

/// The text that the plugin reads for these tool parameters.
async fn parameters_text(parameters: Value) -> String {
    let (host, mut plugin) = pipe::host().await;
    let parameters = Map::from_iter([("p".to_owned(), parameters)]);
    let messages = host.invoke_tool("bench", "echo", parameters, Map::new()).await.unwrap();
    let frame = plugin.read_text().await;
    drop(messages);
    let (_, rest) = frame.split_once(r#""tool_parameters":{"p":"#).unwrap();
    let (text, _) = rest.split_once(r#"},"type":"tool","user_id":""}}"#).unwrap();
    text.to_owned()
}

/// The HTTP request that the plugin reads, in hex.
async fn raw_http_request(request: Request<Bytes>) -> String {
    let (host, mut plugin) = pipe::host().await;
    let request =
        tokio::spawn(async move { host.invoke_endpoint(request, "hook1", Map::new()).await.map(drop) });
    let frame = plugin.read().await;
    request.abort();
    frame["data"]["raw_http_request"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn texts_are_escaped_as_go_does() {
    let text = "<a href=\"x\">&\u{2028}\u{2029}\u{8}\u{1}\n é鴨🦆\u{7f}";
    let written = parameters_text(json!(text)).await;
    let expected = r#""\u003ca href=\"x\"\u003e\u0026\u2028\u2029\b\u0001\n é鴨🦆"#.to_owned() + "\u{7f}\"";
    assert_eq!(written, expected);
    assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
}

#[tokio::test]
async fn keys_are_sorted_at_every_level() {
    let value = json!({"b": {"z": 1, "a": []}, "a": null});
    assert_eq!(parameters_text(value).await, r#"{"a":null,"b":{"a":[],"z":1}}"#);
}

#[tokio::test]
async fn numbers_have_been_float64() {
    for (number, expected) in [
        ("1.0", "1"),
        ("-2.0", "-2"),
        ("1.5", "1.5"),
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("1e-7", "1e-7"),
        ("6e-06", "0.000006"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
    ] {
        assert_eq!(parameters_text(serde_json::from_str(number).unwrap()).await, expected);
    }
}

#[tokio::test]
async fn http_requests_are_written_as_the_daemon_was_seen_to() {
    let rows = include_str!("../fixtures/daemon-endpoint-http.jsonl");
    for line in rows.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| row[name].as_str().unwrap();
        // The address below the hook, with escapes as the caller wrote them.
        let below = text("url").strip_prefix("/e/hook1").unwrap();
        let mut request = Request::builder().method(text("method")).uri(below).header("Host", text("host"));
        let pairs: Vec<_> =
            row["extra_headers"].as_array().unwrap().iter().map(|header| header.as_str().unwrap()).collect();
        for pair in pairs.chunks(2).filter(|pair| pair[0] != "User-Agent") {
            request = request.header(pair[0], pair[1]);
        }
        // The client of the recordings asks for gzip by itself, except with HEAD.
        if text("method") != "HEAD" {
            request = request.header("Accept-Encoding", "gzip");
        }
        let request = request.body(Bytes::from(text("body").to_owned())).unwrap();
        assert_eq!(raw_http_request(request).await, text("raw_http_request"), "{line}");
    }
    assert_eq!(rows.lines().count(), 9);
}

#[tokio::test]
async fn broken_escapes_are_dropped_and_a_long_body_is_cut() {
    const LIMIT: usize = 10 * 1024 * 1024;
    let request = Request::post("/x?a=%zz&b=%41&c=1%2").body(vec![b'x'; LIMIT + 1].into()).unwrap();
    let written = decode_hex(&raw_http_request(request).await).unwrap();
    let head = String::from_utf8_lossy(&written[..200]);
    assert!(head.starts_with("POST /x?b=A HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("Content-Length: {LIMIT}\r\n")), "{head}");
    assert!(written.ends_with(b"xx") && written.len() < LIMIT + 300);
}
