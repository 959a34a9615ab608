//! Bounds: what gives way, in which order, when the daemon does not read.

use std::time::Duration;

use dify_plugin_session::SendError;
use serde_json::json;

use crate::daemon::{Daemon, config, request};

#[tokio::test]
async fn a_frame_over_the_daemon_s_limit_is_refused_to_its_sender() {
    let mut config = config();
    config.max_frame_bytes = 1000;
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    let error = responder.send(&"x".repeat(1000)).await.unwrap_err();
    assert!(matches!(error, SendError::TooLarge { size, limit: 1000 } if size > 1000), "{error}");
    let envelope = r#"{"event":"session","session_id":"s","data":{"type":"stream","data":""}}"#.len();
    let fits = "x".repeat(1000 - envelope);
    responder.send(&fits).await.unwrap();
    assert!(responder.send(&format!("{fits}y")).await.is_err());
    assert_eq!(daemon.read().await["data"]["data"], fits.as_str());
    responder.fail(dify_plugin_session::protocol::ErrorData::new("E", "long ".repeat(1000))).unwrap();
    let error = daemon.read().await;
    assert!(error["data"]["data"]["message"].as_str().unwrap().contains("(cut:"), "{error}");
    assert_eq!(daemon.read().await["data"]["type"], "end");
}

#[tokio::test]
async fn a_request_past_the_cap_is_refused_by_name() {
    let mut config = config();
    config.max_sessions = 2;
    let mut daemon = Daemon::with(config, 64);
    let one = daemon.open("one").await;
    let _two = daemon.open("two").await;
    daemon.line(request("three")).await;
    assert_eq!(daemon.read_failure("three").await, "SessionLimitExceeded");
    one.into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], "one");
    daemon.still_answers().await;
    assert_eq!(daemon.handle.stats().refused_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn senders_wait_while_the_daemon_does_not_read_and_nothing_is_lost() {
    const SESSIONS: usize = 200;
    const MESSAGES: usize = 20;
    let mut config = config();
    config.output_bytes = 4096;
    let mut daemon = Daemon::with(config, 1024);
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    for n in 0..SESSIONS {
        let (_, responder) = daemon.open(&format!("s{n}")).await.into_parts();
        let sent = sent.clone();
        tokio::spawn(async move {
            for m in 0..MESSAGES {
                responder.send(&json!({"m": m, "padding": "x".repeat(100)})).await.unwrap();
                sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            responder.finish().unwrap();
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stats = daemon.handle.stats();
    assert!(stats.output_bytes < 4096 + 1024, "{stats:?}");
    let before = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(before < SESSIONS * MESSAGES / 2, "{before} were sent into a full pipe");
    // Reading goes on meanwhile.
    daemon.line(request("more")).await;
    daemon.requests.recv().await.unwrap().into_parts().1.finish().unwrap();

    let mut next = std::collections::HashMap::new();
    let mut ends = 0;
    while ends < SESSIONS + 1 {
        let line = daemon.read().await;
        let session = line["session_id"].as_str().unwrap().to_owned();
        match line["data"]["type"].as_str().unwrap() {
            "end" => ends += 1,
            _ => {
                let expected = next.entry(session).or_insert(0);
                assert_eq!(line["data"]["data"]["m"], *expected);
                *expected += 1;
            }
        }
    }
    assert_eq!(next.values().sum::<usize>(), SESSIONS * MESSAGES);
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_nobody_hears_is_bounded_and_answered_in_the_end() {
    let mut config = config();
    config.output_bytes = 1024;
    config.max_sessions = 50;
    let mut daemon = Daemon::with(config, 1024);
    // Handlers that answer at once, into a pipe that is not read: their sessions stay open until that is said.
    for n in 0..300 {
        daemon.line(request(&format!("s{n}"))).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        while let Ok(request) = daemon.requests.try_recv() {
            request.into_parts().1.finish().unwrap();
        }
    }
    let stats = daemon.handle.stats();
    assert!(stats.output_bytes < 1024 + 50 * 200 + 1024, "{stats:?}");
    assert!(stats.refused_requests > 100, "{stats:?}");
    let mut ended = std::collections::HashSet::new();
    while ended.len() < 300 {
        let line = daemon.read().await;
        if line["data"]["type"] == "end" {
            assert!(ended.insert(line["session_id"].as_str().unwrap().to_owned()), "{line}");
        }
    }
    daemon.still_answers().await;
}

#[tokio::test(start_paused = true)]
async fn junk_that_nobody_hears_of_is_dropped_and_counted() {
    let mut config = config();
    config.output_bytes = 512;
    let mut daemon = Daemon::with(config, 256);
    for _ in 0..100 {
        daemon.line("junk").await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let stats = daemon.handle.stats();
    assert!(stats.dropped_lines > 50 && stats.output_bytes < 2048, "{stats:?}");
}

/// A token that somebody cancelled must not keep a waiting sender from waiting: it would spin, and the driver never run.
#[tokio::test]
async fn a_caller_s_own_cancellation_does_not_disturb_who_waits_for_room() {
    let mut config = config();
    config.output_bytes = 256;
    let mut daemon = Daemon::with(config, 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    responder.session().cancellation().cancel();
    assert!(!responder.session().cancellation().is_cancelled());
    let sender = tokio::spawn(async move {
        for n in 0..50 {
            responder.send(&n).await.unwrap();
        }
        responder.finish().unwrap();
    });
    for n in 0..50 {
        assert_eq!(daemon.read().await["data"]["data"], n);
    }
    assert_eq!(daemon.read().await["data"]["type"], "end");
    sender.await.unwrap();
}
