//! Warnings that are logged once per process.

use std::fmt;
use std::sync::{Mutex, Once, PoisonError};

use dify_plugin_app::{FileInput, FileType};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use crate::daemon::{FINISHED, HELLO, MESSAGE_END, STARTED, call, drain, whole};

/// All warnings of this process, whichever test caused them.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Listener;

impl<S: tracing::Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            let mut text = Text(String::new());
            event.record(&mut text);
            HEARD.lock().unwrap_or_else(PoisonError::into_inner).push(text.0);
        }
    }
}

struct Text(String);

impl tracing::field::Visit for Text {
    fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0 = format!("{value:?}");
    }
}

/// Starts to record warnings. Must be called before the first one, since each is logged only once.
pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Listener)).unwrap();
    });
}

fn heard(about: &str) -> usize {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|text| text.contains(about)).count()
}

#[tokio::test(start_paused = true)]
async fn files_that_the_daemon_drops_are_warned_about_once() {
    for _ in 0..2 {
        let file = FileInput::remote_url(FileType::Image, "https://example.com/a.png");
        let events = whole(&[HELLO, MESSAGE_END]);
        call(&events, async |apps| apps.chat("a").query("q").files([file]).answer().await).await.unwrap();
    }
    assert_eq!(heard("the plugin daemon drops the `files`"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_through_the_interface_of_another_kind_is_warned_about_once() {
    for _ in 0..2 {
        let events = whole(&[STARTED, FINISHED]);
        call(&events, async |apps| drain(apps.chat("a").query("q").stream().await.unwrap()).await).await;
    }
    assert_eq!(heard("is a Workflow, but was called with `chat(id)`; call it with `workflow(id)`"), 1);
}
