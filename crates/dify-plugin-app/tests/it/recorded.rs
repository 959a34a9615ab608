//! Replays recorded exchanges of the official SDK: requests must equal the SDK's, and replies must be read into types.

use dify_plugin_app::{AppError, Apps, FileInput, FileType, MessageAnswer, Outcome};
use serde_json::{Value, json};

use crate::daemon::Daemon;

const APP: &str = "2b0e4a8c-7a1d-4c1e-9f53-0d6a1c2b3e4f";
const CONVERSATION: &str = "45701982-8118-4bc5-8e9b-64562b4555f2";

/// Replays `recorded/<name>.jsonl` against a call, which must send the same request as the SDK.
async fn replay<T>(name: &str, make: impl AsyncFnOnce(Apps) -> T) -> T {
    let path = format!("{}/../../proto-fixtures/recorded/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let rows = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    let lines = |direction: &str| rows.iter().filter_map(|row| row.get(direction)).collect::<Vec<_>>();
    let (ins, outs) = (lines("in"), lines("out"));

    let (mut daemon, responder) = Daemon::start_with(&ins[0].to_string()).await;
    let session = responder.session();
    let (result, ()) = tokio::join!(make(Apps::new(session)), async {
        let asked = daemon.read().await;
        let id = &asked["data"]["data"]["backwards_request_id"];
        let recorded_id = &outs[0]["data"]["data"]["backwards_request_id"];
        for line in &ins[1..] {
            let line = line.to_string();
            daemon.line(&line.replace(recorded_id.as_str().unwrap(), id.as_str().unwrap())).await;
        }
        assert_eq!(comparable(&asked), comparable(outs[0]), "{name}");
    });
    result
}

/// Removes the call's id, and nulls, which the daemon reads as absent.
fn comparable(line: &Value) -> Value {
    let mut line = line.clone();
    line["data"]["data"]["backwards_request_id"].take();
    let request = line["data"]["data"]["request"].as_object_mut().unwrap();
    request.retain(|_, value| !value.is_null());
    line
}

fn finished<T>(outcome: Result<Outcome<T>, AppError>) -> T {
    outcome.unwrap().finished().unwrap()
}

#[tokio::test(start_paused = true)]
async fn chat() {
    let streaming = async |apps: Apps| {
        apps.chat(APP).query("hello").input("lang", "en").conversation("").user("u-42").answer().await
    };
    let answer: MessageAnswer = finished(replay("reverse-chat-streaming", streaming).await);
    assert_eq!((answer.text.as_str(), answer.conversation_id.as_deref()), (" I", Some(CONVERSATION)));

    let bare = async |apps: Apps| apps.chat(APP).query("hello").answer().await;
    finished(replay("reverse-chat-streaming-no-conversation", bare).await);

    let blocking = async |apps: Apps| {
        apps.chat(APP).query("hello").conversation(CONVERSATION).user("u-42").blocking().await
    };
    let answer = finished(replay("reverse-chat-blocking", blocking).await);
    assert_eq!(answer.text, "iPhone 13 Pro Max specs are listed here:...");
    let metadata = answer.metadata.unwrap();
    assert_eq!(metadata.usage.unwrap().total_price.unwrap().as_text(), "0.0012890");
    assert_eq!(metadata.retriever_resources.unwrap()[0].dataset_name.as_deref(), Some("iPhone"));
}

#[tokio::test(start_paused = true)]
async fn workflow() {
    let blocking = async |apps: Apps| {
        let doc = FileInput::tool_file(FileType::Document, "0c1f7a52-8c0e-4e64-9a55-9f5c4a4f7f10");
        apps.workflow(APP).input("doc", doc).user("u-42").blocking().await
    };
    let run = finished(replay("reverse-workflow-blocking", blocking).await);
    assert_eq!((&run.outputs["result"], run.elapsed_time), (&json!("Bonjour le monde"), Some(1.23)));

    let streaming = async |apps: Apps| {
        apps.workflow(APP).inputs(json!({"query": "Translate this"})).user("u-42").answer().await
    };
    let run = finished(replay("reverse-workflow-streaming", streaming).await);
    assert_eq!(run.outputs["result"], "Bonjour le monde");
}

#[tokio::test(start_paused = true)]
async fn completion() {
    let streaming = async |apps: Apps| apps.completion(APP).input("query", "hi").user("u-42").answer().await;
    assert_eq!(finished(replay("reverse-completion-streaming", streaming).await).text, " I'm");
    let blocking = async |apps: Apps| apps.completion(APP).input("query", "hi").user("u-42").blocking().await;
    assert_eq!(finished(replay("reverse-completion-blocking", blocking).await).text, "Hello World!...");
}

#[tokio::test(start_paused = true)]
async fn fetch_app() {
    let parameters = replay("reverse-fetch-app", async |apps: Apps| apps.fetch(APP).await).await.unwrap();
    let form = parameters.user_input_form.unwrap();
    assert_eq!((form[0].input_type(), form[0].field().unwrap().required), (Some("text-input"), Some(true)));
}

#[tokio::test(start_paused = true)]
async fn failures() {
    let chat = async |apps: Apps| apps.chat(APP).query("hello").answer().await;
    let error = replay("reverse-error-midstream", chat).await.unwrap_err();
    assert_eq!((error.message(), error.received().unwrap().text.as_str()), (Some("boom"), " I"));

    let chat = async |apps: Apps| apps.chat(APP).query("q").answer().await;
    let error = replay("reverse-app-error-event", chat).await.unwrap_err();
    assert_eq!(error.code(), Some("completion_request_error"));
    let error = replay("reverse-end-without-response-streaming", chat).await.unwrap_err();
    assert!(matches!(error, AppError::Incomplete { .. }), "{error:?}");
    let error = replay("reverse-response-data-null", chat).await.unwrap_err();
    assert!(!matches!(error, AppError::Incomplete { .. }), "a null is said to be one: {error:?}");

    let chat = async |apps: Apps| apps.chat(APP).query("q").blocking().await;
    let error = replay("reverse-end-without-response-blocking", chat).await.unwrap_err();
    assert!(matches!(error, AppError::Incomplete { .. }), "{error:?}");

    let workflow = async |apps: Apps| apps.workflow(APP).blocking().await;
    assert!(replay("reverse-error-permission", workflow).await.unwrap_err().is_permission_denied());
    let error = replay("reverse-error-bad-request", workflow).await.unwrap_err();
    assert_eq!((error.status(), error.message()), (Some(400), Some("unexpected app type")));
}
