//! The process that serves calls now, while older ones finish their calls and a newer one is being started.

use std::sync::Arc;

use dify_plugin_host::Host;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, watch};

use crate::endpoints::Routes;
use crate::narrator::Note;

/// One process of the plugin, with the declarations it was started with.
pub(crate) struct Generation {
    pub(crate) host: Host,
    /// The settings of the endpoints; `None` if the plugin declares none.
    pub(crate) settings: Option<Map<String, Value>>,
    pub(crate) routes: Routes,
    pub(crate) notes: mpsc::UnboundedSender<Note>,
    /// Each open call holds a receiver.
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

    /// Returns the number of open calls.
    pub(crate) fn calls(&self) -> usize {
        self.calls.receiver_count()
    }

    /// Waits until no call is open. No new one begins once another generation serves.
    pub(crate) async fn finished(&self) {
        self.calls.closed().await;
    }
}

/// What serves calls.
enum State {
    Running(Arc<Generation>),
    /// Nothing yet: a process is being started, or soon will be.
    Starting,
    /// Nothing, because the last process could not be started.
    Down,
}

/// What serves calls now. Clones share it.
#[derive(Clone)]
pub(crate) struct Current(Arc<watch::Sender<State>>);

/// No process serves calls or is about to.
pub(crate) struct Down;

impl Current {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::Starting)))
    }

    /// Makes `generation` serve new calls.
    pub(crate) fn run(&self, generation: &Arc<Generation>) {
        self.0.send_replace(State::Running(Arc::clone(generation)));
    }

    /// Makes new calls wait.
    pub(crate) fn wait(&self) {
        self.0.send_replace(State::Starting);
    }

    /// Refuses new calls.
    pub(crate) fn refuse(&self) {
        self.0.send_replace(State::Down);
    }

    /// Returns the process for a call, and waits while it is being started.
    pub(crate) async fn lease(&self) -> Result<Lease, Down> {
        let mut state = self.0.subscribe();
        loop {
            match &*state.borrow_and_update() {
                // The state is borrowed, so no other process can take over before the call is counted. A process that has
                // ended is soon replaced.
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

/// An open call. Its process is not stopped while it is held.
pub(crate) struct Lease {
    pub(crate) generation: Arc<Generation>,
    _call: watch::Receiver<()>,
}
