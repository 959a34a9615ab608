//! Sessions: the frame that opens one, and the effect of each message.

use std::time::Duration;

use dify_plugin_host::{HostError, HostEvent, OpenSession, SessionFailure};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value, json};

use crate::rogue::{config, drain, nobody, start, tool_session};

/// Returns how a session ends if the plugin runs `lines` after its request. `$s` is the session's id.
async fn outcome(lines: &str) -> (Vec<Value>, Option<SessionFailure>) {
    let plugin = start(&format!("beat; ask; s=$id; {lines}\nrest"), config(), nobody()).await;
    let mut messages = plugin.open("s").await;
    tokio::time::timeout(Duration::from_secs(20), drain(&mut messages)).await.unwrap()
}

#[tokio::test]
async fn a_request_is_written_byte_for_byte_as_the_daemon_writes_it() {
    let plugin = start("beat; keep; session s end '{}'; rest", config(), nobody()).await;
    let Value::Object(payload) = json!({
        "tool": "echo", "provider": "bench", "credentials": null,
        "tool_parameters": {"text": "<b> & \u{2028}", "n": 1.0, "big": 12345678901234567890_u64},
    }) else {
        unreachable!()
    };
    let mut session = OpenSession::new(AccessType::Tool, Action::InvokeTool, payload);
    session.session_id = Some("s".to_owned());
    session.user_id = "u-1".to_owned();
    session.app_id = Some("a-1".to_owned());
    session.context = Some(Map::from_iter([("z".to_owned(), 1.into()), ("a".to_owned(), Value::Null)]));
    let mut messages = plugin.host.open(session).await.unwrap();
    assert!(drain(&mut messages).await.1.is_none());
    let path = plugin.path("heard");
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        concat!(
            r#"{"session_id":"s","conversation_id":null,"message_id":null,"app_id":"a-1","endpoint_id":null,"#,
            r#""context":{"a":null,"z":1},"event":"request","data":{"action":"invoke_tool","credentials":null,"#,
            r#""provider":"bench","tool":"echo","tool_parameters":{"big":12345678901234567000,"n":1,"#,
            r#""text":"\u003cb\u003e \u0026 \u2028"},"type":"tool","user_id":"u-1"}}"#,
            "\n"
        )
    );
}

#[tokio::test]
async fn messages_arrive_in_order_and_the_first_end_counts() {
    let (items, failure) = outcome(
        r#"session $s stream 1; session $s stream null; session $s stream '[2]'; session $s end null
           session $s stream 3; session $s end '{}'"#,
    )
    .await;
    assert_eq!(items, [json!(1), Value::Null, json!([2])]);
    assert!(failure.is_none());
}

#[tokio::test]
async fn junk_is_ignored_and_reported() {
    let script = r#"beat; ask
        say 'print from a library'
        say '[1,2]'
        say '{}'
        say '{"event":"nosuch"}'
        say '{"event":"log","data":"text"}'
        say '{"event":"session","session_id":7,"data":{"type":"end","data":{}}}'
        say '{"event":"session","session_id":"s","data":{"type":"end"}}'
        say '{"event":"session","session_id":"s"}'
        say '{"event":"session","session_id":"s","data":{"type":"end","data":{}}}{}'
        printf '\357\273\277%s\n' '{"event":"heartbeat"}'
        say 'null'
        session unknown end '{}'
        say '{"event":"session","session_id":"s","data":{"type":"stream","data":"'"$(printf '\377')"'"}}'
        printf '   %s\r\n\n' '{"x":1,"event":"session","session_id":"s","data":{"y":2,"type":"end","data":{}}}'
        rest"#;
    let plugin = start(script, config(), nobody()).await;
    let mut events = plugin.host.events();
    let (items, failure) = drain(&mut plugin.open("s").await).await;
    assert_eq!(items, [json!("\u{fffd}")]);
    assert!(failure.is_none());
    let stats = plugin.host.stats();
    assert_eq!((stats.junk_frames, stats.unknown_sessions), (10, 1), "{stats:?}");
    let mut reasons = Vec::new();
    while reasons.len() < 10 {
        if let HostEvent::JunkFrame { text, reason } = events.recv().await.unwrap() {
            reasons.push((text, reason));
        }
    }
    assert_eq!(reasons[0], ("print from a library".to_owned(), "it is not a JSON object".to_owned()));
    assert!(reasons[3].1.contains("`nosuch` is unknown"), "{reasons:?}");
    assert!(reasons[6].1.contains("missing field `data`"), "{reasons:?}");
}

#[tokio::test]
async fn an_error_ends_the_session_with_its_three_fields() {
    let (items, failure) = outcome(
        r#"session $s stream 1; session $s error '{"error_type":"E","message":"no","args":{"a":1}}'; session $s end '{}'"#,
    )
    .await;
    assert_eq!(items, [json!(1)]);
    let Some(SessionFailure::Plugin(data)) = &failure else { panic!("{failure:?}") };
    assert_eq!((data.error_type.as_str(), data.message.as_str(), data.args.len()), ("E", "no", 1));
    assert_eq!(failure.unwrap().daemon_text(), r#"{"args":{"a":1},"error_type":"E","message":"no"}"#);

    let (_, failure) = outcome("session $s error null").await;
    assert!(matches!(failure, Some(SessionFailure::Plugin(data)) if data == Default::default()));
}

#[tokio::test]
async fn an_error_that_the_daemon_would_drop_is_reported() {
    let eleven: Map<String, Value> = (0..11).map(|n| (n.to_string(), n.into())).collect();
    for (data, reason) in [
        (json!({"error_type": "E", "message": "m", "args": eleven}), "`args` has 11 entries"),
        (json!({"error_type": "E", "message": "m", "args": [1]}), "expected a map"),
        (json!({"error_type": "E", "message": 5}), "expected a string"),
        (json!("boom"), "boom"),
    ] {
        let (_, failure) = outcome(&format!("session $s error '{data}'; session $s end '{{}}'")).await;
        let Some(SessionFailure::UnreadableError { .. }) = &failure else { panic!("{failure:?}") };
        let text = failure.unwrap().to_string();
        assert!(text.contains(reason), "{text}");
        assert!(text.contains("the daemon would drop it and report success"), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_message_type_closes_the_session_with_the_daemons_error() {
    let (_, failure) = outcome("session $s STREAM 1; session $s end '{}'").await;
    let Some(failure @ SessionFailure::Refused(_)) = failure else { panic!("{failure:?}") };
    assert_eq!(
        failure.daemon_text(),
        r#"{"error_type":"unknown_stream_message_type","message":"unknown stream message type: STREAM"}"#
    );
}

#[tokio::test]
async fn a_session_over_its_time_limit_fails() {
    let mut config = config();
    config.session_timeout = Duration::from_secs(1);
    let plugin = start("beat; ask; session s stream 1; rest", config, nobody()).await;
    let (items, failure) = drain(&mut plugin.open("s").await).await;
    assert_eq!(items, [json!(1)]);
    assert_eq!(failure.unwrap().daemon_text(), "killed by timeout");
    assert_eq!(plugin.host.stats().open_sessions, 0);
}

#[tokio::test]
async fn a_session_id_can_be_open_only_once() {
    let plugin = start("beat; rest", config(), nobody()).await;
    let first = plugin.open("s").await;
    let second = plugin.host.open(tool_session("s")).await;
    assert!(matches!(second, Err(HostError::SessionOpen(id)) if id == "s"));
    drop(first);
    let _third = plugin.open("s").await;
}

#[tokio::test]
async fn a_dropped_session_is_abandoned_and_its_later_frames_are_counted() {
    let plugin = start(
        "beat; ask; ask; session s stream 1; session s end '{}'; session t end '{}'; rest",
        config(),
        nobody(),
    )
    .await;
    drop(plugin.open("s").await);
    assert_eq!(plugin.host.stats().open_sessions, 0);
    assert!(drain(&mut plugin.open("t").await).await.1.is_none());
    assert_eq!(plugin.host.stats().unknown_sessions, 2);
}

#[tokio::test]
async fn unread_messages_fail_only_their_own_session() {
    let mut config = config();
    config.message_queue_bytes = 10_000;
    let script = r#"beat; ask; ask
        big=$(head -c 20000 /dev/zero | tr '\0' x)
        i=0; while [ $i -lt 20 ]; do session slow stream "\"$(printf '%0600d' $i)\""; i=$((i+1)); done
        session quick stream "\"$big\""
        session quick end '{}'
        rest"#;
    let plugin = start(script, config, nobody()).await;
    let mut slow = plugin.open("slow").await;
    let mut quick = plugin.open("quick").await;
    let (items, failure) = drain(&mut quick).await;
    assert!(failure.is_none(), "one answer always fits: {failure:?}");
    assert_eq!(items[0].as_str().unwrap().len(), 20_000);
    let (items, failure) = drain(&mut slow).await;
    assert_eq!(items.len(), 16);
    assert!(matches!(failure, Some(SessionFailure::Overrun { limit: 10_000 })));
    assert_eq!(plugin.host.stats().queued_bytes, 0);
}

#[tokio::test]
async fn the_limit_of_all_sessions_holds_and_unread_bytes_are_released() {
    let mut config = config();
    config.total_queue_bytes = 1500;
    let script = r#"beat; ask; ask
        n=$(printf '%0600d' 1)
        session a stream "\"$n\""; session b stream "\"$n\""; session b stream "\"$n\""
        session a end '{}'
        rest"#;
    let plugin = start(script, config, nobody()).await;
    let a = plugin.open("a").await;
    let mut b = plugin.open("b").await;
    let (items, failure) = {
        // Reads nothing until `a` has ended, which the plugin writes last.
        while plugin.host.stats().open_sessions > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        drain(&mut b).await
    };
    assert!(matches!(failure, Some(SessionFailure::Overrun { limit: 1500 })) && items.len() == 1);
    assert_eq!(plugin.host.stats().queued_bytes, 602);
    drop(a);
    assert_eq!(plugin.host.stats().queued_bytes, 0);
}

#[tokio::test]
async fn a_tool_message_that_the_daemon_refuses_ends_the_session() {
    let script = r#"beat; ask
        session $id stream '{"type":"text","message":{"text":"a"}}'
        session $id stream '{"type":"model","message":{}}'
        session $id stream '{"type":"text","message":{"text":"b"}}'
        session $id end '{}'; rest"#;
    let plugin = start(script, config(), nobody()).await;
    let mut messages = plugin.host.invoke_tool("p", "t", Map::new(), Map::new()).await.unwrap();
    assert!(messages.next().await.unwrap().is_ok());
    let failure = messages.next().await.unwrap().unwrap_err();
    let SessionFailure::Refused(data) = failure else { panic!("{failure:?}") };
    assert_eq!(data.error_type, "unmarshal_error");
    assert!(messages.next().await.is_none());
    assert_eq!(plugin.host.stats().open_sessions, 0);
}
