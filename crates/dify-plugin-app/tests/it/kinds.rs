//! Apps called through the interface of another kind.

use dify_plugin_app::{AnyAnswer, AppError, AppKind};

use crate::daemon::{FINISHED, HELLO, LO, MESSAGE_END, STARTED, call, whole};

#[tokio::test(start_paused = true)]
async fn a_workflow_called_as_a_chat_is_named_and_its_run_is_kept() {
    let error =
        call(&whole(&[STARTED, FINISHED]), async |apps| apps.chat("duck").query("q").answer().await).await;
    let error = error.unwrap_err();
    assert_eq!(
        error.to_string(),
        "app `duck` is a Workflow, not a Chatbot, Agent or Chatflow: call it with `workflow(id)`"
    );
    let AppError::OtherKind { found, .. } = error else { panic!("{error:?}") };
    let AnyAnswer::Workflow(run) = *found else { panic!("{found:?}") };
    assert_eq!(run.outputs["result"], "quack");
}

#[tokio::test(start_paused = true)]
async fn a_chat_called_as_another_kind_is_named_and_its_answer_is_kept() {
    let events = whole(&[HELLO, LO, MESSAGE_END]);
    for (found, error) in [
        (
            AppKind::Workflow,
            call(&events, async |apps| apps.workflow("a").answer().await.map(|_| ())).await.unwrap_err(),
        ),
        (
            AppKind::Completion,
            call(&events, async |apps| apps.completion("a").answer().await.map(|_| ())).await.unwrap_err(),
        ),
    ] {
        let AppError::OtherKind { expected, found: answer, .. } = error else { panic!("{error:?}") };
        assert_eq!(expected, found);
        let AnyAnswer::Chat(answer) = *answer else { panic!("{answer:?}") };
        assert_eq!((answer.text.as_str(), answer.conversation_id.as_deref()), ("Hello <3", Some("c")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_read_by_its_events_and_reports_the_kind() {
    let chunk = r#"{"event":"text_chunk","workflow_run_id":"r","data":{"text":"qu\u0061ck"}}"#;
    let (kind, texts) = call(&whole(&[STARTED, chunk, FINISHED]), async |apps| {
        let mut stream = apps.chat("a").query("q").stream().await.unwrap();
        let mut texts = Vec::new();
        while let Some(event) = stream.try_next().await.unwrap() {
            texts.extend(event.text().map(str::to_owned));
        }
        (stream.kind(), texts)
    })
    .await;
    assert_eq!((kind, texts), (Some(AppKind::Workflow), vec!["quack".to_owned()]));
}
