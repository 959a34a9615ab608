//! How a connection ends: with its input, with its output, or by a shutdown.

use std::time::Duration;

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{Config, Connection, ConnectionError, InvokeError, SendError};
use serde_json::json;

use crate::daemon::{Daemon, config, request};

#[tokio::test(start_paused = true)]
async fn at_the_end_of_input_open_sessions_finish_and_open_calls_fail() {
    let mut daemon = Daemon::with(config(), 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    daemon.read_call().await;
    daemon.hang_up();
    let error = replies.try_next().await.unwrap_err();
    assert!(matches!(&error, InvokeError::Closed(None)), "{error}");
    let again = responder.session().invoke(InvokeType::App, &json!({})).await;
    assert!(matches!(again, Err(InvokeError::Closed(_))));
    assert!(!daemon.driver.is_finished());
    tokio::time::sleep(Duration::from_secs(60)).await;
    responder.send("late but heard").await.unwrap();
    responder.finish().unwrap();
    assert_eq!(daemon.read().await["data"]["data"], "late but heard");
    assert_eq!(daemon.read().await["data"]["type"], "end");
    assert_eq!(daemon.read_or_end().await, None);
    daemon.driver.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn after_the_end_of_input_a_handler_has_until_its_deadline() {
    let mut config = config();
    config.handler_deadline = Duration::from_secs(600);
    let mut daemon = Daemon::with(config, 1024);
    let started = tokio::time::Instant::now();
    let _held = daemon.open("s").await;
    daemon.hang_up();
    assert_eq!(daemon.read_failure("s").await, "DeadlineExceeded");
    assert_eq!(started.elapsed().as_secs(), 600);
    daemon.driver.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_connection_ends_with_its_input() {
    let mut daemon = Daemon::new();
    daemon.hang_up();
    assert_eq!(daemon.read_or_end().await, None);
    daemon.driver.await.unwrap().unwrap();
    daemon.handle.closed().await.unwrap();
}

#[tokio::test]
async fn a_whole_value_without_its_newline_counts_at_the_end() {
    let mut daemon = Daemon::new();
    daemon.write(request("s")).await;
    daemon.hang_up();
    let request = daemon.requests.recv().await.unwrap();
    request.into_parts().1.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], "s");
    daemon.driver.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_end_inside_a_frame_is_an_error() {
    let mut daemon = Daemon::new();
    daemon.write(&request("s")[..50]).await;
    daemon.hang_up();
    assert_eq!(daemon.read().await["event"], "error");
    assert_eq!(daemon.read_failure("s").await, "InvalidRequest");
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::EndInsideFrame { bytes: 50 }), "{error}");
}

#[tokio::test]
async fn an_end_inside_a_frame_over_the_limit_is_an_error() {
    let mut config = config();
    config.max_line_bytes = 100;
    let mut daemon = Daemon::with(config, 1024);
    daemon.write("x".repeat(500)).await;
    daemon.hang_up();
    assert_eq!(daemon.read().await["event"], "error");
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::EndInsideFrame { bytes: 100 }), "{error}");
}

/// It is whole JSON and names its session, so it is answered as it would be with a newline.
#[tokio::test]
async fn a_whole_but_wrong_value_at_the_end_is_answered() {
    let mut daemon = Daemon::with(config(), 1024);
    daemon.write(r#"{"event":"request","session_id":"s","data":7}"#).await;
    daemon.hang_up();
    assert_eq!(daemon.read().await["event"], "error");
    assert_eq!(daemon.read_failure("s").await, "InvalidRequest");
    daemon.driver.await.unwrap().unwrap();
}

/// The deadline ended the session. The end of the input is not the cause.
#[tokio::test(start_paused = true)]
async fn a_session_past_its_deadline_reports_ended_even_after_the_end_of_input() {
    let mut daemon = Daemon::with(config(), 1024);
    let (_, responder) = daemon.open("s").await.into_parts();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _other = daemon.open("t").await;
    daemon.hang_up();
    assert_eq!(daemon.read_failure("s").await, "DeadlineExceeded");
    assert!(matches!(responder.finish(), Err(SendError::Ended)));
}

#[tokio::test(start_paused = true)]
async fn after_the_grace_the_connection_is_over_even_if_the_daemon_reads_nothing() {
    let mut config = config();
    config.output_bytes = 256;
    config.shutdown_grace = Duration::from_secs(10);
    let mut daemon = Daemon::with(config, 16);
    let _slow = daemon.open("slow").await;
    let started = tokio::time::Instant::now();
    daemon.handle.shutdown();
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 11);
    assert!(matches!(error, ConnectionError::ShutdownIncomplete { sessions: 1, unread: true }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_second_shutdown_gives_no_more_time() {
    let mut daemon = Daemon::with(config(), 1024);
    let _slow = daemon.open("slow").await;
    let started = tokio::time::Instant::now();
    daemon.handle.shutdown();
    tokio::time::sleep(Duration::from_secs(9)).await;
    daemon.handle.shutdown();
    let _ = daemon.read_failure("slow").await;
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::ShutdownIncomplete { sessions: 1, unread: false }), "{error}");
    assert_eq!(started.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_closed_output_ends_everything_at_once() {
    let (mut input, reader) = tokio::io::duplex(1024);
    let (writer, output) = tokio::io::duplex(64);
    let mut connection = Connection::new(reader, writer, config());
    tokio::io::AsyncWriteExt::write_all(&mut input, format!("{}\n", request("s")).as_bytes()).await.unwrap();
    let (_, responder) = connection.accept().await.unwrap().unwrap().into_parts();
    let session = responder.session().clone();
    let mut replies = session.invoke(InvokeType::App, &json!({})).await.unwrap();
    drop(output);
    for _ in 0..2 {
        assert!(matches!(connection.accept().await, Err(ConnectionError::OutputClosed)));
    }
    assert!(session.cancellation().is_cancelled());
    assert!(matches!(replies.try_next().await, Err(InvokeError::Closed(_))));
    assert!(matches!(session.send("x").await, Err(SendError::Closed(_))));
    assert!(matches!(responder.finish(), Err(SendError::Closed(_))));
}

#[tokio::test(start_paused = true)]
async fn shutdown_refuses_new_requests_and_fails_sessions_that_stay_open() {
    let mut config = config();
    config.shutdown_grace = Duration::from_secs(10);
    let mut daemon = Daemon::with(config, 1024);
    let (_, quick) = daemon.open("quick").await.into_parts();
    let _slow = daemon.open("slow").await;
    let started = tokio::time::Instant::now();
    daemon.handle.shutdown();
    daemon.line(request("new")).await;
    assert_eq!(daemon.read_failure("new").await, "Closed");
    // Replies still come while it drains.
    let mut replies = quick.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    let id = daemon.read_call().await;
    daemon.respond("quick", &id, "1").await;
    assert_eq!(replies.try_next().await.unwrap().unwrap().get(), "1");
    quick.finish().unwrap();
    assert_eq!(daemon.read().await["session_id"], "quick");
    assert_eq!(daemon.read_failure("slow").await, "Closed");
    assert_eq!(started.elapsed().as_secs(), 10);
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::ShutdownIncomplete { sessions: 1, unread: false }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn shutdown_after_the_end_of_input_still_limits_open_sessions() {
    let mut daemon = Daemon::with(config(), 1024);
    let _slow = daemon.open("slow").await;
    let started = tokio::time::Instant::now();
    daemon.hang_up();
    tokio::time::sleep(Duration::from_secs(1)).await;
    daemon.handle.shutdown();
    assert_eq!(daemon.read_failure("slow").await, "Closed");
    assert_eq!(started.elapsed().as_secs(), 11);
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::ShutdownIncomplete { sessions: 1, unread: false }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cut_short_does_not_hide_that_the_input_broke() {
    let mut daemon = Daemon::with(config(), 1024);
    let _slow = daemon.open("slow").await;
    daemon.write(&request("s")[..50]).await;
    daemon.hang_up();
    assert_eq!(daemon.read().await["event"], "error");
    assert_eq!(daemon.read_failure("s").await, "InvalidRequest");
    daemon.handle.shutdown();
    assert_eq!(daemon.read_failure("slow").await, "Closed");
    let error = daemon.driver.await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::EndInsideFrame { bytes: 50 }), "{error}");
}

#[tokio::test]
async fn a_dropped_connection_ends_its_sessions() {
    let (mut input, reader) = tokio::io::duplex(1024);
    let mut connection = Connection::new(reader, tokio::io::sink(), Config::default());
    tokio::io::AsyncWriteExt::write_all(&mut input, format!("{}\n", request("s")).as_bytes()).await.unwrap();
    let (_, responder) = connection.accept().await.unwrap().unwrap().into_parts();
    let handle = connection.handle();
    let waiter = tokio::spawn(async move { handle.closed().await });
    tokio::task::yield_now().await;
    assert!(!waiter.is_finished());
    drop(connection);
    waiter.await.unwrap().unwrap();
    let error = responder.send("x").await.unwrap_err();
    assert!(matches!(error, SendError::Closed(None)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn after_the_end_of_input_the_connection_ends_even_if_the_daemon_reads_nothing() {
    let mut daemon = Daemon::with(config(), 64);
    let (_, responder) = daemon.open("s").await.into_parts();
    responder.send(&"x".repeat(1000)).await.unwrap();
    daemon.hang_up();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(!daemon.driver.is_finished(), "the handler may run on");
    responder.finish().unwrap();
    let error = (&mut daemon.driver).await.unwrap().unwrap_err();
    assert!(matches!(error, ConnectionError::Unread), "{error}");
    // Anyone who asks later learns the same.
    assert!(matches!(daemon.handle.closed().await, Err(ConnectionError::Unread)));
}

/// Fails to read once there is nothing more.
struct Failing;

impl tokio::io::AsyncRead for Failing {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("the disk is on fire")))
    }
}

#[tokio::test]
async fn a_read_error_is_an_error_once_sessions_have_finished() {
    let (mut input, reader) = tokio::io::duplex(1024);
    let reader = tokio::io::AsyncReadExt::chain(tokio::io::AsyncReadExt::take(reader, 4096), Failing);
    let mut connection = Connection::new(reader, tokio::io::sink(), config());
    tokio::io::AsyncWriteExt::write_all(&mut input, format!("{}\n", request("s")).as_bytes()).await.unwrap();
    let (_, responder) = connection.accept().await.unwrap().unwrap().into_parts();
    drop(input);
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        responder.send("may still be read").await.unwrap();
        responder.finish().unwrap();
    });
    let error = connection.accept().await.unwrap_err();
    let ConnectionError::Read(source) = &error else { panic!("{error}") };
    assert_eq!(source.to_string(), "the disk is on fire");
}
