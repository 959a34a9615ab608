//! The connection that the process serves now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dify_plugin_protocol::LogData;
use dify_plugin_session::Handle;

/// A handle to whichever connection the process serves now. The log, the signals and the exit guard hold this, so that they
/// outlive a connection and go on with the next.
#[derive(Clone, Default)]
pub(super) struct Current(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    handle: Option<Handle>,
    /// Counts the connections, so that one can be told from the next.
    number: u64,
    is_shutting_down: bool,
    /// A thread has decided how the process ends.
    is_ending: bool,
}

impl Current {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `handle` the current connection until the returned guard is dropped. After [`Current::shut_down`], a new
    /// connection is shut down at once.
    pub(super) fn attach(&self, handle: Handle) -> Attached {
        let mut state = self.state();
        state.number += 1;
        state.handle = Some(handle.clone());
        let (number, is_shutting_down) = (state.number, state.is_shutting_down);
        // A shutdown may log, and the log takes this lock.
        drop(state);
        if is_shutting_down {
            handle.shutdown();
        }
        Attached { current: self.clone(), number }
    }

    /// Shuts the current connection down, and each that comes after it.
    pub(super) fn shut_down(&self) {
        let handle = {
            let mut state = self.state();
            state.is_shutting_down = true;
            state.handle.clone()
        };
        if let Some(handle) = handle {
            handle.shutdown();
        }
    }

    /// Returns `true` to the first caller alone: the thread that decides how the process ends.
    pub(super) fn claim_end(&self) -> bool {
        !std::mem::replace(&mut self.state().is_ending, true)
    }

    /// Closes the current connection at once.
    pub(super) fn close(&self) {
        let handle = self.state().handle.clone();
        if let Some(handle) = handle {
            handle.close();
        }
    }

    /// Returns whether a connection is being served.
    pub(super) fn is_attached(&self) -> bool {
        self.state().handle.is_some()
    }

    fn is_attached_to(&self, number: u64) -> bool {
        let state = self.state();
        state.number == number && state.handle.is_some()
    }

    /// Sends a record to the daemon's log. Without a connection it is lost, as it is when the pipe is full.
    pub(super) fn log(&self, record: &LogData) {
        let handle = self.state().handle.clone();
        if let Some(handle) = handle {
            handle.log(record);
        }
    }
}

/// Keeps a connection the current one until it is dropped.
pub(super) struct Attached {
    current: Current,
    number: u64,
}

impl Attached {
    /// Returns a check, for another thread, of whether the connection is still being served.
    pub(super) fn is_served(&self) -> impl Fn() -> bool + Send + 'static {
        let (current, number) = (self.current.clone(), self.number);
        move || current.is_attached_to(number)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut state = self.current.state();
        if state.number == self.number {
            state.handle = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_session::{Config, Connection};

    use super::*;

    fn connection() -> Connection {
        let mut config = Config::default();
        config.heartbeat_interval = None;
        Connection::new(tokio::io::empty(), tokio::io::sink(), config)
    }

    #[tokio::test]
    async fn a_connection_is_current_until_its_guard_is_dropped() {
        let current = Current::default();
        assert!(!current.is_attached());
        let first = connection();
        let attached = current.attach(first.handle());
        let is_served = attached.is_served();
        assert!(current.is_attached() && is_served());
        drop(attached);
        assert!(!current.is_attached() && !is_served());
        let second = connection();
        let _attached = current.attach(second.handle());
        assert!(current.is_attached() && !is_served(), "the first one is not served any more");
    }

    #[test]
    fn only_the_first_thread_decides_how_the_process_ends() {
        let current = Current::default();
        assert!(current.claim_end());
        assert!(!current.clone().claim_end());
    }

    #[tokio::test]
    async fn a_shutdown_covers_the_current_connection_and_those_that_follow() {
        let current = Current::default();
        // Their input never ends, so only the shutdown can end them.
        let (_daemon, input) = tokio::io::duplex(64);
        let mut first = Connection::new(input, tokio::io::sink(), Config::default());
        let attached = current.attach(first.handle());
        current.shut_down();
        assert!(first.accept().await.unwrap().is_none());
        drop(attached);
        let (_daemon, input) = tokio::io::duplex(64);
        let mut second = Connection::new(input, tokio::io::sink(), Config::default());
        let _attached = current.attach(second.handle());
        assert!(second.accept().await.unwrap().is_none());
    }
}
