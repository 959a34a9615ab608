//! A plugin that is killed after any byte of its output.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use dify_plugin_host::{ExitCause, Host, SessionFailure};
use serde_json::{Value, json};

use crate::rogue::{command, config, drain, nobody, start, tool_session};

/// What the plugin writes in the session `s`.
const TRANSCRIPT: &str = concat!(
    r#"{"event":"session","session_id":"s","data":{"type":"stream","data":{"n":1}}}"#,
    "\n",
    r#"{"event":"heartbeat","session_id":null,"data":{}}"#,
    "\r\n",
    r#"{"event":"session","session_id":"s","data":{"type":"stream","data":{"n":2}}}"#,
    "\n\n",
    r#"{"event":"session","session_id":"s","data":{"type":"end","data":{}}}"#,
    "\n",
);

/// Returns the complete messages in the first `bytes`, and whether the end is among them. A last frame without its newline
/// counts if it is complete.
fn heard(bytes: usize) -> (Vec<Value>, bool) {
    let lines = TRANSCRIPT[..bytes].lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut data = lines.map(|line| line["data"].clone()).filter(|data| !data["type"].is_null());
    let answers = data.by_ref().take_while(|data| data["type"] == "stream");
    let answers: Vec<Value> = answers.map(|data| data["data"].clone()).collect();
    (answers, bytes >= TRANSCRIPT.trim_end().len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_sent_before_a_kill_arrive_and_every_open_session_fails() {
    assert_eq!(heard(TRANSCRIPT.len()), (vec![json!({"n": 1}), json!({"n": 2})], true));
    for bytes in 0..=TRANSCRIPT.len() {
        let script = format!("beat; ask; ask; head -c {bytes} transcript; kill -KILL $$");
        let (folder, command) = command(&script);
        std::fs::write(folder.path().join("transcript"), TRANSCRIPT).unwrap();
        let host = Host::start(command, config(), nobody()).await.unwrap();
        let mut messages = host.open(tool_session("s")).await.unwrap();
        let mut other = host.open(tool_session("other")).await.unwrap();

        let (items, failure) = drain(&mut messages).await;
        let (expected, ended) = heard(bytes);
        assert_eq!(items, expected, "after {bytes} bytes");
        assert_eq!(failure.is_none(), ended, "after {bytes} bytes: {failure:?}");
        for failure in [failure, drain(&mut other).await.1].into_iter().skip(usize::from(ended)) {
            let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
            assert_eq!((exit.cause, exit.status.unwrap().signal()), (ExitCause::Exited, Some(9)));
            assert!(exit.to_string().contains("signal: 9"), "{exit}");
        }
        assert_eq!(host.pid(), None);
    }
}

#[tokio::test]
async fn a_child_that_keeps_the_pipes_open_does_not_delay_the_exit() {
    let plugin = start("beat; ask; sleep 30 & kill -KILL $$", config(), nobody()).await;
    let mut messages = plugin.open("s").await;
    // Less than the life of the child.
    let drained = tokio::time::timeout(Duration::from_secs(20), drain(&mut messages)).await;
    let Ok((_, Some(SessionFailure::PluginExited(exit)))) = drained else { panic!("{drained:?}") };
    assert_eq!(exit.status.unwrap().signal(), Some(9));
}
