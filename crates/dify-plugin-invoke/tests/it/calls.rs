//! Calls with one reply and with a stream of them.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use dify_plugin_invoke::{CallError, Calls, InvokeType, ReplyStream};
use dify_plugin_session::InvokeError;
use serde::Deserialize;
use serde_json::json;

use crate::daemon::Reply::{End, Error, Response};
use crate::daemon::{Daemon, call};

#[derive(Debug, PartialEq, Deserialize)]
struct Summary {
    summary: String,
}

async fn summarize(calls: Calls) -> Result<Summary, CallError> {
    calls.call(InvokeType::SystemSummary, &json!({"text": "t"})).await
}

#[tokio::test(start_paused = true)]
async fn a_call_sends_its_request_and_returns_the_typed_reply() {
    let (reply, sent) = call(&[Response(r#"{"summary":"s"}"#), End], summarize).await;
    assert_eq!(reply.unwrap(), Summary { summary: "s".to_owned() });
    assert_eq!((&sent["type"], &sent["request"]), (&json!("system_summary"), &json!({"text": "t"})));
}

#[tokio::test(start_paused = true)]
async fn a_reply_counts_although_its_end_never_comes() {
    let (reply, _) = call(&[Response(r#"{"summary":"s"}"#)], summarize).await;
    assert!(reply.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_reply_or_with_two_fails() {
    let (none, _) = call(&[End], summarize).await;
    assert!(matches!(none, Err(CallError::NoReply)));
    let reply = Response(r#"{"summary":"s"}"#);
    let (two, _) = call(&[Response(r#"{"summary":"s"}"#), reply, End], summarize).await;
    assert!(two.unwrap_err().to_string().contains("more than one"));
    let (odd, _) = call(&[Response(r#"{"summary":"s"}"#), Response("{}"), End], summarize).await;
    assert!(odd.unwrap_err().to_string().contains("more than one"));
}

/// The first reply is read when the second has already overrun the queue, so it is only a part.
#[tokio::test(start_paused = true)]
async fn a_second_reply_that_found_no_room_fails_the_call_too() {
    let large = format!(r#"{{"summary":"{}"}}"#, "x".repeat(5 << 20));
    let (mut daemon, responder) = Daemon::start().await;
    let mut calling = pin!(summarize(Calls::new(responder.session())));
    assert!(poll_fn(|cx| Poll::Ready(calling.as_mut().poll(cx).is_pending())).await);
    // Meanwhile the caller is not polled, so both replies are in its queue, or would be.
    daemon.answer(&[Response(&large), Response(&large), End]).await;
    let error = calling.await.unwrap_err();
    assert!(matches!(error, CallError::Session(InvokeError::Overrun { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_another_form_is_unreadable_and_its_values_are_not_printed() {
    for odd in [r#"["hunter2"]"#, r#"{"summary":["hunter2"]}"#] {
        let (reply, _) = call(&[Response(odd), End], summarize).await;
        let error = reply.unwrap_err();
        assert!(matches!(error, CallError::Unreadable { .. }), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    }
}

async fn stream(calls: Calls) -> ReplyStream<Summary> {
    calls.stream(InvokeType::Llm, &json!({})).await.unwrap()
}

/// Reads a stream to its end, and once more.
async fn drain(calls: Calls) -> Vec<Result<String, CallError>> {
    let mut stream = stream(calls).await;
    assert!(format!("{stream:?}").starts_with("ReplyStream"), "{stream:?}");
    let mut items = Vec::new();
    while let Some(item) = stream.try_next().await.transpose() {
        items.push(item.map(|reply| reply.summary));
    }
    assert!(stream.try_next().await.unwrap().is_none());
    items
}

#[tokio::test(start_paused = true)]
async fn a_stream_returns_every_reply_in_order_and_then_ends() {
    let (items, _) =
        call(&[Response(r#"{"summary":"a"}"#), Response(r#"{"summary":"b"}"#), End], drain).await;
    assert_eq!(items.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_error_or_an_unreadable_reply_is_the_last_item_of_its_stream() {
    let (items, _) = call(&[Response(r#"{"summary":"a"}"#), Response("{}"), End], drain).await;
    assert!(matches!(items.as_slice(), [Ok(_), Err(CallError::Unreadable { .. })]), "{items:?}");
    let replies = [Response(r#"{"summary":"a"}"#), Error("read llm model failed: request failed: boom"), End];
    let (items, _) = call(&replies, drain).await;
    let [Ok(_), Err(error)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(error.to_string(), "the stream broke off: boom");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_withdraws_its_call() {
    let (mut daemon, responder) = Daemon::start().await;
    let calls = Calls::new(responder.session());
    let (stream, _) = tokio::join!(stream(calls), daemon.read_call());
    assert_eq!(daemon.handle.stats().open_calls, 1);
    drop(stream);
    assert_eq!(daemon.handle.stats().open_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn the_idle_timeout_is_the_sessions_unless_the_calls_have_their_own() {
    for (limit, seconds) in [(None, 250), (Some(Duration::from_secs(7)), 7)] {
        let before = tokio::time::Instant::now();
        let (reply, _) = call(&[], async |calls| match limit {
            Some(limit) => summarize(calls.idle_timeout(limit)).await,
            None => summarize(calls).await,
        })
        .await;
        assert!(reply.unwrap_err().timeout().is_some());
        assert_eq!(before.elapsed().as_secs(), seconds);
    }
}
