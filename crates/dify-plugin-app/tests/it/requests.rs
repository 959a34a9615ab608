//! The requests that calls send.

use std::collections::BTreeMap;

use dify_plugin_app::{AppError, Apps, FileInput, FileType};
use serde::Serialize;
use serde_json::{Value, json};

use crate::daemon::Daemon;

/// Returns the `request` that a call sends.
async fn sent<T>(make: impl AsyncFnOnce(Apps) -> T) -> Value {
    let (mut daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session());
    tokio::select! {
        _ = make(apps) => panic!("it ended before it was answered"),
        mut call = daemon.read_call() => call["request"].take(),
    }
}

#[tokio::test(start_paused = true)]
async fn inputs_are_set_from_structs_and_single_values() {
    #[derive(Serialize)]
    struct Inputs {
        lang: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        mood: Option<String>,
    }
    let request = sent(async |apps| {
        let inputs = Inputs { lang: "en", mood: None };
        let more = BTreeMap::from([("n", 1)]);
        apps.workflow("a").input("lang", "de").inputs(inputs).inputs(more).input("b", [true]).stream().await
    })
    .await;
    assert_eq!(
        request,
        json!({"app_id":"a","inputs":{"b":[true],"lang":"en","n":1},"response_mode":"streaming"})
    );
}

#[tokio::test(start_paused = true)]
async fn empty_inputs_are_sent() {
    let request = sent(async |apps| apps.completion("a").blocking().await).await;
    assert_eq!(request, json!({"app_id":"a","inputs":{},"response_mode":"blocking"}));
}

#[tokio::test(start_paused = true)]
async fn files_are_sent_in_inputs_and_in_the_field_of_that_name() {
    let request = sent(async |apps| {
        let photo = FileInput::remote_url(FileType::Image, "https://example.com/a.png");
        let docs =
            [FileInput::tool_file(FileType::Document, "tf"), FileInput::uploaded(FileType::Custom, "uf")];
        apps.chat("a")
            .query("q")
            .input("photo", photo.clone())
            .input("docs", docs)
            .files([photo])
            .answer()
            .await
    })
    .await;
    let photo = json!({"type":"image","transfer_method":"remote_url","url":"https://example.com/a.png"});
    assert_eq!(request["inputs"]["photo"], photo);
    assert_eq!(
        request["inputs"]["docs"],
        json!([
            {"type":"document","transfer_method":"tool_file","tool_file_id":"tf"},
            {"type":"custom","transfer_method":"local_file","upload_file_id":"uf"},
        ])
    );
    assert_eq!(request["files"], json!([photo]));
}

#[tokio::test(start_paused = true)]
async fn inputs_that_are_not_an_object_are_an_error_and_nothing_is_sent() {
    let (mut daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session());
    let error = apps.chat("a").query("q").inputs([1, 2]).input("x", 1).stream().await.unwrap_err();
    assert!(matches!(error, AppError::InvalidInputs { .. }), "{error}");
    let keys_no_json_has = BTreeMap::from([((1, 2), 3)]);
    let error = apps.chat("a").inputs(keys_no_json_has).answer().await.unwrap_err();
    assert!(matches!(error, AppError::InvalidInputs { .. }), "{error}");
    responder.finish().unwrap();
    assert_eq!(daemon.read().await["data"]["type"], "end", "the first frame from the plugin");
}

#[tokio::test(start_paused = true)]
async fn a_clone_of_a_call_can_be_sent_again() {
    let (mut daemon, responder) = Daemon::start().await;
    let call = Apps::new(responder.session()).chat("a").query("q");
    let mut requests = Vec::new();
    for call in [call.clone(), call] {
        let (outcome, request) = tokio::join!(call.answer(), async {
            let call = daemon.read_call().await;
            let id = call["backwards_request_id"].as_str().unwrap().to_owned();
            daemon.reply(&id, &crate::daemon::Reply::End).await;
            call
        });
        assert!(matches!(outcome, Err(AppError::Incomplete { .. })));
        requests.push(request);
    }
    assert_eq!(requests[0]["request"], requests[1]["request"]);
    assert_ne!(requests[0]["backwards_request_id"], requests[1]["backwards_request_id"]);
}
