//! Frames as a tap observes them.

use std::time::Duration;

use dify_plugin_host::{Direction, Host, HostConfig, Reply, ReverseCall, Tap, TappedFrame, TappedFrames};
use dify_plugin_protocol::hex::decode_hex;
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};

use crate::rogue::{config, drain, nobody, start};

fn tapped(frame_bytes: usize) -> (HostConfig, TappedFrames) {
    let (tap, frames) = Tap::new();
    let mut config = config();
    config.tap = Some(tap.frame_bytes(frame_bytes));
    (config, frames)
}

/// All frames until the host has dropped its tap.
async fn all(mut frames: TappedFrames) -> Vec<TappedFrame> {
    let mut all = Vec::new();
    while let Some(frame) = tokio::time::timeout(Duration::from_secs(20), frames.recv()).await.unwrap() {
        all.push(frame);
    }
    all
}

fn parsed(frame: &TappedFrame) -> Value {
    serde_json::from_str(&frame.text).unwrap_or_else(|error| panic!("{error}: {}", frame.text))
}

#[tokio::test]
async fn every_frame_is_observed_in_order_with_its_payload() {
    let (config, frames) = tapped(64 * 1024);
    let platform =
        |_: ReverseCall| stream::iter([Ok(Reply::from(json!({"event": "message", "answer": "é"})))]).boxed();
    let plugin = start(
        r#"beat; ask; echo 'not json'; session s invoke '{"type":"app","backwards_request_id":"x","request":{"app_id":"a"}}'
           keep; keep; session s stream '{"type":"text","message":{"text":"hi"}}'; session s end '{}'; rest"#,
        config,
        platform,
    )
    .await;
    let mut messages = plugin.open("s").await;
    assert!(drain(&mut messages).await.1.is_none());
    drop(messages);
    plugin.heard().await;
    let frames = all(frames).await;
    let seen: Vec<_> = frames
        .iter()
        .map(|frame| match serde_json::from_str::<Value>(&frame.text) {
            Ok(value) => (
                frame.direction,
                value["data"].get("type").or(value.get("event")).unwrap().as_str().unwrap().to_owned(),
            ),
            Err(_) => (frame.direction, frame.text.clone()),
        })
        .collect();
    let from = |what: &str| (Direction::FromPlugin, what.to_owned());
    let to = |what: &str| (Direction::ToPlugin, what.to_owned());
    let expected = [
        from("heartbeat"),
        to("tool"),
        from("not json"),
        from("invoke"),
        to("backwards_response"),
        to("backwards_response"),
        from("stream"),
        from("end"),
    ];
    assert_eq!(seen, expected);
    assert_eq!(parsed(&frames[4])["data"]["data"], json!({"event": "message", "answer": "é"}));
    assert_eq!(parsed(&frames[6])["data"]["data"]["message"], json!({"text": "hi"}));
    assert!(
        frames.iter().all(|frame| frame.length == frame.text.len() && !frame.truncated && frame.missed == 0)
    );
    assert!(frames.is_sorted_by_key(|frame| frame.at));
}

#[tokio::test]
async fn secrets_are_redacted_by_key_at_any_depth() {
    let (config, frames) = tapped(64 * 1024);
    let plugin = start(
        r#"beat; ask; session s stream '{"type":"json","message":{"json_object":{"a":[{"API-Key":"hunter2","access_token" : "hunter2"}],"max_tokens":7}}}'
           session s end '{}'; rest"#,
        config,
        nobody(),
    )
    .await;
    let credentials =
        json!({"key": "hunter2", "port": 2222, "list": [{"deep": "hunter2"}], "on": true, "none": null});
    let parameters = json!({"text": "a \"quoted\" credentials: text", "pass\u{77}ord": "hunter2"});
    let open = plugin.host.invoke_tool(
        "bench",
        "echo",
        parameters.as_object().unwrap().clone(),
        credentials.as_object().unwrap().clone(),
    );
    let messages = open.await.unwrap();
    drop(messages);
    plugin.host.clone().shutdown().await;
    drop(plugin);
    let frames = all(frames).await;
    assert!(frames.iter().all(|frame| !frame.text.contains("hunter2")), "{frames:?}");
    let request = frames.iter().find(|frame| frame.direction == Direction::ToPlugin).unwrap();
    let data = &parsed(request)["data"];
    let hidden = "[redacted]";
    assert_eq!(
        data["credentials"],
        json!({"key": hidden, "port": hidden, "list": [{"deep": hidden}], "on": true, "none": null})
    );
    assert_eq!(
        data["tool_parameters"],
        json!({"text": "a \"quoted\" credentials: text", "password": hidden})
    );
    assert_eq!(data["tool"], "echo");
    let answered = frames.iter().find(|frame| frame.text.contains("json_object")).unwrap();
    assert_eq!(
        parsed(answered)["data"]["data"]["message"]["json_object"],
        json!({"a": [{"API-Key": hidden, "access_token": hidden}], "max_tokens": 7})
    );
}

#[tokio::test]
async fn secrets_of_an_endpoints_request_are_redacted_in_the_hex() {
    let (config, frames) = tapped(64 * 1024);
    let plugin = start("beat; ask; session s end '{}'; rest", config, nobody()).await;
    let request = |body: &'static [u8]| {
        http::Request::post("/a?code=hunter2&q=1&token=hunter2")
            .header("Authorization", "Bearer hunter2")
            .header("Cookie", "sid=hunter2")
            .header("X-Api-Key", "hunter2")
            .header("Ocp-Apim-Subscription-Key", "hunter2")
            .header("X-Hub-Signature", "hunter2")
            .header("Accept", "text/html")
            .body(body.into())
            .unwrap()
    };
    let settings = Map::from_iter([("secret".to_owned(), json!("hunter2"))]);
    // Nothing answers; the request is sent all the same.
    let bodies: [&[u8]; 6] = [
        br#"{"a": 1, "client_secret": "hunter2", "function_key": "hunter2"}"#,
        b"a=1&password=hunter2",
        // What `curl --data-binary @file` sends, and a name in another spelling.
        b"a=1&pass%77ord=hunter2\n&app_key=hunter2\n",
        // Also what the cut of a long body leaves.
        b"{\"signing_key\":\"hunter2\",\"text\":\"\xe4\xbd",
        b"--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\n--x--",
        b"plain text",
    ];
    for body in bodies {
        let asked = plugin.host.invoke_endpoint(request(body), "hook", settings.clone());
        assert!(tokio::time::timeout(Duration::from_millis(100), asked).await.is_err());
    }
    plugin.host.clone().shutdown().await;
    drop(plugin);
    let frames = all(frames).await;
    let mut bodies = Vec::new();
    for frame in frames.iter().filter(|frame| frame.direction == Direction::ToPlugin) {
        let data = &parsed(frame)["data"];
        assert_eq!(data["settings"], json!({"secret": "[redacted]"}));
        let http =
            String::from_utf8(decode_hex(data["raw_http_request"].as_str().unwrap()).unwrap()).unwrap();
        assert!(!http.contains("hunter2"), "{http}");
        assert!(http.starts_with("POST /a?code=[redacted]&q=1&token=[redacted] HTTP/1.1\r\n"), "{http}");
        assert!(
            http.contains("\r\nAccept: text/html\r\nAuthorization: [redacted]\r\nCookie: [redacted]\r\n"),
            "{http}"
        );
        let (head, body) = http.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{http}");
        bodies.push(body.to_owned());
    }
    assert_eq!(
        bodies,
        [
            r#"{"a": 1, "client_secret": "[redacted]", "function_key": "[redacted]"}"#,
            "a=1&password=[redacted]",
            "a=1&pass%77ord=[redacted]&app_key=[redacted]",
            "{\"signing_key\":\"[redacted]\",\"text\":\"\u{fffd}",
            "[redacted]",
            "plain text",
        ]
    );
}

#[tokio::test]
async fn stored_values_are_redacted() {
    let (config, frames) = tapped(64 * 1024);
    let platform = |_: ReverseCall| stream::iter([Ok(Reply::from(json!({"data": "cafe"})))]).boxed();
    let plugin = start(
        r#"beat; ask
           session s invoke '{"type":"storage","backwards_request_id":"x","request":{"opt":"set","value":"cafe","key":"k"}}'
           keep; keep; session s end '{}'; rest"#,
        config,
        platform,
    )
    .await;
    let mut messages = plugin.open("s").await;
    assert!(drain(&mut messages).await.1.is_none());
    drop(messages);
    plugin.heard().await;
    let frames = all(frames).await;
    assert!(frames.iter().all(|frame| !frame.text.contains("cafe")), "{frames:?}");
    let set = parsed(&frames[2]);
    assert_eq!(set["data"]["data"]["request"], json!({"opt": "set", "key": "k", "value": "[redacted]"}));
    assert_eq!(parsed(&frames[3])["data"]["data"], json!({"data": "[redacted]"}));
}

#[tokio::test]
async fn of_a_long_frame_only_the_beginning_is_kept() {
    let (mut config, frames) = tapped(80);
    config.frame_bytes = 1000;
    let plugin = start(
        r#"beat; ask; echo '{"event":"log","data":{"api_key":"hunter2 hunter2","m":"ééééééééééééééééééééééééééééééééééééééé"}}'
           echo '{"event":"log","data":{"api_key":"hunter2'; head -c 2000 /dev/zero | tr '\0' 'x'; rest"#,
        config,
        nobody(),
    )
    .await;
    let mut messages = plugin.open("s").await;
    assert!(drain(&mut messages).await.1.is_some());
    drop((messages, plugin));
    let frames = all(frames).await;
    let long = frames.iter().find(|frame| frame.text.contains("\"m\"")).unwrap();
    assert!(long.truncated && (78..=80).contains(&long.text.len()), "{long:?}");
    assert_eq!(long.length, 137);
    // A frame that breaks off inside a secret shows nothing of it, and neither does one the host refuses for its length.
    assert!(frames.iter().all(|frame| !frame.text.contains("hunter2")), "{frames:?}");
    let last = frames.last().unwrap();
    assert!(
        last.truncated && last.text.starts_with("xxx") && last.direction == Direction::FromPlugin,
        "{last:?}"
    );
}

#[tokio::test]
async fn frames_that_nobody_reads_are_dropped_and_counted() {
    let (tap, mut frames) = Tap::new();
    let mut config = HostConfig::default();
    config.tap = Some(tap.frame_bytes(usize::MAX));
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (output, input) = tokio::io::split(ours);
    let writer = tokio::spawn(async move {
        use tokio::io::AsyncWriteExt;
        let (_input, mut plugin) = tokio::io::split(theirs);
        plugin.write_all(b"{\"event\":\"heartbeat\"}\n").await.unwrap();
        let frame = format!("{{\"event\":\"log\",\"data\":{{\"message\":\"{}\"}}}}\n", "x".repeat(4_000_000));
        for _ in 0..6 {
            plugin.write_all(frame.as_bytes()).await.unwrap();
        }
        plugin.write_all(b"{\"event\":\"heartbeat\"}\n").await.unwrap();
    });
    let host = Host::over(output, input, None, config, nobody()).await.unwrap();
    host.wait().await;
    writer.await.unwrap();
    drop(host);
    let mut seen = Vec::new();
    while let Some(frame) = frames.recv().await {
        seen.push((frame.length, frame.missed));
    }
    let (first, long) = (21, 4_000_037);
    assert_eq!(seen, [(first, 0), (long, 0), (long, 0), (long, 0), (long, 0), (first, 2)]);
}

#[tokio::test]
async fn frames_without_text_fill_the_queue_too() {
    const FRAMES: usize = 300_000;
    let (tap, frames) = Tap::new();
    let mut config = HostConfig::default();
    config.tap = Some(tap.frame_bytes(0));
    let output = std::io::Cursor::new("{\"event\":\"heartbeat\"}\n".repeat(FRAMES));
    let host = Host::over(output, tokio::io::sink(), None, config, nobody()).await.unwrap();
    host.wait().await;
    drop(host);
    let seen = all(frames).await.len();
    assert!(seen * size_of::<TappedFrame>() <= 16 << 20, "{seen} frames were queued");
}

#[tokio::test]
async fn a_frame_can_be_cut_at_any_byte_without_showing_a_secret() {
    let text = r#"{"event":"log","data":{"é\"ü":"ä\\","settings":{"a":["hunter2",1]},"value":"storage \"storage\"","token":"hunter2"}}"#;
    for frame_bytes in 0..=text.len() + 20 {
        let (tap, frames) = Tap::new();
        let mut config = HostConfig::default();
        config.tap = Some(tap.frame_bytes(frame_bytes));
        let output = std::io::Cursor::new(format!("{{\"event\":\"heartbeat\"}}\n{text}\n"));
        let host = Host::over(output, tokio::io::sink(), None, config, nobody()).await.unwrap();
        host.wait().await;
        drop(host);
        let frames = all(frames).await;
        let [_, frame] = &frames[..] else { panic!("{frames:?}") };
        assert!(frame.text.len() <= frame_bytes && !frame.text.contains("hunter"), "{frame:?}");
        assert_eq!(frame.truncated, !frame.text.ends_with("}}"), "{frame:?}");
        if !frame.truncated {
            assert_eq!(parsed(frame)["data"]["token"], "[redacted]");
        }
    }
}
