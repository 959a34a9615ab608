//! Output of a rogue plugin, in content and amount.

use dify_plugin_host::{ExitCause, Host, SessionFailure};
use serde_json::json;

use crate::rogue::{command, config, drain, nobody, start, tool_session};

#[tokio::test]
async fn junk_of_any_kind_is_harmless() {
    let (deep, digits) = ("[".repeat(200_000), "9".repeat(100_000));
    let junk: &[&[u8]] = &[
        b"\0\0\0",
        b"\xff\xfe{\"event\":\"heartbeat\"}",
        deep.as_bytes(),
        digits.as_bytes(),
        b"{\"event\":\"session\",\"session_id\":\"s\",\"data\":1e400}",
        b"{\"event\":\"session\",\"session_id\":\"s\"",
        b"{\"event\":\"session\",\"session_id\":\"\xff\",\"data\":{\"type\":\"end\",\"data\":{}}}",
        b"{\"event\":\"whatever\",\"session_id\":\"s\",\"data\":{}}",
        b"\"\\ud800\"",
    ];
    let (folder, command) =
        command("beat; ask; cat junk; session s stream '{\"n\":1}'; session s end '{}'; rest");
    std::fs::write(folder.path().join("junk"), [&junk.join(&b'\n')[..], b"\n"].concat()).unwrap();
    let host = Host::start(command, config(), nobody()).await.unwrap();
    let mut messages = host.open(tool_session("s")).await.unwrap();
    let (items, failure) = drain(&mut messages).await;
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!(items, [json!({"n": 1})]);
    assert!(host.stats().junk_frames > 5, "{:?}", host.stats());
    assert!(host.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn a_frame_without_end_is_not_kept() {
    let plugin =
        start("beat; ask; head -c 268435456 /dev/zero | tr '\\0' x; read x", config(), nobody()).await;
    let (_, failure) = drain(&mut plugin.open("s").await).await;
    let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
    assert!(matches!(exit.cause, ExitCause::FrameTooLong { .. }), "{exit}");
}

#[tokio::test]
async fn frames_of_sessions_that_are_not_open_are_counted_and_dropped() {
    const LINES: u64 = 20_000;
    let script = format!(
        r#"beat; ask
        yes '{{"event":"session","session_id":"nobody","data":{{"type":"stream","data":{{}}}}}}' | head -n {LINES}
        session s end '{{}}'; rest"#
    );
    let plugin = start(&script, config(), nobody()).await;
    assert!(matches!(drain(&mut plugin.open("s").await).await, (items, None) if items.is_empty()));
    let stats = plugin.host.stats();
    assert_eq!((stats.unknown_sessions, stats.open_sessions, stats.queued_bytes), (LINES, 0, 0));
    plugin.heard().await;
}

#[tokio::test]
async fn a_successful_exit_also_fails_open_sessions() {
    let plugin = start("beat; ask; ask; session s stream '{}'; exit 0", config(), nobody()).await;
    let mut other = plugin.open("other").await;
    let (items, failure) = drain(&mut plugin.open("s").await).await;
    assert_eq!(items, [json!({})]);
    for failure in [failure, drain(&mut other).await.1] {
        let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
        assert_eq!((exit.cause, exit.status.unwrap().code()), (ExitCause::Exited, Some(0)));
    }
}
