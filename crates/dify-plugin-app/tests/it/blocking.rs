//! Blocking mode.

use dify_plugin_app::{AnyAnswer, AppError, AppKind, AppMode, RunStatus};

use crate::daemon::Reply::{End, Error, Response};
use crate::daemon::{call, whole};

const CHAT: &str = r#"{"event":"message","task_id":"t","id":"m","message_id":"m","conversation_id":"c","mode":"advanced-chat","answer":"quack","metadata":{"usage":{"total_tokens":3}},"created_at":1}"#;
const WORKFLOW: &str = r#"{"task_id":"t","workflow_run_id":"r","data":{"id":"r","status":"succeeded","outputs":{"result":"quack"}}}"#;

#[tokio::test(start_paused = true)]
async fn each_kind_has_its_answer() {
    let chat = call(&whole(&[CHAT]), async |apps| apps.chat("a").query("q").blocking().await).await;
    let chat = chat.unwrap().finished().unwrap();
    assert_eq!((chat.text.as_str(), chat.mode), ("quack", Some(AppMode::AdvancedChat)));
    assert_eq!((chat.conversation_id.as_deref(), chat.message_id.as_deref()), (Some("c"), Some("m")));
    let run = call(&whole(&[WORKFLOW]), async |apps| apps.workflow("a").blocking().await).await;
    let run = run.unwrap().finished().unwrap();
    assert_eq!((&run.outputs["result"], run.workflow_run_id.as_deref()), (&"quack".into(), Some("r")));
    let text = r#"{"event":"message","message_id":"m","mode":"completion","answer":"quack"}"#;
    let answer = call(&whole(&[text]), async |apps| apps.completion("a").blocking().await).await;
    assert_eq!(answer.unwrap().finished().unwrap().text, "quack");
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_stopped_run_is_an_error_although_dify_reports_a_result() {
    for status in ["failed", "stopped"] {
        let json = format!(
            r#"{{"task_id":"t","workflow_run_id":"r","data":{{"status":"{status}","outputs":null,"error":"node 3 broke"}}}}"#
        );
        let error =
            call(&whole(&[&json]), async |apps| apps.workflow("a").blocking().await).await.unwrap_err();
        let AppError::RunFailed { run, received, .. } = &error else { panic!("{error:?}") };
        assert_eq!(run.status, Some(RunStatus::from(status)));
        assert_eq!((error.message(), received.workflow_run_id.as_deref()), (Some("node 3 broke"), Some("r")));
        assert!(!error.is_retryable());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_a_result() {
    let chatflow = r#"{"event":"workflow_paused","task_id":"t","message_id":"m","conversation_id":"c","mode":"advanced-chat","answer":"so far","workflow_run_id":"r","data":{"status":"paused","reasons":[{"TYPE":"human_input_required","form_id":"f"}]}}"#;
    let outcome =
        call(&whole(&[chatflow]), async |apps| apps.chat("a").query("q").blocking().await).await.unwrap();
    let pause = outcome.paused().unwrap();
    assert_eq!((pause.text.as_str(), pause.form_ids().collect::<Vec<_>>()), ("so far", vec!["f"]));
    assert_eq!(
        (pause.conversation_id.as_deref(), pause.run.workflow_run_id.as_deref()),
        (Some("c"), Some("r"))
    );
    let workflow = r#"{"workflow_run_id":"r","data":{"id":"r","status":"paused","finished_at":null,"paused_nodes":["n"],"reasons":[{"form_id":"f"}]}}"#;
    let outcome = call(&whole(&[workflow]), async |apps| apps.workflow("a").blocking().await).await.unwrap();
    assert_eq!(outcome.paused().unwrap().paused_nodes, ["n"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_moved_is_unfinished() {
    let moved = r#"{"event":"workflow_maintenance_paused","task_id":"t","workflow_run_id":"r"}"#;
    let error = call(&whole(&[moved]), async |apps| apps.workflow("a").blocking().await).await.unwrap_err();
    let AppError::Unfinished { received } = &error else { panic!("{error:?}") };
    assert_eq!(received.workflow_run_id.as_deref(), Some("r"));
    assert!(!error.is_retryable());
}

#[tokio::test(start_paused = true)]
async fn no_reply_or_two_replies_or_an_unknown_reply_is_an_error() {
    let error = call(&[End], async |apps| apps.chat("a").query("q").blocking().await).await.unwrap_err();
    assert!(matches!(error, AppError::Incomplete { .. }), "{error:?}");
    let error = call(&whole(&[CHAT, CHAT]), async |apps| apps.chat("a").query("q").blocking().await).await;
    let Err(AppError::Unreadable { reason, .. }) = error else { panic!("{error:?}") };
    assert!(reason.contains("more than one"), "{reason}");
    for odd in ["{}", "[]", r#"{"event":"something_new","answer":1}"#] {
        let error = call(&whole(&[odd]), async |apps| apps.chat("a").query("q").blocking().await).await;
        assert!(matches!(error, Err(AppError::Unreadable { .. })), "{odd}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_event_is_an_error() {
    let event = r#"{"event":"error","code":"provider_quota_exceeded","status":400,"message":"no more"}"#;
    let error =
        call(&whole(&[event]), async |apps| apps.chat("a").query("q").blocking().await).await.unwrap_err();
    assert!(matches!(error, AppError::Reported { .. }), "{error:?}");
    assert_eq!((error.status(), error.code()), (Some(400), Some("provider_quota_exceeded")));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_its_end_is_still_an_answer() {
    let replies =
        [Response(WORKFLOW), Error("read app failed: unexpected EOF\nfailed to read system header"), End];
    let run = call(&replies, async |apps| apps.workflow("a").blocking().await).await;
    assert_eq!(run.unwrap().finished().unwrap().outputs["result"], "quack");
}

#[tokio::test(start_paused = true)]
async fn an_app_of_another_kind_is_named_and_its_answer_is_kept() {
    let error = call(&whole(&[WORKFLOW]), async |apps| apps.chat("duck").query("q").blocking().await).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("call it with `workflow(id)`"), "{error}");
    let AppError::OtherKind { expected: AppKind::Chat, found, .. } = error else { panic!("{error:?}") };
    let AnyAnswer::Workflow(run) = *found else { panic!("{found:?}") };
    assert_eq!(run.outputs["result"], "quack");
}
