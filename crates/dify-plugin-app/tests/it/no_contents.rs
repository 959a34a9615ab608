//! `Debug` shows no questions and no answers.

use std::fmt::Debug;

use dify_plugin_app::{AnyAnswer, AppError, FileInput, FileType};
use serde_json::json;

use crate::daemon::{Daemon, Reply, STARTED, call, whole};

const MESSAGE: &str = r#"{"event":"message","answer":"hunter2","conversation_id":"c-1","message_id":"m-1"}"#;
const ESCAPED: &str = r#"{"event":"message","answer":"hunter2\u003c","conversation_id":"c-1"}"#;
const FILE: &str = r#"{"event":"message_file","id":"f-1","type":"image","url":"https://hunter2"}"#;
const FINISHED: &str = r#"{"event":"workflow_finished","workflow_run_id":"r-1","data":{"status":"succeeded","outputs":{"result":"hunter2","list":["hunter2"]},"files":[{"url":"hunter2"}],"created_by":{"name":"hunter2"}}}"#;
const MESSAGE_END: &str = r#"{"event":"message_end","id":"m-1","metadata":{"retriever_resources":[{"segment_id":"seg-1","content":"hunter2"}],"new":"hunter2"},"files":[{"filename":"hunter2","url":"hunter2","remote_url":"hunter2"}]}"#;

/// Asserts that `Debug` does not show the secret, but all of `shown`.
#[track_caller]
fn hides(value: &dyn Debug, shown: &[&str]) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        assert!(!text.contains("hunter2"), "{text}");
        for part in shown {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls() {
    let (_daemon, responder) = Daemon::start().await;
    let call = dify_plugin_app::Apps::new(responder.session()).chat("app-1");
    let call = call
        .query("hunter2")
        .inputs(json!({"key": "hunter2"}))
        .input("photo", FileInput::remote_url(FileType::Image, "https://hunter2"))
        .user("hunter2")
        .conversation("c-1");
    hides(&call, &["AppCall", "app-1", "c-1", "\"key\"", "\"photo\"", "<7 bytes>"]);
    let call = call.inputs("hunter2");
    hides(&call, &["AppError", "found string"]);
}

#[tokio::test(start_paused = true)]
async fn streams_and_events() {
    let events = whole(&[MESSAGE, ESCAPED, FILE, MESSAGE_END, FINISHED]);
    let stream = call(&events, async |apps| apps.chat("app-1").query("q").stream().await).await;
    let mut stream = stream.unwrap();
    hides(&stream, &["AppStream", "app-1", "message"]);
    let mut names = Vec::new();
    while let Some(event) = stream.try_next().await.unwrap() {
        let _ = event.text();
        hides(&event, &["Event", event.name(), "bytes>"]);
        hides(&event.decode().unwrap(), &["1\""]);
        names.push(event.name().to_owned());
    }
    assert_eq!(names, ["message", "message", "message_file", "message_end", "workflow_finished"]);
    hides(&stream, &["c-1", "r-1"]);
}

#[tokio::test(start_paused = true)]
async fn answers() {
    let events = whole(&[MESSAGE, FILE, MESSAGE_END, FINISHED]);
    let answer = call(&events, async |apps| apps.chat("app-1").query("q").answer().await).await.unwrap();
    hides(
        &answer,
        &["Finished", "MessageAnswer", "<7 bytes>", "c-1", "m-1", "f-1", "seg-1", "r-1", "\"result\""],
    );

    let run = call(&whole(&[STARTED, FINISHED]), async |apps| apps.workflow("app-1").answer().await).await;
    let run = run.unwrap().finished().unwrap();
    hides(&run, &["Run", "Succeeded", "r-1", "\"result\"", "\"list\""]);
    hides(&AnyAnswer::Workflow(run), &["Workflow", "Run"]);

    let events = whole(&[r#"{"event":"message","answer":"hunter2"}"#, MESSAGE_END]);
    let answer = call(&events, async |apps| apps.completion("app-1").answer().await).await.unwrap();
    hides(&answer, &["MessageAnswer", "<7 bytes>", "m-1", "seg-1"]);

    let paused = r#"{"event":"workflow_paused","workflow_run_id":"r-1","data":{"paused_nodes":["n-1"],"outputs":{"a":"hunter2"},"reasons":[{"form_id":"form-1","form_token":"hunter2","form_content":"hunter2"}]}}"#;
    let events = whole(&[MESSAGE, paused]);
    let outcome = call(&events, async |apps| apps.chat("app-1").query("q").answer().await).await.unwrap();
    hides(&outcome, &["Paused", "r-1", "form-1", "n-1"]);
    hides(&outcome.finished().unwrap_err(), &["AppError", "r-1", "1 form"]);
}

#[tokio::test(start_paused = true)]
async fn errors_show_their_message_and_no_contents() {
    let chat = async |replies: &[Reply<'_>]| {
        call(replies, async |apps| apps.chat("app-1").query("q").answer().await).await.unwrap_err()
    };
    let broken = chat(&whole(&[MESSAGE])).await;
    assert_eq!(broken.received().unwrap().text, "hunter2");
    hides(&broken, &["AppError", "ended before the answer was complete", "app-1", "c-1", "<7 bytes>"]);

    let reported = r#"{"event":"error","status":400,"code":"invalid_param","message":"no such variable","new":"hunter2"}"#;
    let reported = chat(&whole(&[MESSAGE, reported])).await;
    hides(&reported, &["400 invalid_param: no such variable", "c-1"]);

    let failed = r#"{"event":"workflow_finished","workflow_run_id":"r-1","data":{"status":"failed","error":"node 3 broke","outputs":{"a":"hunter2"}}}"#;
    let failed = chat(&whole(&[MESSAGE, failed])).await;
    hides(&failed, &["the run failed: node 3 broke", "r-1"]);

    let refused = r#"invoke app failed: request failed with status code: 400 and respond with: {"code":"invalid_param","message":"missing query","params":"hunter2"}"#;
    let refused = chat(&[Reply::Error(refused), Reply::End]).await;
    hides(&refused, &["missing query", "invalid_param", "app-1"]);

    let other = chat(&whole(&[STARTED, FINISHED])).await;
    assert!(matches!(other, AppError::OtherKind { .. }));
    hides(&other, &["app-1", "a Workflow"]);

    let unreadable = r#"{"event":"message_end","metadata":"hunter2"}"#;
    hides(&chat(&whole(&[MESSAGE, unreadable])).await, &["could not be read", "metadata", "found string"]);
}
