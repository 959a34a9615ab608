//! Streams of events.

use std::time::Duration;

use dify_plugin_app::{AppError, AppEvent, AppKind, Apps};
use dify_plugin_session::InvokeError;
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt};

use crate::daemon::Reply::{End, Error, Response};
use crate::daemon::{Daemon, FINISHED, HELLO, LO, MESSAGE_END, STARTED, call, drain, whole};

#[tokio::test(start_paused = true)]
async fn events_arrive_unchanged() {
    let odd = r#"{ "event" : "a_future_event", "big":12345678901234567890 , "x":1.50}"#;
    let events = call(&whole(&[HELLO, odd, r#"{"event":"ping"}"#, LO, MESSAGE_END]), async |apps| {
        apps.chat("a").query("q").stream().await.unwrap().try_collect::<Vec<_>>().await.unwrap()
    })
    .await;
    let raw: Vec<_> = events.iter().map(|event| event.raw()).collect();
    assert_eq!(raw, [HELLO, odd, r#"{"event":"ping"}"#, LO, MESSAGE_END]);
    assert_eq!((events[0].answer(), events[3].answer()), (Some("Hel"), Some("lo <3")));
    assert_eq!((events[1].name(), events[1].answer()), ("a_future_event", None));
    assert!(matches!(events[1].decode(), Ok(AppEvent::Unknown(_))));
    let Ok(AppEvent::MessageEnd(end)) = events[4].decode() else { panic!() };
    assert_eq!(end.metadata.unwrap().usage.unwrap().total_tokens, Some(10));
    assert_eq!((events[0].conversation_id(), events[0].message_id()), (Some("c"), Some("m")));
}

#[tokio::test(start_paused = true)]
async fn an_event_is_returned_before_the_next_one_is_sent() {
    let (mut daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session());
    let (stream, id) = tokio::join!(apps.chat("a").query("q").stream(), daemon.play(&[Response(HELLO)]));
    let mut stream = stream.unwrap();
    assert_eq!(stream.try_next().await.unwrap().unwrap().answer(), Some("Hel"));
    assert!(stream.next().now_or_never().is_none());
    daemon.reply(&id, &Response(LO)).await;
    assert_eq!(stream.try_next().await.unwrap().unwrap().answer(), Some("lo <3"));
}

#[tokio::test(start_paused = true)]
async fn the_first_final_event_does_not_end_the_stream() {
    for order in [[MESSAGE_END, FINISHED], [FINISHED, MESSAGE_END]] {
        let (names, error) = call(&whole(&[HELLO, order[0], order[1]]), async |apps| {
            drain(apps.chat("a").query("q").stream().await.unwrap()).await
        })
        .await;
        assert_eq!((names.len(), error.map(|error| error.to_string())), (3, None), "{names:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_error_in_place_of_a_stream() {
    let denied = "permission denied, you need to enable app access in plugin manifest";
    let error = call(&[Error(denied), End], async |apps| apps.chat("a").query("q").stream().await).await;
    assert!(error.unwrap_err().is_permission_denied());
}

#[tokio::test(start_paused = true)]
async fn a_stream_can_be_returned_before_its_first_event() {
    let (mut daemon, responder) = Daemon::start().await;
    let mut events =
        std::pin::pin!(Apps::new(responder.session()).chat("a").query("q").stream().try_flatten_stream());
    assert!(events.next().now_or_never().is_none());
    let replies = whole(&[HELLO, MESSAGE_END]);
    let (first, _) = tokio::join!(events.next(), daemon.play(&replies));
    assert_eq!(first.unwrap().unwrap().answer(), Some("Hel"));
}

#[tokio::test(start_paused = true)]
async fn a_call_fails_after_its_idle_timeout_and_an_event_restarts_it() {
    let (mut daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session()).idle_timeout(Duration::from_secs(1000));
    let call = apps.chat("a").query("q").idle_timeout(Duration::from_secs(10));
    let start = tokio::time::Instant::now();
    let (stream, id) = tokio::join!(call.stream(), daemon.play(&[Response(HELLO)]));
    tokio::time::sleep(Duration::from_secs(8)).await;
    daemon.reply(&id, &Response(LO)).await;
    let (names, error) = drain(stream.unwrap()).await;
    assert_eq!(names, ["message", "message"]);
    let Some(AppError::Call { source: InvokeError::TimedOut { after, .. }, received }) = error else {
        panic!("{error:?}")
    };
    assert_eq!((after, start.elapsed().as_secs()), (Duration::from_secs(10), 18));
    assert_eq!((received.events, received.conversation_id.as_deref()), (2, Some("c")));
}

#[tokio::test(start_paused = true)]
async fn the_idle_timeout_of_apps_applies_to_calls_without_one() {
    let (_daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session()).idle_timeout(Duration::from_secs(3));
    let start = tokio::time::Instant::now();
    let error = apps.fetch("a").await.unwrap_err();
    assert!(matches!(error, AppError::Call { source: InvokeError::TimedOut { .. }, .. }), "{error:?}");
    assert!(error.is_retryable());
    let error = apps.workflow("a").blocking().await.unwrap_err();
    assert!(matches!(error, AppError::Call { source: InvokeError::TimedOut { .. }, .. }), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_withdraws_its_call() {
    let (mut daemon, responder) = Daemon::start().await;
    let apps = Apps::new(responder.session());
    let (stream, id) = tokio::join!(apps.workflow("a").stream(), daemon.play(&[Response(STARTED)]));
    let stream = stream.unwrap();
    assert_eq!((daemon.open_calls(), stream.kind()), (1, Some(AppKind::Workflow)));
    drop(stream);
    assert_eq!(daemon.open_calls(), 0);
    daemon.reply(&id, &Response(FINISHED)).await;
    daemon.reply(&id, &End).await;
    let replies = whole(&[STARTED, FINISHED]);
    let (run, _) = tokio::join!(apps.workflow("a").answer(), daemon.play(&replies));
    assert_eq!(run.unwrap().finished().unwrap().outputs["result"], "quack");
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_a_stream_without_an_error() {
    let paused = r#"{"event":"workflow_paused","workflow_run_id":"r","data":{"reasons":[{"TYPE":"human_input_required","form_id":"f"}],"status":"paused"}}"#;
    let (names, error) = call(&whole(&[STARTED, paused]), async |apps| {
        drain(apps.workflow("a").stream().await.unwrap()).await
    })
    .await;
    assert_eq!((names.last().map(String::as_str), error.is_none()), (Some("workflow_paused"), true));
}

#[test]
fn streams_and_calls_can_move_between_threads() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<dify_plugin_app::AppStream>();
    check::<dify_plugin_app::ChatCall>();
    check::<dify_plugin_app::Event>();
    check::<AppError>();
}
