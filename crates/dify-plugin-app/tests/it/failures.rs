//! The ways in which an app can fail, including a stream that stops early.

use dify_plugin_app::{AppError, FailureKind, FailureStage, Refusal, RunStatus};
use dify_plugin_protocol::invoke::PermissionKey;

use crate::daemon::Reply::{self, End, Error, Response};
use crate::daemon::{FAILED, FINISHED, HELLO, LO, MESSAGE_END, STARTED, call, drain, whole};

/// Returns the error of a chat.
async fn chat_error(replies: &[Reply<'_>]) -> AppError {
    call(replies, async |apps| apps.chat("duck").query("q").answer().await).await.unwrap_err()
}

/// Returns the names of the events of a streamed chat, and the error after them.
async fn chat_stream(replies: &[Reply<'_>]) -> (Vec<String>, Option<AppError>) {
    call(replies, async |apps| drain(apps.chat("duck").query("q").stream().await.unwrap()).await).await
}

const BAD_REQUEST: &str = "invoke app failed: request failed with status code: 400 and respond with: ";

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_recognized_and_the_fix_is_named() {
    let denied = "permission denied, you need to enable app access in plugin manifest";
    let error = chat_error(&[Error(denied), End]).await;
    assert!(error.is_permission_denied() && !error.is_retryable());
    assert_eq!(error.failure().unwrap().kind, FailureKind::PermissionDenied(PermissionKey::App));
    assert!(
        error.to_string().contains("app `duck`") && error.to_string().contains("manifest.yaml"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_parsed_out_of_the_daemons_string() {
    let text = format!(
        "{BAD_REQUEST}{}\n",
        r#"{"status": 400, "message": "missing query", "code": "invalid_param"}"#
    );
    let error = chat_error(&[Error(&text), End]).await;
    assert_eq!(
        (error.status(), error.code(), error.message()),
        (Some(400), Some("invalid_param"), Some("missing query"))
    );
    let AppError::Refused { failure, received, .. } = &error else { panic!("{error:?}") };
    assert_eq!((failure.stage, received.events), (FailureStage::BeforeReply, 0));
    assert_eq!(failure.text, text);
    let error = call(&[Error(&text), End], async |apps| apps.workflow("a").answer().await).await.unwrap_err();
    assert!(error.to_string().contains("this is a chat app: call it with `chat(id)`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_refusal_means_the_conversation_only_if_one_was_sent() {
    let text = format!("{BAD_REQUEST}{}", r#"{"code":"invalid_param","message":"","status":400}"#);
    let replies = [Error(&text), End];
    let given = call(&replies, async |apps| apps.chat("a").query("q").conversation("c").answer().await).await;
    let given = given.unwrap_err();
    assert!(given.is_conversation_not_found());
    assert!(given.to_string().contains("same end user") && given.to_string().contains("1.15"), "{given}");
    let blocking =
        call(&replies, async |apps| apps.chat("a").query("q").conversation("c").blocking().await).await;
    assert!(blocking.unwrap_err().is_conversation_not_found());
    let empty = call(&replies, async |apps| apps.chat("a").query("q").conversation("").answer().await).await;
    assert!(!empty.unwrap_err().is_conversation_not_found());
    assert!(!chat_error(&replies).await.is_conversation_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_500_is_explained_for_a_text_generator_but_not_for_a_chat() {
    let text = "invoke app failed: request failed with status code: 500 and respond with: {\"message\":\"Internal Server Error\",\"code\":\"unknown\",\"status\":500}\n";
    let replies = [Error(text), End];
    let error = call(&replies, async |apps| apps.completion("a").answer().await).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&Refusal::CompletionBroken));
    assert!(error.to_string().contains("Text Generator") && !error.is_retryable(), "{error}");
    let blocking = call(&replies, async |apps| apps.completion("a").blocking().await).await.unwrap_err();
    assert_eq!(blocking.refusal(), Some(&Refusal::CompletionBroken));
    let error = chat_error(&replies).await;
    assert_eq!((&error.failure().unwrap().kind, error.is_retryable()), (&FailureKind::InternalError, false));
}

#[tokio::test(start_paused = true)]
async fn an_error_during_a_stream_follows_the_events() {
    let replies = [Response(HELLO), Response(LO), Error("read app failed: request failed: boom"), End];
    let (names, error) = chat_stream(&replies).await;
    assert_eq!(names, ["message", "message"]);
    let error = error.unwrap();
    let AppError::Refused { failure, received, .. } = &error else { panic!("{error:?}") };
    assert_eq!((failure.stage, failure.message.as_str()), (FailureStage::Streaming, "boom"));
    assert_eq!((received.events, received.text.as_str()), (2, ""));
    let error = chat_error(&replies).await;
    assert_eq!(error.received().unwrap().text, "Hello <3");
}

#[tokio::test(start_paused = true)]
async fn an_error_event_of_the_app_is_returned_as_an_error() {
    let event = r#"{"event":"error","conversation_id":"c","message_id":"m","created_at":1,"code":"completion_request_error","status":400,"message":"[openai] Rate Limit Error"}"#;
    let (names, error) = chat_stream(&whole(&[HELLO, event])).await;
    assert_eq!(names, ["message"]);
    let error = error.unwrap();
    assert_eq!((error.status(), error.code()), (Some(400), Some("completion_request_error")));
    assert_eq!(error.message(), Some("[openai] Rate Limit Error"));
    assert_eq!(
        error.to_string(),
        "app `duck`: the app reported an error, 400 completion_request_error: [openai] Rate Limit Error \
         (the model's provider failed)"
    );
    assert!(error.is_retryable());
    let error = chat_error(&whole(&[HELLO, event])).await;
    assert!(matches!(error, AppError::Reported { .. }));
    assert_eq!(error.received().unwrap().text, "Hel");
}

#[tokio::test(start_paused = true)]
async fn an_error_event_after_a_final_event_is_still_an_error() {
    let event = r#"{"event":"error","code":"internal_server_error","status":500}"#;
    let (names, error) = chat_stream(&whole(&[HELLO, MESSAGE_END, event])).await;
    assert_eq!((names.len(), error.unwrap().code()), (2, Some("internal_server_error")));
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_is_returned_as_an_event_and_then_as_an_error() {
    let (names, error) = call(&whole(&[STARTED, FAILED]), async |apps| {
        drain(apps.workflow("a").stream().await.unwrap()).await
    })
    .await;
    assert_eq!(names, ["workflow_started", "workflow_finished"]);
    let error = error.unwrap();
    let AppError::RunFailed { run, .. } = &error else { panic!("{error:?}") };
    assert_eq!((&run.status, run.workflow_run_id.as_deref()), (&Some(RunStatus::Failed), Some("r")));
    assert_eq!(error.to_string(), "app `a`: the run failed: node 3 broke");
    let stopped = FAILED.replace("failed", "stopped").replace("\"node 3 broke\"", "null");
    let error = call(&whole(&[STARTED, &stopped]), async |apps| apps.workflow("a").answer().await).await;
    assert_eq!(error.unwrap_err().to_string(), "app `a`: the run was stopped");
}

#[tokio::test(start_paused = true)]
async fn a_failed_chatflow_is_one_error_with_both_causes() {
    let event = r#"{"event":"error","conversation_id":"c","code":"invalid_param","status":400,"message":"Run failed: node 3 broke"}"#;
    let (names, error) = chat_stream(&whole(&[HELLO, FAILED, event])).await;
    assert_eq!(names, ["message", "workflow_finished"]);
    let error = error.unwrap();
    let AppError::RunFailed { reported: Some(_), .. } = &error else { panic!("{error:?}") };
    assert_eq!(
        (error.status(), error.code(), error.message()),
        (Some(400), Some("invalid_param"), Some("node 3 broke"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_app_takes_precedence_over_an_error_of_the_call() {
    let replies = [Response(STARTED), Response(FAILED), Error("read app failed: unexpected EOF"), End];
    let error = call(&replies, async |apps| apps.workflow("a").answer().await).await;
    assert!(matches!(error, Err(AppError::RunFailed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stops_early_is_incomplete() {
    let (names, error) = chat_stream(&whole(&[HELLO, LO])).await;
    assert_eq!(names.len(), 2);
    let error = error.unwrap();
    let AppError::Incomplete { received } = &error else { panic!("{error:?}") };
    assert_eq!((received.events, received.last_event.as_deref()), (2, Some("message")));
    assert_eq!(received.conversation_id.as_deref(), Some("c"));
    assert!(
        error.is_retryable() && error.to_string().contains("2 event(s), the last a `message`"),
        "{error}"
    );
    let error = chat_error(&whole(&[HELLO, LO])).await;
    assert_eq!(error.received().unwrap().text, "Hello <3");
    let chunk = r#"{"event":"text_chunk","workflow_run_id":"r","data":{"text":"qua"}}"#;
    let error =
        call(&whole(&[STARTED, chunk]), async |apps| apps.workflow("a").answer().await).await.unwrap_err();
    let received = error.received().unwrap();
    assert_eq!((received.text.as_str(), received.workflow_run_id.as_deref()), ("qua", Some("r")));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_without_an_event_is_incomplete() {
    let error = call(&[End], async |apps| apps.chat("a").query("q").stream().await).await.unwrap_err();
    assert!(
        matches!(error, AppError::Incomplete { .. }) && error.to_string().contains("after nothing"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_moved_is_unfinished_with_its_id() {
    let moved = r#"{"event":"workflow_maintenance_paused","task_id":"t","workflow_run_id":"r"}"#;
    let (names, error) = chat_stream(&whole(&[HELLO, moved])).await;
    assert_eq!(names, ["message", "workflow_maintenance_paused"]);
    let error = error.unwrap();
    assert!(matches!(error, AppError::Unfinished { .. }) && !error.is_retryable());
    assert!(error.to_string().contains("the run `r` moved to another server"), "{error}");
    let error = call(&whole(&[moved, FINISHED]), async |apps| apps.workflow("a").answer().await).await;
    assert!(error.is_ok(), "it came to its end all the same");
}

#[tokio::test(start_paused = true)]
async fn parameters_that_cannot_be_fetched_are_an_error() {
    let error =
        call(&[Error("fetch app failed: data is nil"), End], async |apps| apps.fetch("a").await).await;
    assert_eq!(error.unwrap_err().refusal(), Some(&Refusal::NoParameters));
    let error = call(&[End], async |apps| apps.fetch("a").await).await;
    assert!(matches!(error, Err(AppError::Incomplete { .. })));
    for odd in ["[]", r#"{"suggested_questions":"hunter2"}"#] {
        let error = call(&whole(&[odd]), async |apps| apps.fetch("a").await).await.unwrap_err();
        assert!(matches!(error, AppError::Unreadable { .. }), "{odd}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn known_codes_of_an_error_event_come_with_advice() {
    for (code, advice) in [
        ("provider_not_initialize", "set the credentials"),
        ("provider_quota_exceeded", "quota"),
        ("model_currently_not_support", "not allowed"),
        ("completion_request_error", "provider failed"),
    ] {
        let event = format!(r#"{{"event":"error","code":"{code}","status":400,"message":""}}"#);
        let error = chat_error(&whole(&[&event])).await;
        assert!(error.to_string().contains(&format!("error, 400 {code} (")), "{error}");
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(error.is_retryable(), code == "completion_request_error");
    }
    for (status, retryable) in [(429, true), (500, true), (599, true), (600, false), (400, false)] {
        let event = format!(r#"{{"event":"error","status":{status}}}"#);
        assert_eq!(chat_error(&whole(&[&event])).await.is_retryable(), retryable, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_without_a_reason_has_the_reason_of_the_error_event() {
    let failed = FAILED.replace("node 3 broke", "");
    let event = r#"{"event":"error","code":"invalid_param","message":"node 3 broke"}"#;
    let error = chat_error(&whole(&[&failed, event])).await;
    assert!(error.to_string().ends_with("the run failed, invalid_param: node 3 broke"), "{error}");
    let unknown = FAILED.replace("\"failed\"", "\"stopped\"").replace("\"node 3 broke\"", "\"\"");
    let error = chat_error(&whole(&[&unknown])).await;
    assert!(error.to_string().ends_with("the run was stopped"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn known_refusals_are_recognized_and_come_with_advice() {
    for (message, refusal, advice) in [
        ("app not found", Refusal::AppNotFound, "(use the id"),
        ("unexpected app type", Refusal::WrongMode, "published"),
        ("missing query", Refusal::MissingQuery, "(set one with `query`)"),
        (
            "Agent Chat App does not support blocking mode",
            Refusal::AgentNeedsStreaming,
            "use `answer()` instead",
        ),
        ("topic is required in input form", Refusal::MissingInput("topic".to_owned()), "set it with `input`"),
        ("user not found", Refusal::UserNotFound, "user not found"),
        ("", Refusal::Unexplained, "gave no reason"),
    ] {
        let body = format!(r#"{{"code":"invalid_param","message":"{message}","status":400}}"#);
        let error = chat_error(&[Error(&format!("{BAD_REQUEST}{body}")), End]).await;
        assert_eq!(error.refusal(), Some(&refusal), "{message}");
        assert!(error.to_string().contains(advice), "{error}");
        assert!(!error.is_permission_denied());
    }
    for other in
        [r#"{"code":"invalid_param","message":"photo must be a file"}"#, r#"{"code":"e","message":""}"#]
    {
        assert_eq!(chat_error(&[Error(&format!("{BAD_REQUEST}{other}")), End]).await.refusal(), None);
    }
    let limited = "invoke app failed: request failed with status code: 429 and respond with: missing query";
    assert_eq!(chat_error(&[Error(limited), End]).await.refusal(), None);
    let nothing = chat_error(&[Error("invoke app failed: data is nil"), End]).await;
    assert_eq!(nothing.refusal(), None);
    let streaming = "read app failed: request failed with status code: 500 and respond with: ";
    let replies = [Response(HELLO), Error(streaming), End];
    let error = call(&replies, async |apps| apps.completion("a").answer().await).await.unwrap_err();
    assert_eq!(error.refusal(), None);
}
