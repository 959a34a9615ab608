//! Reverse invocations: the right owner, in order, or an error that says why.

use std::time::Duration;

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{InvokeError, Session};
use serde_json::json;

use crate::daemon::{Daemon, answer, config};

async fn ask(session: &Session) -> Result<dify_plugin_session::Replies, InvokeError> {
    session.invoke(InvokeType::App, &json!({"app_id": "a"})).await
}

#[tokio::test]
async fn a_call_has_the_form_of_the_official_sdk() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let _replies = ask(responder.session()).await.unwrap();
    let mut line = daemon.read().await;
    let id = line["data"]["data"]["backwards_request_id"].take();
    assert!(
        id.as_str().is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "{id}"
    );
    let expected = json!({"event":"session","session_id":"s","data":{"type":"invoke","data":
        {"type":"app","backwards_request_id":null,"request":{"app_id":"a"}}}});
    assert_eq!(line, expected);
}

#[tokio::test]
async fn replies_come_in_order_and_end() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    for n in 0..20 {
        daemon.respond("s", &id, &format!(r#"{{"n":{n}, "text":"\u003cb\u003e"}}"#)).await;
    }
    daemon.end_call("s", &id).await;
    for n in 0..20 {
        let reply = replies.try_next().await.unwrap().unwrap();
        assert_eq!(reply.get(), format!(r#"{{"n":{n}, "text":"\u003cb\u003e"}}"#));
    }
    assert!(replies.try_next().await.unwrap().is_none());
    assert!(replies.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn two_calls_of_one_session_interleave() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut one = ask(responder.session()).await.unwrap();
    let first = daemon.read_call().await;
    let mut two = ask(responder.session()).await.unwrap();
    let second = daemon.read_call().await;
    assert_ne!(first, second);
    for n in 0..3 {
        daemon.respond("s", &second, &format!("{}", 10 + n)).await;
        daemon.respond("s", &first, &n.to_string()).await;
    }
    daemon.end_call("s", &second).await;
    daemon.end_call("s", &first).await;
    for n in 0..3 {
        assert_eq!(one.try_next().await.unwrap().unwrap().get(), n.to_string());
        assert_eq!(two.try_next().await.unwrap().unwrap().get(), (10 + n).to_string());
    }
    assert!(one.next().await.is_none() && two.next().await.is_none());
}

/// The reply comes before `invoke` has returned, and must still find its call.
#[tokio::test]
async fn a_reply_cannot_come_too_early() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let session = responder.session().clone();
    let invoke = tokio::spawn(async move {
        let replies = ask(&session).await;
        // Whatever the caller does between its question and its first look, the answer waits for it.
        tokio::time::sleep(Duration::from_millis(20)).await;
        replies
    });
    let id = daemon.read_call().await;
    daemon.respond("s", &id, "1").await;
    daemon.end_call("s", &id).await;
    daemon.still_answers().await;
    let mut replies = invoke.await.unwrap().unwrap();
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
    assert!(replies.next().await.is_none());
}

#[tokio::test]
async fn an_error_is_the_last_item_and_its_end_is_expected() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    daemon.respond("s", &id, "1").await;
    daemon.line(answer("s", &id, "error", "read app failed: x", "null")).await;
    daemon.end_call("s", &id).await;
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
    let error = replies.try_next().await.unwrap_err();
    assert!(matches!(&error, InvokeError::Refused { message } if message == "read app failed: x"), "{error}");
    assert!(replies.next().await.is_none());
    daemon.still_answers().await;
    assert_eq!(daemon.handle.stats().unknown_ids, 0);
    assert_eq!(daemon.handle.stats().open_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_whose_end_never_comes_is_forgotten_in_time() {
    let mut daemon = Daemon::with(config(), 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    daemon.line(answer("s", &id, "error", "x", "null")).await;
    assert!(matches!(replies.try_next().await, Err(InvokeError::Refused { .. })));
    assert_eq!(daemon.handle.stats().open_calls, 1);
    tokio::time::sleep(Duration::from_secs(251)).await;
    assert_eq!(daemon.handle.stats().open_calls, 0);
    assert!(replies.next().await.is_none());
    responder.finish().unwrap();
}

#[tokio::test]
async fn a_failed_call_that_is_dropped_holds_no_bytes() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let before = daemon.handle.stats().queued_bytes;
    let replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    daemon.respond("s", &id, r#"{"unread":true}"#).await;
    daemon.line(answer("s", &id, "error", "x", "null")).await;
    daemon.still_answers().await;
    assert!(daemon.handle.stats().queued_bytes > before);
    drop(replies);
    // The call is known until its `end` comes, and costs nothing, also if the daemon repeats itself.
    assert_eq!((daemon.handle.stats().queued_bytes, daemon.handle.stats().open_calls), (before, 1));
    daemon.line(answer("s", &id, "error", "said again", "null")).await;
    daemon.still_answers().await;
    assert_eq!((daemon.handle.stats().queued_bytes, daemon.handle.stats().unknown_ids), (before, 1));
    responder.finish().unwrap();
}

#[tokio::test]
async fn late_replies_to_a_dropped_call_are_discarded_and_counted() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let before = daemon.handle.stats().queued_bytes;
    let replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    daemon.respond("s", &id, r#"{"unread":true}"#).await;
    daemon.still_answers().await;
    assert!(daemon.handle.stats().queued_bytes > before);
    drop(replies);
    assert_eq!(daemon.handle.stats().queued_bytes, before);
    for _ in 0..10 {
        daemon.respond("s", &id, "1").await;
    }
    daemon.end_call("s", &id).await;
    daemon.end_call("s", "an id of nobody's").await;
    daemon.end_call("s", &"f".repeat(32)).await;
    daemon.still_answers().await;
    assert_eq!(daemon.handle.stats().unknown_ids, 13);
    assert_eq!(daemon.handle.stats().open_calls, 0);
}

#[tokio::test(start_paused = true)]
async fn silence_fails_a_call_and_each_reply_restarts_its_clock() {
    let mut config = config();
    config.invocation_timeout = Duration::from_secs(10);
    let mut daemon = Daemon::with(config, 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let started = tokio::time::Instant::now();
    let mut replies = ask(responder.session()).await.unwrap();
    let id = daemon.read_call().await;
    for n in 0..3 {
        tokio::time::sleep(Duration::from_secs(9)).await;
        daemon.respond("s", &id, &n.to_string()).await;
        assert_eq!(replies.try_next().await.unwrap().unwrap().get(), n.to_string());
    }
    let error = replies.try_next().await.unwrap_err();
    assert!(matches!(error, InvokeError::TimedOut { after, .. } if after.as_secs() == 10), "{error}");
    assert!(
        error.to_string().contains("`app`") && error.to_string().contains("`invocation_timeout`"),
        "{error}"
    );
    assert_eq!(started.elapsed().as_secs(), 37);
    // A call may have a limit of its own, and its failure leaves the session as it was.
    let started = tokio::time::Instant::now();
    let short = Duration::from_secs(2);
    let mut replies = responder.session().invoke_within(InvokeType::Llm, &json!({}), short).await.unwrap();
    assert!(matches!(replies.try_next().await, Err(InvokeError::TimedOut { .. })));
    assert_eq!(started.elapsed().as_secs(), 2);
    responder.finish().unwrap();
}

#[tokio::test]
async fn only_the_call_past_its_queue_fails_after_the_replies_that_fitted() {
    let mut config = config();
    config.reply_queue_bytes = 1000;
    let mut daemon = Daemon::with(config, 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let before = daemon.handle.stats().queued_bytes;
    let mut slow = ask(responder.session()).await.unwrap();
    let slow_id = daemon.read_call().await;
    let mut other = ask(responder.session()).await.unwrap();
    let other_id = daemon.read_call().await;
    // One reply always fits an empty queue, however long.
    let long = format!("\"{}\"", "x".repeat(5000));
    daemon.respond("s", &slow_id, &long).await;
    daemon.respond("s", &slow_id, "2").await;
    daemon.respond("s", &other_id, "3").await;
    daemon.end_call("s", &other_id).await;
    assert_eq!(other.try_next().await.unwrap().unwrap().get(), "3");
    assert_eq!(slow.try_next().await.unwrap().unwrap().get(), long);
    let error = slow.try_next().await.unwrap_err();
    assert!(matches!(error, InvokeError::Overrun { limit: 1000, .. }), "{error}");
    daemon.still_answers().await;
    drop(slow);
    assert_eq!(daemon.handle.stats().queued_bytes, before);
}

/// Also for the first reply of each call, which its own queue takes however long it is.
#[tokio::test]
async fn all_queues_together_have_a_limit() {
    let mut config = config();
    config.total_queue_bytes = 10_000;
    let mut daemon = Daemon::with(config, 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut all = Vec::new();
    for _ in 0..20 {
        let replies = ask(responder.session()).await.unwrap();
        let id = daemon.read_call().await;
        daemon.respond("s", &id, &format!("\"{}\"", "x".repeat(2000))).await;
        daemon.end_call("s", &id).await;
        all.push(replies);
    }
    daemon.still_answers().await;
    let held = daemon.handle.stats().queued_bytes;
    assert!((8000..=10_000).contains(&held), "{held}");
    let mut failed = 0;
    for replies in &mut all {
        while let Some(reply) = replies.next().await {
            failed += usize::from(matches!(reply, Err(InvokeError::Overrun { limit: 10_000, .. })));
        }
    }
    assert_eq!(failed, 16);
    drop((all, responder));
    assert_eq!(daemon.handle.stats().queued_bytes, 0);
}

/// The text of an error is kept like a reply, and cut if it is too long.
#[tokio::test]
async fn the_text_of_a_refusal_counts_too() {
    let mut config = config();
    config.total_queue_bytes = 200_000;
    let mut daemon = Daemon::with(config, 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut texts = Vec::new();
    for _ in 0..4 {
        let replies = ask(responder.session()).await.unwrap();
        let id = daemon.read_call().await;
        daemon.line(answer("s", &id, "error", &"é".repeat(50_000), "null")).await;
        daemon.end_call("s", &id).await;
        texts.push(replies);
    }
    daemon.still_answers().await;
    let held = daemon.handle.stats().queued_bytes;
    assert!((180_000..=200_000).contains(&held), "{held}");
    let mut overrun = 0;
    for replies in &mut texts {
        match replies.try_next().await.unwrap_err() {
            InvokeError::Refused { message } => {
                assert!(message.ends_with("é… (cut: there were 100000 bytes)"), "{}", message.len());
            }
            error => overrun += usize::from(matches!(error, InvokeError::Overrun { limit: 200_000, .. })),
        }
    }
    assert_eq!(overrun, 1);
}

/// The frame of the call waits for room that never comes: the idle clock fails the call, and the frame is never written.
#[tokio::test(start_paused = true)]
async fn a_call_that_failed_before_it_was_written_is_not_written() {
    let mut config = config();
    config.output_bytes = 256;
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    for _ in 0..4 {
        let _ = tokio::time::timeout(Duration::from_millis(1), responder.send(&"x".repeat(200))).await;
    }
    let nothing = json!({});
    let call = responder.session().invoke_within(InvokeType::App, &nothing, Duration::from_secs(5));
    let mut replies =
        tokio::time::timeout(Duration::from_secs(6), call).await.expect("its clock ran").unwrap();
    assert!(matches!(replies.try_next().await, Err(InvokeError::TimedOut { .. })));
    responder.finish().unwrap();
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "end") {
        kinds.push(daemon.read().await["data"]["type"].as_str().unwrap().to_owned());
    }
    assert!(!kinds.contains(&"invoke".to_owned()), "{kinds:?}");
}

/// The clock measures the daemon's silence, so it starts when the daemon can know of the call.
#[tokio::test(start_paused = true)]
async fn the_clock_of_a_call_starts_when_its_frame_is_queued() {
    let mut config = config();
    config.output_bytes = 256;
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    for _ in 0..4 {
        let _ = tokio::time::timeout(Duration::from_millis(1), responder.send(&"x".repeat(200))).await;
    }
    let session = responder.session().clone();
    let call = tokio::spawn(async move {
        session.invoke_within(InvokeType::App, &json!({}), Duration::from_secs(10)).await
    });
    tokio::time::sleep(Duration::from_secs(8)).await;
    let id = loop {
        let line = daemon.read().await;
        if line["data"]["type"] == "invoke" {
            break line["data"]["data"]["backwards_request_id"].as_str().unwrap().to_owned();
        }
    };
    let mut replies = call.await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    daemon.respond("s", &id, "1").await;
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
}

#[tokio::test]
async fn the_end_of_a_session_fails_the_calls_that_outlive_it() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = ask(responder.session()).await.unwrap();
    daemon.read_call().await;
    responder.finish().unwrap();
    assert!(matches!(replies.try_next().await, Err(InvokeError::Ended)));
    assert_eq!(daemon.handle.stats().open_calls, 0);
}

#[tokio::test]
async fn ten_thousand_sessions_wait_and_all_are_answered() {
    const SESSIONS: usize = 10_000;
    let mut daemon = Daemon::with(config(), 64 * 1024);
    let (tasks, mut finished) = tokio::sync::mpsc::unbounded_channel();
    let mut ids = Vec::new();
    for n in 0..SESSIONS {
        let (_, responder) = daemon.open(&format!("s{n}")).await.into_parts();
        let tasks = tasks.clone();
        tokio::spawn(async move {
            let mut replies = ask(responder.session()).await.unwrap();
            let reply = replies.try_next().await.unwrap().unwrap();
            assert_eq!(reply.get(), n.to_string());
            assert!(replies.next().await.is_none());
            responder.finish().unwrap();
            tasks.send(()).unwrap();
        });
        let id = daemon.read_call().await;
        ids.push(id);
    }
    assert_eq!(daemon.handle.stats().open_calls, SESSIONS);
    for (n, id) in ids.iter().enumerate().rev() {
        daemon.respond("any", id, &n.to_string()).await;
        daemon.end_call("any", id).await;
        let end = daemon.read().await;
        assert_eq!(end["session_id"], format!("s{n}"));
    }
    for _ in 0..SESSIONS {
        finished.recv().await.unwrap();
    }
    assert_eq!(daemon.handle.stats().open_sessions, 0);
    assert_eq!(daemon.handle.stats().unknown_ids, 0);
}
