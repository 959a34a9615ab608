//! The process: its start, its heartbeats, its exit.

use std::time::{Duration, Instant};

use dify_plugin_host::{
    ExitCause, Host, HostConfig, HostError, HostEvent, PluginCommand, Script, ScriptedApp, SessionFailure,
};
use dify_plugin_protocol::LogLevel;

use crate::rogue::{command, config, drain, nobody, start};

async fn refused(script: &str, config: HostConfig) -> HostError {
    let (_folder, command) = command(script);
    Host::start(command, config, nobody()).await.unwrap_err()
}

#[tokio::test]
async fn a_plugin_without_a_heartbeat_is_killed_and_its_stderr_reported() {
    let mut config = config();
    config.ready_timeout = Duration::from_secs(1);
    let error = refused("echo 'still loading' >&2; say '{}'; read x", config).await;
    let text = error.to_string();
    assert!(matches!(error, HostError::NotReady { .. }));
    assert!(text.starts_with("the plugin failed to start, it sent no heartbeat within 1 s"), "{text}");
    assert!(text.ends_with("still loading"), "{text}");
}

#[tokio::test]
async fn an_exit_before_the_heartbeat_is_reported_immediately_with_status_and_stderr() {
    let before = Instant::now();
    let error = refused("echo 'No module named main' >&2; exit 3", config()).await;
    assert!(before.elapsed() < Duration::from_secs(10));
    let HostError::FailedToStart(exit) = &error else { panic!("{error}") };
    assert_eq!((exit.cause, exit.status.unwrap().code()), (ExitCause::Exited, Some(3)));
    assert_eq!(
        error.to_string(),
        "the plugin failed to start, it exited before its first heartbeat: it exited by itself (exit status: 3); the end of its \
         stderr:\nNo module named main"
    );
}

#[tokio::test]
async fn junk_of_a_plugin_that_never_became_ready_is_reported_up_to_1024_bytes() {
    let error = refused("echo hello; say null; say '{\"event\":\"log\"}'; exit 0", config()).await;
    assert_eq!(
        error.to_string(),
        "the plugin failed to start, it exited before its first heartbeat: it exited by itself (exit status: 0); it wrote this \
         to stdout, where only frames belong:\nhello"
    );
    let error =
        refused("i=0; while [ $i -lt 100 ]; do echo \"line é $i\"; i=$((i+1)); done; exit 0", config()).await;
    let HostError::FailedToStart(exit) = error else { panic!("{error}") };
    assert!(exit.junk.len() <= 1024 && exit.junk.len() > 1000, "{}", exit.junk.len());
    assert!(exit.junk.starts_with("line é 0\nline é 1\n"));

    let plugin = start("echo early; beat; echo late; rest", config(), nobody()).await;
    plugin.host.clone().shutdown().await;
    assert!(!plugin.host.wait().await.to_string().contains("early"));
}

#[tokio::test]
async fn only_the_last_1024_bytes_of_stderr_are_kept() {
    let error = refused(
        "i=0; while [ $i -lt 100 ]; do echo \"line $i of many\" >&2; i=$((i+1)); done; exit 1",
        config(),
    )
    .await;
    let HostError::FailedToStart(exit) = error else { panic!("{error}") };
    assert!(exit.stderr.len() <= 1024 && exit.stderr.len() > 900, "{}", exit.stderr.len());
    assert!(exit.stderr.ends_with("line 99 of many"));
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = Host::start(PluginCommand::new("no-such-program"), config(), nobody()).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot start `no-such-program` in `.`");
}

#[tokio::test]
async fn the_install_method_is_local() {
    let plugin = start("echo $INSTALL_METHOD > method; beat; rest", config(), nobody()).await;
    assert_eq!(std::fs::read_to_string(plugin.path("method")).unwrap(), "local\n");
}

#[tokio::test]
async fn the_first_receiver_of_events_gets_those_since_the_start() {
    let script = r#"
        say '{"version":"0.0.1","type":"plugin","author":"a","name":"n"}'
        say '{"event":"log","data":{"level":"WARNING","message":"hello","timestamp":1.5}}'
        say '{"event":"log","data":{"level":"fatal"}}'
        say '{"event":"error","session_id":null,"data":{"error":"bad line"}}'
        printf '\n\n  \r\n'
        beat; rest"#;
    let plugin = start(script, config(), nobody()).await;
    let mut events = plugin.host.events();
    let mut logged = Vec::new();
    for _ in 0..2 {
        let event = events.recv().await.unwrap();
        let HostEvent::Log(log) = event else { panic!("{event:?}") };
        logged.push((log.level, log.message));
    }
    assert_eq!(logged, [(LogLevel::Warning, "hello".into()), (LogLevel::Error, "".into())]);
    assert_eq!(format!("{:?}", events.recv().await.unwrap()), r#"ErrorEvent("bad line")"#);
    assert_eq!(format!("{:?}", events.recv().await.unwrap()), "Heartbeat");
    assert_eq!(plugin.host.stats().junk_frames, 0);
}

#[tokio::test]
async fn a_plugin_that_falls_silent_is_killed_and_its_sessions_fail() {
    let mut config = config();
    config.silence_timeout = Duration::from_secs(1);
    let plugin = start("beat; ask; sleep 0.5; beat; ask", config, nobody()).await;
    let before = Instant::now();
    let (_, failure) = drain(&mut plugin.open("s").await).await;
    let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
    assert!(matches!(exit.cause, ExitCause::Silent { .. }));
    assert!(before.elapsed() > Duration::from_millis(1400), "{:?}", before.elapsed());
}

#[tokio::test]
async fn an_exit_in_mid_session_fails_the_session_after_its_last_message() {
    let plugin =
        start(r#"beat; ask; session s stream '{"n":1}'; echo 'ouch' >&2; exit 7"#, config(), nobody()).await;
    let before = Instant::now();
    let (items, failure) = drain(&mut plugin.open("s").await).await;
    assert!(before.elapsed() < Duration::from_secs(10));
    assert_eq!(items, [serde_json::json!({"n": 1})]);
    let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
    assert_eq!(
        (exit.cause, exit.status.unwrap().code(), exit.stderr.as_str()),
        (ExitCause::Exited, Some(7), "ouch")
    );

    let late = plugin.host.open(crate::rogue::tool_session("t")).await.unwrap_err();
    assert!(matches!(late, HostError::PluginExited(_)), "{late}");
    assert_eq!(plugin.host.pid(), None);
}

#[tokio::test]
async fn output_that_arrives_right_after_an_exit_counts() {
    let plugin = start("beat; ask; (sleep 0.1; session s end '{}') & exit 0", config(), nobody()).await;
    assert!(drain(&mut plugin.open("s").await).await.1.is_none());
}

#[tokio::test]
async fn a_last_frame_without_newline_counts() {
    let script =
        r#"beat; ask; printf '%s' '{"event":"session","session_id":"s","data":{"type":"end","data":{}}}'"#;
    let plugin = start(script, config(), nobody()).await;
    assert!(matches!(drain(&mut plugin.open("s").await).await, (items, None) if items.is_empty()));
}

#[tokio::test]
async fn a_frame_over_the_limit_kills_the_process_and_one_at_the_limit_passes() {
    let mut config = config();
    config.frame_bytes = 1000;
    // 71 bytes around the letters: frames of 1000 and 1001 bytes.
    let script = r#"
        beat; ask; ask
        letters() { head -c "$1" /dev/zero | tr '\0' x; }
        session s stream "\"$(letters 929)\""
        session s stream "\"$(letters 930)\""
        session s end '{}'
        read x"#;
    let plugin = start(script, config, nobody()).await;
    let mut other = plugin.open("other").await;
    let (items, failure) = drain(&mut plugin.open("s").await).await;
    assert_eq!(items.len(), 1);
    let Some(SessionFailure::PluginExited(exit)) = &failure else { panic!("{failure:?}") };
    assert_eq!(exit.cause, ExitCause::FrameTooLong { limit: 1000 });
    assert!(failure.unwrap().to_string().contains("a frame of more than 1000 bytes"));
    assert!(matches!(drain(&mut other).await.1, Some(SessionFailure::PluginExited(_))));
    assert_eq!(HostConfig::default().frame_bytes, 5_242_879);
}

#[tokio::test]
async fn a_plugin_that_closes_its_stdout_is_killed() {
    let plugin = start("beat; ask; exec >&-; read x", config(), nobody()).await;
    let (_, failure) = drain(&mut plugin.open("s").await).await;
    let Some(SessionFailure::PluginExited(exit)) = failure else { panic!("{failure:?}") };
    assert_eq!(exit.cause, ExitCause::StdoutClosed);
}

#[tokio::test]
async fn a_shutdown_closes_stdin_and_kills_only_after_the_grace() {
    let plugin = start("beat; while read x; do :; done; exit 5", config(), nobody()).await;
    let mut events = plugin.host.events();
    assert_eq!(plugin.host.clone().shutdown().await.unwrap().code(), Some(5));
    assert_eq!(plugin.host.wait().await.cause, ExitCause::Shutdown);
    while let Some(event) = events.recv().await {
        if let HostEvent::Exited(exit) = event {
            assert_eq!(exit.cause, ExitCause::Shutdown);
            break;
        }
    }

    let mut short = config();
    short.shutdown_grace = Duration::from_millis(200);
    let plugin = start("beat; exec sleep 1000", short, nobody()).await;
    assert_eq!(plugin.host.shutdown().await.unwrap().code(), None);
}

#[tokio::test]
async fn a_shutdown_lets_open_sessions_and_their_reverse_calls_finish_and_refuses_new_ones() {
    let script = r#"
        beat; ask
        session s invoke '{"type":"app","backwards_request_id":"c","request":{"app_id":"a","inputs":{},"response_mode":"streaming"}}'
        keep; keep; session s end '{}'; rest"#;
    let app = ScriptedApp::new().wait(Duration::from_millis(300)).event(serde_json::json!({"n": 1}));
    let plugin = start(script, config(), Script::new().app("a", app)).await;
    let mut messages = plugin.open("s").await;
    let host = plugin.host.clone();
    let (heard, (_, failure), late) = tokio::join!(plugin.heard(), drain(&mut messages), async {
        tokio::time::timeout(Duration::from_secs(20), host.open(crate::rogue::tool_session("t"))).await
    });
    assert!(failure.is_none(), "{failure:?}");
    assert_eq!(
        (&heard[0]["data"]["data"], &heard[1]["data"]["event"]),
        (&serde_json::json!({"n": 1}), &"end".into())
    );
    assert!(matches!(late.unwrap(), Err(HostError::PluginExited(_))));
}

#[tokio::test]
async fn a_session_that_outlasts_the_grace_finds_its_stdin_closed() {
    let mut short = config();
    short.shutdown_grace = Duration::from_secs(1);
    let plugin = start("beat; ask; rest; session s end '{}'; exit 5", short, nobody()).await;
    let mut messages = plugin.open("s").await;
    let (status, (_, failure)) = tokio::join!(plugin.host.clone().shutdown(), drain(&mut messages));
    assert_eq!((status.unwrap().code(), failure.is_none()), (Some(5), true));
}

#[tokio::test]
async fn dropping_the_last_handle_kills_the_process() {
    let plugin = start("beat; exec sleep 1000", config(), nobody()).await;
    let proc = format!("/proc/{}", plugin.host.pid().unwrap());
    let clone = plugin.host.clone();
    drop(plugin);
    assert!(clone.pid().is_some());
    drop(clone);
    for _ in 0..200 {
        if !std::path::Path::new(&proc).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the process is still there");
}
