//! A plugin's storage, compared with the daemon's.

use dify_plugin_host::{Router, Script, ScriptedApp, Storage};
use dify_plugin_protocol::InvokeType;
use serde_json::{Value, json};

use crate::reverse::answers_to;
use crate::rogue::config;

const LIMIT: u64 = 1 << 20;

fn call(request: Value) -> Value {
    json!({"type": "storage", "request": request})
}

/// Returns the data or the error of each call.
fn read(heard: &[Value]) -> Vec<Result<Value, String>> {
    let answers = heard.iter().filter_map(|data| match data["event"].as_str().unwrap() {
        "response" => Some(Ok(data["data"].clone())),
        "error" => Some(Err(data["message"].as_str().unwrap().to_owned())),
        _ => None,
    });
    answers.collect()
}

async fn ask(storage: &Storage, requests: &[Value]) -> Vec<Result<Value, String>> {
    let calls: Vec<_> = requests.iter().cloned().map(call).collect();
    read(&answers_to(&calls, storage.clone(), config()).await)
}

#[tokio::test]
async fn recorded_calls_have_the_daemons_results() {
    let file = include_str!("../../../../proto-fixtures/recorded/real-storage.jsonl");
    let rows = file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let (mut ids, mut requests, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let asked = &row["out"]["data"]["data"];
        if asked["type"] == "storage" {
            ids.push(asked["backwards_request_id"].clone());
            requests.push(asked["request"].clone());
        }
        let answered = &row["in"]["data"];
        if ids.contains(&answered["backwards_request_id"]) {
            answers.push(answered.clone());
        }
    }
    // The long value was shortened in the recording.
    let long = "78".repeat(2 * LIMIT as usize);
    for request in &mut requests {
        if request["value"].as_str().is_some_and(|value| value.ends_with('…')) {
            request["value"] = long.clone().into();
        }
    }
    let expected = read(&answers);
    assert_eq!((requests.len(), expected.len()), (29, 29));

    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::new(folder.path().join("kept")).limit(LIMIT);
    let got = ask(&storage, &requests).await;
    for ((request, expected), got) in requests.iter().zip(expected).zip(got) {
        let got = match got {
            Ok(data) if data["data"] == long => Ok(json!({"data": "78787878…"})),
            got => got,
        };
        // The decisions are the daemon's, the texts of errors are not.
        assert_eq!(got.ok(), expected.ok(), "{}", request.to_string().chars().take(200).collect::<String>());
    }
    assert_eq!(std::fs::read(storage.folder().join("a/b c/é")).unwrap(), [2]);
}

#[tokio::test]
async fn values_outlive_the_plugin_and_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let storage = || Storage::new(folder.path()).limit(10);
    let set = |key: &str, bytes: usize| json!({"opt": "set", "key": key, "value": "aa".repeat(bytes)});
    let ok = || Ok(json!({"data": "ok"}));
    let full = || Err("save data failed: allocated size is greater than max storage size".to_owned());
    assert_eq!(ask(&storage(), &[set("a", 4), set("b", 4), set("b", 6)]).await, [ok(), ok(), ok()]);
    // As after a restart.
    let deleted = Ok(json!({"data": "ok", "deleted_num": 0}));
    assert_eq!(
        ask(
            &storage(),
            &[
                json!({"opt": "get", "key": "/b"}),
                set("c", 1),
                json!({"opt": "del", "key": "a"}),
                set("d", 3),
                set("e", 2)
            ]
        )
        .await,
        [Ok(json!({"data": "aaaaaaaaaaaa"})), full(), deleted, ok(), full()]
    );
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("outside"), "secret").unwrap();
    let storage = Storage::new(folder.path().join("kept"));
    for key in ["../outside", "a/../../outside", "..\\outside", "a..b"] {
        let requests: Vec<_> = ["set", "get", "exist", "del"]
            .iter()
            .map(|opt| json!({"opt": opt, "key": key, "value": "00"}))
            .collect();
        let answers = ask(&storage, &requests).await;
        assert!(answers.iter().all(Result::is_err), "{key}: {answers:?}");
    }
    // A leading slash stands for the folder.
    let outside = folder.path().join("outside");
    let answers = ask(
        &storage,
        &[json!({"opt": "get", "key": outside}), json!({"opt": "set", "key": "/../x", "value": "00"})],
    )
    .await;
    assert!(answers[0].is_err() && answers[1].is_ok(), "{answers:?}");
    assert_eq!(std::fs::read(&outside).unwrap(), b"secret");
    assert!(folder.path().join("kept/x").is_file());
}

#[tokio::test]
async fn malformed_calls_and_other_types_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::new(folder.path());
    let answers = ask(
        &storage,
        &[
            json!({}),
            json!({"opt": 5, "key": "k"}),
            json!({"opt": "set", "key": "k", "value": "0x00"}),
            json!({"opt": "set", "key": "k", "value": "0"}),
        ],
    )
    .await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    let app = json!({"type": "app", "request": {"app_id": "a"}});
    let alone = answers_to(std::slice::from_ref(&app), storage.clone(), config()).await;
    assert_eq!(alone[0]["message"], "the storage does not handle reverse invocations of type `app`");
    let script = Script::new().app("a", ScriptedApp::new().event(json!({"event": "message"})));
    let both = Router::new().invoke_type(InvokeType::Storage, storage).fallback(script);
    assert_eq!(read(&answers_to(&[app], both, config()).await), [Ok(json!({"event": "message"}))]);
}

#[tokio::test]
async fn a_key_is_the_path_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::new(folder.path());
    for (number, (key, path)) in
        [("a", "a"), ("./b", "b"), ("c//d/./e/", "c/d/e"), ("/../f", "f"), ("g/../h", "h")]
            .into_iter()
            .enumerate()
    {
        let set = json!({"opt": "set", "key": key, "value": format!("0{number}")});
        assert_eq!(ask(&storage, &[set]).await, [Ok(json!({"data": "ok"}))], "{key}");
        assert_eq!(
            std::fs::read(folder.path().join(path)).unwrap(),
            [u8::try_from(number).unwrap()],
            "{key}"
        );
    }
}
