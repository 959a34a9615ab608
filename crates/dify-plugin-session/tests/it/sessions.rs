//! The life of a session: exactly one end, at most one error before it, nothing after it.

use std::time::Duration;

use dify_plugin_session::SendError;
use dify_plugin_session::protocol::ErrorData;
use serde_json::json;

use crate::daemon::{Daemon, config, request};

#[tokio::test]
async fn messages_go_out_before_the_final_frame() {
    let mut daemon = Daemon::new();
    let request = daemon.open("s").await;
    assert_eq!(request.access_type().as_str(), "tool");
    assert_eq!(request.action().as_str(), "invoke_tool");
    assert_eq!(request.session().user_id(), "u");
    let (payload, responder) = request.into_parts();
    assert!(payload.get().contains(r#""provider":"p""#));
    responder.send(&json!({"type": "text"})).await.unwrap();
    responder.finish().unwrap();
    assert_eq!(
        daemon.read().await,
        json!({"event":"session","session_id":"s","data":{"type":"stream","data":{"type":"text"}}})
    );
    assert_eq!(
        daemon.read().await,
        json!({"event":"session","session_id":"s","data":{"type":"end","data":{}}})
    );
    daemon.still_answers().await;
}

#[tokio::test]
async fn an_error_is_followed_by_end() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    responder.fail(ErrorData::new("ValueError", "no").with_arg("a", 1)).unwrap();
    assert_eq!(
        daemon.read().await,
        json!({"event":"session","session_id":"s","data":{"type":"error","data":{"error_type":"ValueError","message":"no","args":{"a":1}}}})
    );
    assert_eq!(daemon.read().await["data"]["type"], "end");
}

#[tokio::test]
async fn a_forgotten_answer_is_an_error() {
    let mut daemon = Daemon::new();
    drop(daemon.open("s").await);
    assert_eq!(daemon.read_failure("s").await, "NoAnswer");
    let (_, responder) = daemon.open("t").await.into_parts();
    drop(responder);
    assert_eq!(daemon.read_failure("t").await, "NoAnswer");
}

#[tokio::test]
async fn a_panic_ends_its_own_session_once() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let other = daemon.open("other").await;
    let task = tokio::spawn(async move {
        responder.send("before").await.unwrap();
        panic!("as the test wants");
    });
    assert!(task.await.is_err());
    assert_eq!(daemon.read().await["data"]["data"], "before");
    assert_eq!(daemon.read_failure("s").await, "HandlerPanicked");
    other.into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], "other");
}

#[tokio::test]
async fn a_session_handle_that_outlives_the_end_cannot_send_or_call() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let session = responder.session().clone();
    assert!(!session.is_ended());
    responder.finish().unwrap();
    assert!(session.is_ended() && session.cancellation().is_cancelled());
    assert!(matches!(session.send("late").await, Err(SendError::Ended)));
    let asked = session.invoke(dify_plugin_session::protocol::InvokeType::App, &json!({})).await;
    assert!(matches!(asked, Err(dify_plugin_session::InvokeError::Ended)));
    assert_eq!(daemon.read().await["data"]["type"], "end");
    daemon.still_answers().await;
}

#[tokio::test]
async fn an_error_never_has_more_details_than_the_daemon_takes() {
    let mut daemon = Daemon::new();
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut error = ErrorData::new("E", "m");
    error.args.extend((0..11).map(|n| (format!("k{n:02}"), json!(n))));
    responder.fail(error).unwrap();
    let line = daemon.read().await;
    assert_eq!(line["data"]["data"]["args"].as_object().unwrap().len(), 10, "{line}");
    assert_eq!(daemon.read().await["data"]["type"], "end");
}

#[tokio::test(start_paused = true)]
async fn no_limit_is_written_as_the_longest_duration() {
    let mut config = config();
    config.handler_deadline = Duration::MAX;
    config.invocation_timeout = Duration::MAX;
    config.shutdown_grace = Duration::MAX;
    config.heartbeat_interval = Some(Duration::MAX);
    let mut daemon = Daemon::with(config, 1024);
    assert_eq!(daemon.read().await["event"], "heartbeat");
    let (_, responder) = daemon.open("s").await.into_parts();
    let kind = dify_plugin_session::protocol::InvokeType::App;
    let mut replies = responder.session().invoke(kind, &json!({})).await.unwrap();
    let id = daemon.read_call().await;
    tokio::time::sleep(Duration::from_secs(24 * 60 * 60)).await;
    daemon.handle.shutdown();
    daemon.respond("s", &id, "1").await;
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
    responder.finish().unwrap();
    assert_eq!(daemon.read().await["data"]["type"], "end");
}

#[tokio::test(start_paused = true)]
async fn a_session_past_its_deadline_ends_with_an_error() {
    let mut config = config();
    config.handler_deadline = Duration::from_secs(30);
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    let cancelled = responder.session().cancellation();
    assert_eq!(daemon.read_failure("s").await, "DeadlineExceeded");
    cancelled.cancelled().await;
    assert!(matches!(responder.send("late").await, Err(SendError::Ended)));
    assert!(matches!(responder.finish(), Err(SendError::Ended)));
    daemon.still_answers().await;
}

#[tokio::test]
async fn a_second_request_with_an_open_id_does_not_disturb_the_first() {
    let mut daemon = Daemon::new();
    let (_, first) = daemon.open("s").await.into_parts();
    daemon.line(request("s")).await;
    let line = daemon.read().await;
    assert_eq!((&line["event"], &line["session_id"]), (&"error".into(), &json!(null)));
    assert!(line["data"]["error"].as_str().unwrap().contains("session s"), "{line}");
    first.send("first").await.unwrap();
    first.finish().unwrap();
    assert_eq!(daemon.read().await["data"]["data"], "first");
    assert_eq!(daemon.read().await["data"]["type"], "end");
    // Over, the id may come again.
    daemon.open("s").await.into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["data"]["type"], "end");
}

#[tokio::test]
async fn debug_output_shows_no_credentials() {
    let mut daemon = Daemon::new();
    let request = daemon.open("s").await;
    let shown = format!("{request:?} {:?} {:?}", request.session(), daemon.handle);
    assert!(shown.contains("InvokeTool") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_out_first_and_then_at_their_interval() {
    let mut config = config();
    config.heartbeat_interval = Some(Duration::from_secs(10));
    let mut daemon = Daemon::with(config, 1024);
    let started = tokio::time::Instant::now();
    for beat in 0..4 {
        let line = daemon.read().await;
        assert_eq!(line, json!({"event":"heartbeat","session_id":null,"data":{}}));
        assert_eq!(started.elapsed().as_secs(), beat * 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_knows_its_deadline_and_can_be_waited_for() {
    let mut config = config();
    config.handler_deadline = Duration::from_secs(30);
    let mut daemon = Daemon::with(config, 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let session = responder.session().clone();
    let left = session.deadline() - tokio::time::Instant::now();
    assert!(left > Duration::from_secs(29) && left <= Duration::from_secs(30), "{left:?}");
    let token = session.cancellation();
    session.ended().await;
    assert!(session.is_ended() && token.is_cancelled());
    assert!(tokio::time::Instant::now() >= session.deadline());
    // Both also when it is asked for only now.
    assert!(session.cancellation().is_cancelled());
    session.ended().await;
}
