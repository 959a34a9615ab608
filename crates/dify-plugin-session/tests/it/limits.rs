//! Limits: what is dropped or refused, and in which order, when the daemon does not read.

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
async fn a_request_past_the_session_limit_is_refused() {
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
async fn a_flood_is_bounded_and_answered_once_the_daemon_reads() {
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
async fn junk_that_cannot_be_reported_is_dropped_and_counted() {
    let mut config = config();
    config.output_bytes = 512;
    let mut daemon = Daemon::with(config, 256);
    for _ in 0..100 {
        daemon.line("junk").await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let stats = daemon.handle.stats();
    assert!(stats.dropped_frames > 50 && stats.output_bytes < 2048, "{stats:?}");
}

/// A token that somebody cancelled must not keep a waiting sender from waiting: it would spin, and the driver never run.
#[tokio::test]
async fn a_cancelled_child_token_does_not_disturb_a_waiting_sender() {
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

/// A session keeps its ids and its caller's context as long as a handle to it exists.
#[tokio::test]
async fn what_a_session_keeps_counts() {
    let mut config = config();
    config.total_queue_bytes = 10_000;
    let mut daemon = Daemon::with(config, 1024);
    let with_context = |id: &str| {
        request(id).replace(r#""context":null"#, &format!(r#""context":{{"k":"{}"}}"#, "x".repeat(4000)))
    };
    let mut open = Vec::new();
    for id in ["one", "two"] {
        daemon.line(with_context(id)).await;
        let (payload, responder) = daemon.requests.recv().await.unwrap().into_parts();
        drop(payload);
        open.push(responder);
    }
    daemon.line(with_context("three")).await;
    assert_eq!(daemon.read_failure("three").await, "SessionLimitExceeded");
    let kept = open[0].session().clone();
    for responder in open {
        responder.finish().unwrap();
        daemon.read().await;
    }
    assert!(daemon.handle.stats().queued_bytes > 4000);
    drop(kept);
    assert_eq!(daemon.handle.stats().queued_bytes, 0);
}

/// Also when the text itself is dropped: what a handler has parsed from it takes as much.
#[tokio::test]
async fn a_payload_counts_until_its_responder_is_gone() {
    let mut daemon = Daemon::with(config(), 4096);
    daemon.line(request("s").replace("hunter2", &"x".repeat(4000))).await;
    let (payload, responder) = daemon.requests.recv().await.unwrap().into_parts();
    let length = payload.get().len();
    drop(payload);
    let held = daemon.handle.stats().queued_bytes;
    assert!(length > 4000 && held > length, "{held}");
    let session = responder.session().clone();
    responder.finish().unwrap();
    assert_eq!(daemon.handle.stats().queued_bytes, held - length);
    drop(session);
    assert_eq!(daemon.handle.stats().queued_bytes, 0);
}

/// A hundred sessions fail with long texts while the daemon does not read: the texts are dropped, the errors are not.
#[tokio::test(start_paused = true)]
async fn failures_that_wait_for_room_are_bounded_in_bytes() {
    let mut config = config();
    config.output_bytes = 1024;
    config.total_queue_bytes = 100_000;
    let mut daemon = Daemon::with(config, 256);
    let mut open = Vec::new();
    for n in 0..100 {
        open.push(daemon.open(&format!("s{n}")).await.into_parts().1);
    }
    for responder in open {
        let error = dify_plugin_session::protocol::ErrorData::new("Mine", "long ".repeat(2000));
        responder.fail(error).unwrap();
    }
    let stats = daemon.handle.stats();
    assert!(stats.queued_bytes <= 100_000 && stats.output_bytes < 130_000, "{stats:?}");
    let mut kinds = std::collections::HashMap::new();
    for _ in 0..100 {
        let error = daemon.read().await;
        let end = daemon.read().await;
        assert_eq!((&error["session_id"], &end["data"]["type"]), (&end["session_id"], &json!("end")));
        *kinds.entry(error["data"]["data"]["error_type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
    }
    assert!(kinds["Mine"] >= 5 && kinds["SessionLimitExceeded"] >= 50, "{kinds:?}");
    assert_eq!(daemon.handle.stats().queued_bytes, 0);
}

/// Junk and requests past the limit come without end; a handler can still send.
#[tokio::test]
async fn a_flood_of_junk_and_refusals_starves_nobody() {
    let mut config = config();
    config.output_bytes = 4096;
    config.max_sessions = 1;
    let mut daemon = Daemon::with(config, 4096);
    let (_, responder) = daemon.open("s").await.into_parts();
    let sender = tokio::spawn(async move {
        for n in 0..200 {
            responder.send(&format!("{n} {}", "x".repeat(1000))).await.unwrap();
        }
        responder.finish().unwrap();
    });
    let mut input = daemon.input.take().unwrap();
    let flood = tokio::spawn(async move {
        for n in 0.. {
            let lines = format!(
                "junk\n{}\n{{\"event\":\"request\",\"session_id\":\"bad-{n}\",\"data\":7}}\n",
                request(&format!("refused-{n}"))
            );
            if tokio::io::AsyncWriteExt::write_all(&mut input, lines.as_bytes()).await.is_err() {
                break;
            }
        }
    });
    let mut read = 0;
    let mut heard = 0;
    loop {
        let line = daemon.read().await;
        read += 1;
        assert!(read < 100_000, "of {read} lines only {heard} were the session's");
        if line["session_id"] == "s" {
            heard += 1;
            if line["data"]["type"] == "end" {
                break;
            }
        }
    }
    assert_eq!(heard, 201);
    sender.await.unwrap();
    flood.abort();
}

#[tokio::test]
async fn a_log_record_over_the_daemon_s_limit_is_dropped_and_counted() {
    let mut config = config();
    config.max_frame_bytes = 1000;
    let mut daemon = Daemon::with(config, 1024);
    let log = |text: &str| dify_plugin_session::protocol::LogData {
        level: dify_plugin_session::protocol::LogLevel::Info,
        message: text.to_owned(),
        timestamp: 0.0,
    };
    assert!(!daemon.handle.log(&log(&"x".repeat(1000))));
    assert!(daemon.handle.log(&log("short")));
    assert_eq!(daemon.read().await["data"]["message"], "short");
    assert_eq!(daemon.handle.stats().dropped_logs, 1);
}

/// An `error` event describes what is wrong with a frame, and must not be as long as the frame.
#[tokio::test]
async fn an_error_event_is_short_however_long_the_frame_is() {
    let mut daemon = Daemon::with(config(), 1024);
    daemon.line(format!(r#"{{"event":"request","session_id":"s","{}":1,"data":7}}"#, "k".repeat(9000))).await;
    daemon.line(format!(r#"{{"event":"{}","session_id":"","data":{{}}}}"#, "e".repeat(9000))).await;
    for _ in 0..2 {
        let mut line = daemon.read().await;
        while line["event"] != "error" {
            line = daemon.read().await;
        }
        assert!(line.to_string().len() < 1200, "{}", line.to_string().len());
    }
}

/// Zero means as little as possible, never that nothing works.
#[tokio::test(start_paused = true)]
async fn zeros_in_the_configuration_are_replaced_by_the_least_that_works() {
    let mut config = config();
    config.output_bytes = 0;
    config.reply_queue_bytes = 0;
    config.heartbeat_interval = Some(Duration::ZERO);
    let mut daemon = Daemon::with(config, 64);
    daemon.line(request("s")).await;
    let (_, responder) = daemon.requests.recv().await.unwrap().into_parts();
    let sender = tokio::spawn(async move {
        responder.send(&1).await.unwrap();
        responder.finish().unwrap();
    });
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "end") {
        let line = daemon.read().await;
        if line["event"] == "session" {
            kinds.push(line["data"]["type"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(kinds, ["stream", "end"]);
    sender.await.unwrap();
}

/// Past the ids that are remembered, a request is dropped and counted, and the first is logged.
#[tokio::test]
async fn refusals_are_remembered_up_to_a_bound() {
    let mut config = config();
    config.max_sessions = 1;
    config.output_bytes = 64;
    let mut daemon = Daemon::with(config, 64);
    let _open = daemon.open("open").await;
    let mut input = daemon.input.take().unwrap();
    let lines: String = (0..100_020).map(|n| request(&n.to_string()) + "\n").collect();
    tokio::io::AsyncWriteExt::write_all(&mut input, lines.as_bytes()).await.unwrap();
    while daemon.handle.stats().refused_requests < 100_020 {
        tokio::task::yield_now().await;
    }
    let stats = daemon.handle.stats();
    assert!((1..=20).contains(&stats.dropped_frames), "{stats:?}");
}
