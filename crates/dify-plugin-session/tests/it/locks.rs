//! Foreign code runs without the lock of the core: it may call back into the connection, which takes it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use dify_plugin_session::protocol::InvokeType;
use dify_plugin_session::{Connection, Handle};
use serde_json::json;
use tracing::span;

use crate::daemon::{Daemon, config, request};

/// Asks for the connection's figures at each callback. If that ran under the lock, it would deadlock.
#[derive(Clone, Default)]
struct Nosy {
    handle: Arc<Mutex<Option<Handle>>>,
    told: Arc<Mutex<Vec<&'static str>>>,
}

impl Nosy {
    fn look(&self, what: &'static str) {
        if let Some(handle) = &*self.handle.lock().unwrap() {
            handle.stats();
        }
        self.told.lock().unwrap().push(what);
    }

    fn told(&self, what: &str) -> usize {
        self.told.lock().unwrap().iter().filter(|told| **told == what).count()
    }
}

impl tracing::Subscriber for Nosy {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("dify_plugin") && *metadata.level() <= tracing::Level::DEBUG
    }
    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.look(span.metadata().name());
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {
        self.look("event");
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
    fn try_close(&self, _: span::Id) -> bool {
        self.look("closed");
        true
    }
}

/// There is one span for each session and each call, and nothing for each message.
#[tokio::test]
async fn a_subscriber_may_ask_for_figures_at_any_time() {
    let nosy = Nosy::default();
    let _default = tracing::subscriber::set_default(nosy.clone());
    let mut daemon = Daemon::with(config(), 4096);
    *nosy.handle.lock().unwrap() = Some(daemon.handle.clone());
    let (_, responder) = daemon.open("s").await.into_parts();
    let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
    let id = daemon.read_call().await;
    for n in 0..50 {
        daemon.respond("s", &id, &n.to_string()).await;
        responder.send(&n).await.unwrap();
        replies.try_next().await.unwrap();
    }
    daemon.end_call("s", &id).await;
    assert!(replies.try_next().await.unwrap().is_none());
    assert_eq!((nosy.told("session"), nosy.told("invoke"), nosy.told("event")), (1, 1, 0));
    drop(replies);
    responder.finish().unwrap();
    assert_eq!(nosy.told("closed"), 2);
    // Closed all at once: the spans of those that are open go with them.
    let _open = daemon.open("t").await.into_parts().0;
    daemon.driver.abort();
    let _ = (&mut daemon.driver).await;
    assert_eq!(nosy.told("closed"), 3);
}

#[tokio::test]
async fn a_dropped_request_is_logged_once_without_the_lock() {
    let nosy = Nosy::default();
    let _default = tracing::subscriber::set_default(nosy.clone());
    let mut config = config();
    config.max_sessions = 0;
    config.output_bytes = 64;
    let mut daemon = Daemon::with(config, 64);
    *nosy.handle.lock().unwrap() = Some(daemon.handle.clone());
    // Junk was dropped before; that a request is, must be said all the same.
    for _ in 0..10 {
        daemon.line("junk").await;
    }
    let mut input = daemon.input.take().unwrap();
    let lines: String = (0..100_020).map(|n| request(&n.to_string()) + "\n").collect();
    tokio::io::AsyncWriteExt::write_all(&mut input, lines.as_bytes()).await.unwrap();
    while daemon.handle.stats().refused_requests < 100_020 {
        tokio::task::yield_now().await;
    }
    assert_eq!(nosy.told("event"), 1);
}

struct Looks(Handle, Mutex<usize>);

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        self.0.stats();
        *self.1.lock().unwrap() += 1;
    }
}

#[tokio::test]
async fn a_waker_for_the_end_of_a_session_may_ask_for_figures() {
    let mut daemon = Daemon::with(config(), 4096);
    let (_, responder) = daemon.open("s").await.into_parts();
    let looks = Arc::new(Looks(daemon.handle.clone(), Mutex::new(0)));
    let waker = Waker::from(looks.clone());
    let token = responder.session().cancellation();
    let mut cancelled = pin!(token.cancelled());
    assert!(cancelled.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    responder.finish().unwrap();
    assert_eq!(*looks.1.lock().unwrap(), 1);
    tokio::time::timeout(Duration::from_secs(5), cancelled).await.unwrap();
}

/// Runs something when it is dropped, which under a lock that this needs would wait for ever.
struct OnDrop(Option<Box<dyn FnOnce() + Send + Sync>>);

impl OnDrop {
    fn waker(run: impl FnOnce() + Send + Sync + 'static) -> Waker {
        Waker::from(Arc::new(Self(Some(Box::new(run)))))
    }
}

impl Wake for OnDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.take().unwrap()();
    }
}

/// Runs `scenario` on a thread of its own and fails if that hangs.
fn does_not_hang(scenario: impl Future<Output = ()> + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(scenario);
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("it ends, and without a panic");
}

#[test]
fn the_waker_of_a_reader_that_moved_is_dropped_without_a_lock() {
    does_not_hang(async {
        let mut daemon = Daemon::with(config(), 4096);
        let (_, responder) = daemon.open("s").await.into_parts();
        let mut replies = responder.session().invoke(InvokeType::App, &json!({})).await.unwrap();
        let was_dropped = Arc::new(Mutex::new(false));
        let drops = was_dropped.clone();
        // Ending the session takes the lock of the core and those of its calls.
        let waker = OnDrop::waker(move || {
            responder.finish().unwrap();
            *drops.lock().unwrap() = true;
        });
        assert!(pin!(replies.next()).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(!*was_dropped.lock().unwrap());
        let _ = pin!(replies.next()).poll(&mut Context::from_waker(Waker::noop()));
        assert!(*was_dropped.lock().unwrap());
        assert!(replies.try_next().await.is_err(), "the session has ended");
    });
}

#[test]
fn the_waker_of_a_driver_that_moved_is_dropped_without_a_lock() {
    does_not_hang(async {
        let (_input, reader) = tokio::io::duplex(64);
        let mut connection = Connection::new(reader, tokio::io::sink(), config());
        let handle = connection.handle();
        let was_dropped = Arc::new(Mutex::new(false));
        let drops = was_dropped.clone();
        let waker = OnDrop::waker(move || {
            handle.stats();
            *drops.lock().unwrap() = true;
        });
        assert!(connection.poll_accept(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        for _ in 0..2 {
            assert!(connection.poll_accept(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert!(*was_dropped.lock().unwrap());
    });
}
