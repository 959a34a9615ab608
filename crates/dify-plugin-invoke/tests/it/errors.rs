//! How calls fail.

use std::time::Duration;

use dify_plugin_invoke::{CallError, Calls, FailureKind, InvokeType, PermissionKey, Timeout};
use dify_plugin_session::InvokeError;
use serde_json::{Value, json};

use crate::daemon::Reply::{End, Error};
use crate::daemon::{Daemon, call};

async fn embed(calls: Calls) -> Result<Value, CallError> {
    calls.call(InvokeType::TextEmbedding, &json!({})).await
}

async fn error(text: &str) -> CallError {
    call(&[Error(text), End], embed).await.0.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_names_the_key_in_the_manifest() {
    let error = error("permission denied, you need to enable text-embedding access in plugin manifest").await;
    let denied = FailureKind::PermissionDenied(PermissionKey::TextEmbedding);
    assert_eq!(error.failure().unwrap().kind, denied);
    assert!(error.to_string().contains("`model.text_embedding`"), "{error}");
    assert!(!error.is_retryable() && error.timeout().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_retryable_and_its_status_is_parsed() {
    let error = error(
        "invoke text-embedding model failed: request failed with status code: 429 and respond with: slow down",
    )
    .await;
    assert_eq!(error.failure().unwrap().status, Some(429));
    assert!(error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn each_timeout_says_which_clock_it_was() {
    let late = error("read llm model failed: use of closed network connection").await;
    assert_eq!(late.timeout(), Some(Timeout::DaemonRead));
    let limit = Duration::from_secs(3);
    let (silent, _) = call(&[], async |calls| embed(calls.idle_timeout(limit)).await).await;
    let silent = silent.unwrap_err();
    assert_eq!(silent.timeout(), Some(Timeout::Idle(limit)));
    assert!(silent.is_retryable() && silent.failure().is_none());
}

#[tokio::test(start_paused = true)]
async fn calls_fail_after_the_session_or_the_connection_ended() {
    let (daemon, responder) = Daemon::start().await;
    let calls = Calls::new(responder.session());
    let (open, ()) = tokio::join!(embed(calls.clone()), async {
        tokio::task::yield_now().await;
        drop(daemon);
    });
    assert!(matches!(open, Err(CallError::Session(InvokeError::Closed(_)))), "{open:?}");
    let (_daemon, responder) = Daemon::start().await;
    let calls = Calls::new(responder.session());
    drop(responder);
    let late = embed(calls).await.unwrap_err();
    assert!(matches!(late, CallError::Session(InvokeError::Ended)), "{late:?}");
    assert!(!late.is_retryable() && late.timeout().is_none());
}

#[test]
fn a_missing_reply_is_retryable_and_an_unreadable_one_is_not() {
    assert!(CallError::NoReply.is_retryable());
    assert!(!CallError::Unreadable { reason: String::new() }.is_retryable());
}
