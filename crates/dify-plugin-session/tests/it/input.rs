//! Bad input: every bad frame is reported where that is possible, and the next good frame is always handled.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{Connection, InvokeError};
use serde_json::json;
use tokio::io::{AsyncRead, ReadBuf};

use crate::daemon::{Daemon, answer, config, request};

async fn read_error_event(daemon: &mut Daemon) -> String {
    let line = daemon.read().await;
    assert_eq!((&line["event"], &line["session_id"]), (&"error".into(), &json!(null)), "{line}");
    line["data"]["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn junk_gets_an_error_event_that_says_what_and_where() {
    let mut daemon = Daemon::new();
    for (line, says) in [
        ("not json", "line 1 column 2"),
        ("{\"a\":", "EOF while parsing"),
        ("[1,2]", "expected "),
        ("\"text\"", "found string"),
        ("{}", "missing field `session_id`"),
        (r#"{"session_id":"x"}"#, "missing field `event`"),
        (r#"{"session_id":"x","event":"ping","data":{}}"#, "unknown event `ping`"),
        (r#"{"session_id":null,"event":"request","data":{}}"#, "found null"),
        (r#"{"session_id":7,"event":"request","data":{}}"#, "found integer"),
        (r#"{"session_id":"x","event":7,"data":{}}"#, "found integer"),
    ] {
        daemon.line(line).await;
        let error = read_error_event(&mut daemon).await;
        assert!(error.contains(says), "{line}: {error}");
        daemon.still_answers().await;
    }
    let deep = "[".repeat(10_000);
    daemon.line(deep).await;
    read_error_event(&mut daemon).await;
    daemon.write(b"{\"session_id\":\"\xff\xfe\"}\n").await;
    assert!(read_error_event(&mut daemon).await.contains("invalid UTF-8 after byte 15"));
    daemon.still_answers().await;
    assert_eq!(daemon.handle.stats().malformed_frames, 12);
}

#[tokio::test]
async fn a_long_unknown_name_is_not_echoed_whole() {
    let mut daemon = Daemon::new();
    daemon.line(format!(r#"{{"session_id":"x","event":"{}","data":{{}}}}"#, "e".repeat(5000))).await;
    let error = read_error_event(&mut daemon).await;
    assert!(error.contains("unknown event `eee") && error.len() < 200, "{error}");
}

#[tokio::test]
async fn a_request_that_cannot_be_read_fails_its_own_session() {
    let mut daemon = Daemon::new();
    for line in [
        r#"{"session_id":"x","event":"request","data":null}"#,
        r#"{"session_id":"x","event":"request","data":[1]}"#,
        r#"{"session_id":"x","event":"request","data":{"type":"tool"}}"#,
        r#"{"session_id":"x","event":"request","data":{"type":1,"action":"a"}}"#,
        r#"{"session_id":"x","event":"request"}"#,
        r#"{"session_id":"x","event":"request","data":{"broken"#,
    ] {
        daemon.line(line).await;
        read_error_event(&mut daemon).await;
        assert_eq!(daemon.read_failure("x").await, "InvalidRequest", "{line}");
    }
    let mut bytes = br#"{"session_id":"x","event":"request","data":{"text":""#.to_vec();
    bytes.extend_from_slice(b"\xc3\x28\"}}\n");
    daemon.write(bytes).await;
    read_error_event(&mut daemon).await;
    assert_eq!(daemon.read_failure("x").await, "InvalidRequest");
    daemon.still_answers().await;
}

#[tokio::test]
async fn a_broken_request_for_an_open_session_does_not_end_it() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    daemon.line(r#"{"session_id":"s","event":"request","data":null}"#).await;
    read_error_event(&mut daemon).await;
    responder.send("still here").await.unwrap();
    assert_eq!(daemon.read().await["data"]["data"], "still here");
}

#[tokio::test]
async fn a_broken_reply_fails_its_own_call() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let session = responder.session();
    for broken in [
        r#"{"session_id":"s","event":"backwards_response","data":{"backwards_request_id":"ID","event":7}}"#,
        r#"{"session_id":"s","event":"backwards_response","data":{"backwards_request_id":"ID"}}"#,
        r#"{"session_id":"s","event":"backwards_response","data":{"backwards_request_id":"ID","event":"response","data":{"cut"#,
        r#"{"session_id":"s","event":"backwards_response","data":{"backwards_request_id":"ID","event":"surprise"}}"#,
    ] {
        let mut other = session.invoke(InvokeType::App, &json!({})).await.unwrap();
        let other_id = daemon.read_call().await;
        let mut replies = session.invoke(InvokeType::App, &json!({})).await.unwrap();
        let id = daemon.read_call().await;
        daemon.line(broken.replace("ID", &id)).await;
        read_error_event(&mut daemon).await;
        assert!(matches!(replies.try_next().await, Err(InvokeError::Malformed { .. })), "{broken}");
        daemon.respond("s", &other_id, "1").await;
        assert_eq!(other.try_next().await.unwrap().unwrap().get(), "1");
    }
    daemon.still_answers().await;
}

#[tokio::test]
async fn a_broken_reply_without_a_call_id_fails_the_calls_of_its_session() {
    let mut daemon = Daemon::new();
    let (_, one) = daemon.open("one").await.into_parts();
    let (_, two) = daemon.open("two").await.into_parts();
    let mut mine = one.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    daemon.read_call().await;
    let mut other = two.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    let other_id = daemon.read_call().await;
    daemon.line(r#"{"session_id":"one","event":"backwards_response","data":[]}"#).await;
    read_error_event(&mut daemon).await;
    assert!(matches!(mine.try_next().await, Err(InvokeError::Malformed { .. })));
    daemon.respond("two", &other_id, "1").await;
    assert_eq!(other.try_next().await.unwrap().unwrap().get(), "1");
}

#[tokio::test]
async fn a_frame_over_the_limit_fails_its_call_or_session_and_the_next_is_read() {
    let mut config = config();
    config.max_line_bytes = 400;
    let mut daemon = Daemon::with(config, 256);
    let padding = "x".repeat(1000);
    daemon.line(request("long").replace("hunter2", &padding)).await;
    let error = read_error_event(&mut daemon).await;
    assert!(error.contains("over the limit of 400 bytes") && error.contains("`max_line_bytes`"), "{error}");
    assert_eq!(daemon.read_failure("long").await, "InvalidRequest");

    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    let id = daemon.read_call().await;
    daemon.respond("s", &id, &format!("\"{padding}\"")).await;
    read_error_event(&mut daemon).await;
    let error = replies.try_next().await.unwrap_err();
    assert!(matches!(&error, InvokeError::Malformed { reason } if reason.contains("400 bytes")), "{error}");
    daemon.still_answers().await;
}

#[tokio::test]
async fn a_fault_before_the_event_still_fails_the_right_call_or_session() {
    // The daemon writes `context` before `event`.
    let context = "\"context\":null";
    let faults = [
        ("\"context\":{\"a\":\"\u{FF}\"}", "invalid UTF-8"),
        ("\"context\":{\"a\":\"XXXX\"}", "over the limit"),
        ("\"context\":{\"a\"", "expected"),
    ];
    let mut config = config();
    config.max_line_bytes = 100_000;
    let mut daemon = Daemon::with(config, 256);
    let (_, responder) = daemon.open("s").await.into_parts();
    for (fault, says) in faults {
        let spoil = |line: String| {
            let mut line = line.replace(context, &fault.replace("XXXX", &"x".repeat(100_000))).into_bytes();
            // Two bytes of UTF-8 become one that is none.
            if let Some(at) = line.iter().position(|byte| *byte == 0xc3) {
                line.remove(at);
            }
            line.push(b'\n');
            line
        };
        daemon.write(spoil(request("new"))).await;
        let error = read_error_event(&mut daemon).await;
        assert!(error.contains(says), "{error}");
        assert_eq!(daemon.read_failure("new").await, "InvalidRequest");

        let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
        let id = daemon.read_call().await;
        daemon.write(spoil(answer("s", &id, "response", "", "1"))).await;
        read_error_event(&mut daemon).await;
        assert!(matches!(replies.try_next().await, Err(InvokeError::Malformed { .. })), "{says}");
    }
    daemon.still_answers().await;
}

#[tokio::test]
async fn a_broken_reply_to_an_unknown_call_is_only_counted() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    let id = daemon.read_call().await;
    daemon
        .line(r#"{"session_id":"s","event":"backwards_response","data":{"backwards_request_id":"zz","event":7}}"#)
        .await;
    read_error_event(&mut daemon).await;
    daemon.respond("s", &id, "1").await;
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
    assert_eq!(daemon.handle.stats().unknown_ids, 1);
}

#[tokio::test]
async fn blank_lines_and_crlf_are_normal() {
    let mut daemon = Daemon::new();
    daemon.write(format!("\n\r\n  \n{}\r\n\n", request("s"))).await;
    daemon.requests.recv().await.unwrap().into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], "s");
    assert_eq!(daemon.handle.stats().malformed_frames, 0);
}

#[tokio::test]
async fn unknown_fields_and_any_order_are_accepted() {
    let mut daemon = Daemon::new();
    daemon
        .line(r#"{"tenant_id":"t","app_id":"","context":{},"data":{"action":"invoke_tool","type":"tool","x":1},"event":"request","session_id":"s"}"#)
        .await;
    let request = daemon.requests.recv().await.unwrap();
    assert_eq!(request.session().context().unwrap().get(), "{}");
    assert_eq!(request.session().app_id(), Some(""));
}

#[tokio::test]
async fn an_unknown_type_and_action_are_accepted() {
    let mut daemon = Daemon::new();
    daemon.line(r#"{"session_id":"s","event":"request","data":{"action":"dance","type":"later"}}"#).await;
    let request = daemon.requests.recv().await.unwrap();
    assert_eq!((request.access_type().as_str(), request.action().as_str()), ("later", "dance"));
    assert_eq!(answer("s", "i", "end", "", "null").matches('\n').count(), 0);
}

#[tokio::test]
async fn a_session_id_is_taken_up_to_256_bytes() {
    let mut daemon = Daemon::new();
    let longest = "i".repeat(256);
    daemon.open(&longest).await.into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], longest);
    daemon.line(request(&format!("{longest}i"))).await;
    let error = read_error_event(&mut daemon).await;
    assert!(error.contains("a `session_id` of 257 bytes; at most 256"), "{error}");
    daemon.still_answers().await;
}

/// Has a request ready at every read, so many times.
struct Flood {
    reads: Arc<AtomicUsize>,
    last: usize,
}

impl AsyncRead for Flood {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.reads.fetch_add(1, Ordering::Relaxed);
        if read < self.last {
            buffer.put_slice(format!("{}\n", request(&format!("s-{read}"))).as_bytes());
        }
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn handlers_run_however_much_there_is_to_read() {
    let reads = Arc::new(AtomicUsize::new(0));
    let mut connection =
        Connection::new(Flood { reads: reads.clone(), last: 100 }, tokio::io::sink(), config());
    let mut first = None;
    while let Some(request) = connection.accept().await.unwrap() {
        let reads = reads.clone();
        let handler = tokio::spawn(async move {
            request.into_parts().1.finish().unwrap();
            reads.load(Ordering::Relaxed)
        });
        first.get_or_insert(handler);
    }
    let reads_before = first.unwrap().await.unwrap();
    assert!(reads_before <= 2, "{reads_before} reads before the first handler had its turn");
    assert_eq!(reads.load(Ordering::Relaxed), 101);
}
