//! How frames go out: many in one write, heartbeats before all others, logs only while there is room.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use dify_plugin_session::Connection;
use dify_plugin_session::protocol::{LogData, LogLevel};
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::daemon::{Daemon, config, request};

/// Takes everything and counts the writes.
struct Counting {
    writes: Arc<AtomicUsize>,
    lines: Arc<AtomicUsize>,
}

impl AsyncWrite for Counting {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.lines.fetch_add(bytes.iter().filter(|byte| **byte == b'\n').count(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn the_messages_of_many_handlers_go_out_in_one_write() {
    const SESSIONS: usize = 100;
    let (writes, lines) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (mut input, reader) = tokio::io::duplex(1024 * 1024);
    let writer = Counting { writes: writes.clone(), lines: lines.clone() };
    let mut connection = Connection::new(reader, writer, config());
    let requests: String = (0..SESSIONS).map(|n| format!("{}\n", request(&format!("s-{n}")))).collect();
    input.write_all(requests.as_bytes()).await.unwrap();
    drop(input);
    while let Some(request) = connection.accept().await.unwrap() {
        tokio::spawn(async move {
            let (_, responder) = request.into_parts();
            responder.send(&json!("hello")).await.unwrap();
            responder.finish().unwrap();
        });
    }
    assert_eq!(lines.load(Ordering::Relaxed), 2 * SESSIONS);
    let writes = writes.load(Ordering::Relaxed);
    assert!(writes <= 4, "{writes} writes for {SESSIONS} sessions that came in one read");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_overtakes_the_output_that_waits_for_a_full_pipe() {
    let mut config = config();
    config.heartbeat_interval = Some(Duration::from_secs(10));
    let mut daemon = Daemon::with(config, 1024);
    assert_eq!(daemon.read().await["event"], "heartbeat");
    let (_, responder) = daemon.open("s").await.into_parts();
    for n in 0..100 {
        responder.send(&json!({"n": n, "padding": "x".repeat(100)})).await.unwrap();
    }
    // The pipe is full, in the midst of a line, when the next one is due.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let mut before = 0;
    while daemon.read().await["event"] != "heartbeat" {
        before += 1;
    }
    assert!(before <= 1024 / 100 + 1, "{before} lines came first, more than the pipe held");
    for n in before..100 {
        assert_eq!(daemon.read().await["data"]["data"]["n"], n);
    }
}

#[tokio::test(start_paused = true)]
async fn logs_are_dropped_while_messages_wait() {
    let mut config = config();
    config.output_bytes = 4096;
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    let log = LogData { level: LogLevel::Info, message: "m".repeat(100), timestamp: 0.0 };
    let taken = (0..1000).take_while(|_| daemon.handle.log(&log)).count();
    assert!((1..100).contains(&taken), "{taken} logs found room in 4096 bytes");
    let stats = daemon.handle.stats();
    assert_eq!(stats.dropped_logs, 1);
    // Those that found room leave enough for a session.
    assert!(stats.output_bytes < 4096 * 3 / 4, "{stats:?}");
    responder.send(&json!("still heard")).await.unwrap();
    assert!(!daemon.handle.log(&log));
    responder.finish().unwrap();
    for _ in 0..taken {
        assert_eq!(daemon.read().await["event"], "log");
    }
    assert_eq!(daemon.read().await["data"]["data"], "still heard");
    assert_eq!(daemon.read().await["data"]["type"], "end");
}
