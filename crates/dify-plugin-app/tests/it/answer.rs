//! Streams collected into one answer.

use dify_plugin_app::{AppError, AppKind, Outcome, RunStatus};

use crate::daemon::{FINISHED, HELLO, LO, MESSAGE_END, STARTED, call, whole};

#[tokio::test(start_paused = true)]
async fn chunks_of_a_chat_are_joined() {
    let answer =
        call(&whole(&[HELLO, LO, MESSAGE_END]), async |apps| apps.chat("a").query("q").answer().await)
            .await
            .unwrap()
            .finished()
            .unwrap();
    assert_eq!(answer.text, "Hello <3");
    assert_eq!(answer.conversation_id.as_deref(), Some("c"));
    assert_eq!((answer.message_id.as_deref(), answer.task_id.as_deref()), (Some("m"), Some("t")));
    assert_eq!(answer.metadata.unwrap().usage.unwrap().latency, Some(1.0));
    assert!(answer.run.is_none());
}

#[tokio::test(start_paused = true)]
async fn chunks_of_an_agent_are_joined_and_its_thoughts_are_not() {
    let events = [
        r#"{"event":"agent_thought","id":"1","thought":null,"conversation_id":"c"}"#,
        r#"{"event":"agent_message","answer":"Qu","conversation_id":"c"}"#,
        r#"{"event":"agent_message","answer":"ack","conversation_id":"c"}"#,
        r#"{"event":"message_file","id":"f","type":"image","belongs_to":"assistant","url":"https://x/f.png","conversation_id":"c"}"#,
        r#"{"event":"agent_thought","id":"1","thought":"Quack","conversation_id":"c"}"#,
        MESSAGE_END,
    ];
    let answer = call(&whole(&events), async |apps| apps.chat("a").query("q").answer().await).await;
    let answer = answer.unwrap().finished().unwrap();
    assert_eq!(answer.text, "Quack");
    assert_eq!(answer.message_files[0].url.as_deref(), Some("https://x/f.png"));
}

#[tokio::test(start_paused = true)]
async fn a_replacement_discards_the_text_so_far() {
    let replace =
        r#"{"event":"message_replace","answer":"No\u0026","reason":"moderation","conversation_id":"c"}"#;
    let answer = call(&whole(&[HELLO, replace, LO, MESSAGE_END]), async |apps| {
        apps.chat("a").query("q").answer().await
    })
    .await;
    assert_eq!(answer.unwrap().finished().unwrap().text, "No&lo <3");
}

#[tokio::test(start_paused = true)]
async fn a_chatflow_has_a_text_and_a_run_in_either_order() {
    for order in [[MESSAGE_END, FINISHED], [FINISHED, MESSAGE_END]] {
        let answer = call(&whole(&[STARTED, HELLO, order[0], order[1]]), async |apps| {
            apps.chat("a").query("q").answer().await
        })
        .await;
        let answer = answer.unwrap().finished().unwrap();
        assert_eq!((answer.text.as_str(), answer.metadata.is_some()), ("Hel", true));
        assert_eq!(answer.run.unwrap().outputs["result"], "quack");
    }
}

#[tokio::test(start_paused = true)]
async fn a_workflows_answer_is_its_outputs_and_not_its_chunks() {
    let chunk = r#"{"event":"text_chunk","workflow_run_id":"r","data":{"text":"ignored"}}"#;
    let run = call(&whole(&[STARTED, chunk, FINISHED]), async |apps| apps.workflow("a").answer().await).await;
    let run = run.unwrap().finished().unwrap();
    assert_eq!(run.outputs["result"], "quack");
    assert_eq!(
        (run.status.as_ref(), run.workflow_run_id.as_deref()),
        (Some(&RunStatus::Succeeded), Some("r"))
    );
    assert_eq!((run.total_tokens, run.task_id.as_deref()), (Some(7), Some("t")));
}

#[tokio::test(start_paused = true)]
async fn a_partial_success_is_a_success() {
    let partial = r#"{"event":"workflow_finished","data":{"id":"r2","status":"partial-succeeded","exceptions_count":2,"outputs":{"a":1}}}"#;
    let run = call(&whole(&[STARTED, partial]), async |apps| apps.workflow("a").answer().await).await;
    let run = run.unwrap().finished().unwrap();
    assert_eq!((run.exceptions_count, run.status), (Some(2), Some(RunStatus::PartialSucceeded)));
    assert_eq!(run.workflow_run_id.as_deref(), Some("r2"), "where the event itself has none");
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_an_outcome() {
    let required = r#"{"event":"human_input_required","workflow_run_id":"r","data":{"form_id":"f","form_token":"hunter2"}}"#;
    let paused = r#"{"event":"workflow_paused","data":{"workflow_run_id":"r","paused_nodes":["n"],"reasons":[{"TYPE":"human_input_required","form_id":"f","form_token":"hunter2"}],"status":"paused","outputs":{}}}"#;
    let events = whole(&[HELLO, required, paused]);
    let outcome = call(&events, async |apps| apps.chat("a").query("q").answer().await).await.unwrap();
    let pause = outcome.paused().unwrap();
    assert_eq!(pause.form_ids().collect::<Vec<_>>(), ["f"]);
    assert_eq!((pause.text.as_str(), pause.run.workflow_run_id.as_deref()), ("Hel", Some("r")));
    assert_eq!((pause.conversation_id.as_deref(), &*pause.paused_nodes), (Some("c"), &["n".to_owned()][..]));
    assert!(!format!("{outcome:?}").contains("hunter2"));
    let error = outcome.finished().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run `r` waits for a person to fill in 1 form(s); a plugin cannot follow it"
    );
    assert!(matches!(error, AppError::Paused(_)) && !format!("{error:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_resumed_after_its_pause_is_finished() {
    let paused = r#"{"event":"workflow_paused","workflow_run_id":"r","data":{"status":"paused"}}"#;
    let outcome =
        call(&whole(&[STARTED, paused, FINISHED]), async |apps| apps.workflow("a").answer().await).await;
    assert!(matches!(outcome, Ok(Outcome::Finished(_))));
    let finished = r#"{"event":"workflow_finished","workflow_run_id":"r","data":{"status":"paused"}}"#;
    let outcome = call(&whole(&[STARTED, finished]), async |apps| apps.workflow("a").answer().await).await;
    assert_eq!(outcome.unwrap().paused().unwrap().run.workflow_run_id.as_deref(), Some("r"));
}

#[tokio::test(start_paused = true)]
async fn a_chat_without_ids_is_still_a_chat() {
    let events = whole(&[r#"{"event":"message","answer":"quack"}"#, r#"{"event":"message_end"}"#]);
    let answer = call(&events, async |apps| apps.chat("a").query("q").answer().await).await;
    assert_eq!(answer.unwrap().finished().unwrap().text, "quack");
    let answer = call(&events, async |apps| apps.completion("a").answer().await).await;
    assert_eq!(answer.unwrap().finished().unwrap().text, "quack");
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_event_is_an_error_with_the_text_so_far() {
    let broken = r#"{"event":"message_end","conversation_id":"c","metadata":"none"}"#;
    let error = call(&whole(&[HELLO, broken]), async |apps| apps.chat("a").query("q").answer().await).await;
    let error = error.unwrap_err();
    let AppError::Unreadable { received, reason } = &error else { panic!("{error:?}") };
    assert_eq!((received.text.as_str(), received.found), ("Hel", Some(AppKind::Chat)));
    assert!(reason.contains("`metadata`"), "{reason}");
    let nameless = whole(&[HELLO, r#"{"no":"name"}"#]);
    let error = call(&nameless, async |apps| apps.chat("a").query("q").answer().await).await;
    assert!(matches!(error, Err(AppError::Unreadable { .. })));
}
