//! The process that answers now, while others before it finish their calls and others after it are being started.

use std::sync::Arc;

use dify_plugin_host::Host;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

use crate::narrator::Note;
use crate::route::Routes;

/// One process of the plugin, with what was declared when it was started.
pub(crate) struct Generation {
    pub(crate) host: Host,
    /// `None` if no endpoints are declared.
    pub(crate) settings: Option<Map<String, Value>>,
    pub(crate) routes: Routes,
    pub(crate) notes: mpsc::UnboundedSender<Note>,
    /// Its receivers are the calls that are under way.
    calls: watch::Sender<()>,
}

impl Generation {
    pub(crate) fn new(
        host: Host,
        settings: Option<Map<String, Value>>,
        routes: Routes,
        notes: mpsc::UnboundedSender<Note>,
    ) -> Self {
        Self { host, settings, routes, notes, calls: watch::Sender::new(()) }
    }

    /// How many calls are under way.
    pub(crate) fn calls(&self) -> usize {
        self.calls.receiver_count()
    }

    /// Waits until no call is under way. None begins once another generation answers.
    pub(crate) async fn finished(&self) {
        self.calls.closed().await;
    }
}

/// Who answers.
enum State {
    Running(Arc<Generation>),
    /// Nobody yet: a process is being started, or soon will be.
    Starting,
    /// Nobody, since the last one could not be started.
    Down,
}

/// Who answers now. Clones are the same.
#[derive(Clone)]
pub(crate) struct Current(Arc<watch::Sender<State>>);

/// Nobody answers, and nobody is about to.
pub(crate) struct Down;

impl Current {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::Starting)))
    }

    /// From here on `generation` answers.
    pub(crate) fn run(&self, generation: &Arc<Generation>) {
        self.0.send_replace(State::Running(Arc::clone(generation)));
    }

    /// From here on calls wait.
    pub(crate) fn wait(&self) {
        self.0.send_replace(State::Starting);
    }

    /// From here on calls are refused.
    pub(crate) fn refuse(&self) {
        self.0.send_replace(State::Down);
    }

    /// The process for a call; waits while it is being started.
    pub(crate) async fn lease(&self) -> Result<Lease, Down> {
        let mut state = self.0.subscribe();
        loop {
            match &*state.borrow_and_update() {
                // Counted while no other can take over. One that has ended is soon replaced.
                State::Running(generation) if generation.host.pid().is_some() => {
                    let call = generation.calls.subscribe();
                    return Ok(Lease { generation: Arc::clone(generation), _call: call });
                }
                State::Running(_) | State::Starting => {}
                State::Down => return Err(Down),
            }
            if state.changed().await.is_err() {
                return Err(Down);
            }
        }
    }
}

/// A call under way; while it is held its process is not ended for another to answer.
pub(crate) struct Lease {
    pub(crate) generation: Arc<Generation>,
    _call: watch::Receiver<()>,
}
