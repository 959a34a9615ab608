//! Recordings of the real daemon and the official SDK, replayed with the host in the daemon's place: it must write the same
//! frames as the daemon, and return the plugin's recorded messages.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use dify_plugin_host::{OpenSession, Platform, PlatformError, Reply, ReverseCall, SessionFailure};
use dify_plugin_manifest::Permission;
use dify_plugin_protocol::{AccessType, Action};
use futures_util::{StreamExt, stream};
use serde_json::{Map, Value};

use crate::rogue::{self, config, drain};

/// The rows of one session, in order.
struct Recorded {
    id: String,
    request: Value,
    rows: Vec<Row>,
}

enum Row {
    /// A line from the daemon, after the request.
    In(Value),
    /// A line from the plugin, in the bytes it is written again with.
    Out(String),
}

/// Reads a recording. Rows between two sessions belong to the first.
fn read(name: &str) -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("{name}.jsonl"));
    let mut sessions: Vec<Recorded> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if let Some(line) = row.get("in") {
            let id = line["session_id"].as_str().unwrap().to_owned();
            if line["event"] == "request" {
                sessions.push(Recorded { id, request: line.clone(), rows: Vec::new() });
            } else {
                of(&mut sessions, Some(&id)).rows.push(Row::In(line.clone()));
            }
        } else if let Some(line) = row.get("out") {
            of(&mut sessions, line["session_id"].as_str()).rows.push(Row::Out(line.to_string()));
        } else if let Some(line) = row.get("out_raw") {
            of(&mut sessions, None).rows.push(Row::Out(line.as_str().unwrap().to_owned()));
        }
    }
    sessions
}

fn of<'s>(sessions: &'s mut [Recorded], id: Option<&str>) -> &'s mut Recorded {
    let last = sessions.len() - 1;
    let at = sessions.iter().position(|session| Some(session.id.as_str()) == id).unwrap_or(last);
    &mut sessions[at]
}

/// Answers each call, by its id, as it was answered.
fn platform(sessions: &[Recorded]) -> impl Platform {
    let mut answers: HashMap<String, Vec<Result<Reply, PlatformError>>> = HashMap::new();
    for row in sessions.iter().flat_map(|session| &session.rows) {
        let Row::In(line) = row else { continue };
        let data = &line["data"];
        let of_call = answers.entry(data["backwards_request_id"].as_str().unwrap().to_owned()).or_default();
        match data["event"].as_str().unwrap() {
            "response" => of_call.push(Ok(Reply::from(&data["data"]))),
            "error" => of_call.push(Err(PlatformError::Other(data["message"].as_str().unwrap().to_owned()))),
            _ => {}
        }
    }
    let answers = Arc::new(answers);
    move |call: ReverseCall| match answers.get(&*call.call_id) {
        Some(answers) => stream::iter(answers.clone()).boxed(),
        // One whose session was over before its answer came.
        None => stream::pending().boxed(),
    }
}

/// Replays a recording, one session after the other, compares what the plugin read, and returns what each session's caller
/// received.
async fn play(
    name: &str,
    permission: Option<Permission>,
) -> Vec<(Recorded, Vec<Value>, Option<SessionFailure>)> {
    let sessions = read(name);
    let mut script = "beat\n".to_owned();
    for session in &sessions {
        script += "keep\n";
        for row in &session.rows {
            match row {
                Row::In(_) => script += "keep\n",
                Row::Out(line) => script += &format!("say '{}'\n", line.replace('\'', "'\\''")),
            }
        }
    }
    script += "rest";

    let (folder, mut command) = rogue::command(&script);
    if let Some(permission) = permission {
        command = command.permission(permission);
    }
    let host = dify_plugin_host::Host::start(command, config(), platform(&sessions)).await.unwrap();
    let mut outcomes = Vec::new();
    let mut expected = Vec::new();
    for session in sessions {
        let mut messages = host.open(open(&session.request)).await.unwrap();
        expected.push(session.request.clone());
        expected.extend(session.rows.iter().filter_map(|row| match row {
            Row::In(line) => Some(line.clone()),
            Row::Out(_) => None,
        }));
        let ends = session.rows.iter().any(|row| matches!(row, Row::Out(line) if ends(line)));
        let (items, failure) = if ends { drain(&mut messages).await } else { (Vec::new(), None) };
        outcomes.push((session, items, failure));
    }
    assert!(host.shutdown().await.unwrap().success());
    let heard = rogue::lines(&folder.path().join("heard"));
    // The replies to concurrent calls may interleave differently; only the order within one call counts.
    for (heard, expected) in by_call(&heard).into_iter().zip(by_call(&expected)) {
        assert_eq!(heard, expected, "{name}");
    }
    assert_eq!(heard.len(), expected.len(), "{name}");
    outcomes
}

/// Whether a frame of the plugin ends a session at the daemon.
fn ends(line: &str) -> bool {
    let line: Value = serde_json::from_str(line).unwrap_or_default();
    line["event"] == "session" && line["data"].get("data").is_some() && line["data"]["type"] != "stream"
}

fn by_call(lines: &[Value]) -> Vec<(String, Vec<Value>)> {
    let mut calls: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for line in lines {
        let id = format!("{} {}", line["session_id"], line["data"]["backwards_request_id"]);
        let mut line = line.clone();
        // The daemon goes on in the words of Go.
        if let Some(Value::String(text)) = line["data"].get_mut("message")
            && let Some(at) = text.find("request failed: error")
        {
            text.truncate(at);
        }
        calls.entry(id).or_default().push(line);
    }
    calls.into_iter().collect()
}

fn open(request: &Value) -> OpenSession {
    let mut data = request["data"].as_object().unwrap().clone();
    let mut take = |name: &str| match data.remove(name) {
        Some(Value::String(text)) => text,
        other => panic!("{name}: {other:?}"),
    };
    let (access_type, action, user_id) = (take("type"), take("action"), take("user_id"));
    let text = |name: &str| request[name].as_str().map(str::to_owned);
    let mut session =
        OpenSession::new(AccessType::from(&*access_type), Action::from(&*action), Map::from_iter(data));
    session.session_id = text("session_id");
    session.user_id = user_id;
    session.conversation_id = text("conversation_id");
    session.message_id = text("message_id");
    session.app_id = text("app_id");
    session.endpoint_id = text("endpoint_id");
    session.context = request["context"].as_object().cloned();
    session
}

/// Returns the messages that were written before the frame that ended the session.
fn streamed(session: &Recorded) -> Vec<Value> {
    let mut items = Vec::new();
    for row in &session.rows {
        let Row::Out(line) = row else { continue };
        if ends(line) && !line.contains("\"invoke\"") {
            break;
        }
        let line: Value = serde_json::from_str(line).unwrap_or_default();
        if line["session_id"] == session.id.as_str() && line["data"]["type"] == "stream" {
            items.push(line["data"]["data"].clone());
        }
    }
    items
}

#[tokio::test]
async fn successful_exchanges_are_repeated_exactly() {
    for name in ["real-app", "real-two-sessions", "real-fifty-at-once", "tool-all-messages"] {
        for (session, items, failure) in play(name, None).await {
            assert!(failure.is_none(), "{name}: {failure:?}");
            assert_eq!(items, streamed(&session), "{name}");
        }
    }
}

#[tokio::test]
async fn calls_without_a_permission_are_refused_with_the_daemons_errors() {
    let outcomes = play("real-denied", Some(Permission::default())).await;
    assert_eq!(outcomes.len(), 19);
}

/// Returns why each failed session failed, by the name of the trial in its request.
fn broken(outcomes: &[(Recorded, Vec<Value>, Option<SessionFailure>)]) -> Vec<(String, String)> {
    let named = outcomes.iter().filter_map(|(session, _, failure)| {
        let what = session.request["data"]["tool_parameters"]["what"].as_str()?;
        let trial: Value = serde_json::from_str(what).unwrap();
        let failure = match failure.as_ref()? {
            SessionFailure::Plugin(_) => "the plugin's own".to_owned(),
            SessionFailure::UnreadableError { .. } => "unreadable".to_owned(),
            SessionFailure::Refused(error) => error.message.clone(),
            other => panic!("{other}"),
        };
        Some((trial["name"].as_str().unwrap().to_owned(), failure))
    });
    named.collect()
}

#[tokio::test]
async fn recorded_junk_on_stdout_is_harmless() {
    let outcomes = play("real-junk-on-stdout", None).await;
    assert_eq!(broken(&outcomes), []);
    let texts: Vec<_> = outcomes.iter().map(|(_, items, _)| items.len()).collect();
    // Three sessions send one more message: with a carriage return, with leading spaces, in capitals.
    assert_eq!(texts, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 1, 2, 1, 2]);
}

#[tokio::test]
async fn endpoints_stream_and_fail_as_recorded() {
    for (session, items, failure) in play("real-endpoint", None).await {
        assert!(matches!(failure, None | Some(SessionFailure::Plugin(_))), "{failure:?}");
        assert_eq!(items, streamed(&session));
    }
}

#[tokio::test]
async fn malformed_calls_and_messages_fail_their_sessions_as_at_the_daemon() {
    let outcomes = broken(&play("real-malformed-invoke", None).await);
    let expected = [
        ("inv_noreq", "invoke dify failed: invoke request missing"),
        ("inv_noid", "invoke dify failed: invoke request missing"),
        ("inv_notype", "invoke dify failed: invoke request missing"),
        ("inv_numid", "invoke dify failed: invoke request missing"),
        ("inv_reqnull", "invoke dify failed: invoke request missing"),
        ("inv_null", "invoke dify failed: invoke request is empty"),
        ("inv_str", "invoke dify failed: unmarshal invoke request failed"),
        ("t_unknown", "unknown stream message type: hello"),
        ("t_upper", "unknown stream message type: STREAM"),
        ("e_list", "unreadable"),
        ("e_str", "unreadable"),
    ];
    assert_eq!(outcomes.len(), expected.len(), "{outcomes:?}");
    for ((name, text), (expected_name, beginning)) in outcomes.iter().zip(expected) {
        assert!(name == expected_name && text.starts_with(beginning), "{name}: {text}");
    }

    let outcomes = broken(&play("real-session-end", None).await);
    let expected = [
        ("l_after_error", "the plugin's own"),
        ("l_err11", "unreadable"),
        ("l_err_noargs", "the plugin's own"),
        ("l_err_null", "the plugin's own"),
        ("l_err_str", "unreadable"),
    ];
    assert_eq!(outcomes, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
}
