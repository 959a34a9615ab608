//! Threads that end the process while handlers hold every worker: on a second signal, after the grace, and when the daemon
//! closes the connection.

use std::io;
use std::time::Duration;

use dify_plugin_session::Handle;
use tokio::runtime::Builder;

use super::current::{Attached, Current};
use super::exit::{decide_end, exit_now};
use crate::error::with_sources;

/// How long the session layer gives the daemon, after the grace, to read the last frames of failed sessions.
const LAST_FRAMES_TIME: Duration = Duration::from_secs(1);

/// Enough for a thread that mostly waits.
const STACK_BYTES: usize = 131_072;

/// How long a busy runtime may take to notice that a connection is over.
const NOTICE: Duration = Duration::from_millis(500);

/// Ends the process when the connection is closed and the runtime does not notice, because handlers hold every worker.
pub(super) fn watch_connection(handle: Handle, current: Current, attached: &Attached) -> io::Result<()> {
    let is_served = attached.is_served();
    thread("exit", move || {
        // Its own runtime: handlers may hold every worker of the other.
        let Ok(runtime) = Builder::new_current_thread().build() else { return };
        let Err(cause) = runtime.block_on(handle.closed()) else { return };
        std::thread::sleep(NOTICE);
        if is_served() {
            decide_end(&current);
            handle.close();
            exit_now(&format!("{}; handlers blocked every worker", with_sources(&cause)));
        }
    })
}

/// Shuts down on the first SIGTERM or SIGINT, which lets open sessions finish, and exits on the second. A thread of its own
/// waits for them: handlers may hold every worker.
#[cfg(unix)]
pub(super) fn watch_signals(current: Current, grace: Duration) {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let watched = Signals::new([SIGTERM, SIGINT]).and_then(|mut signals| {
        thread("signals", move || {
            let mut signals = signals.forever();
            if signals.next().is_none() {
                return;
            }
            current.shut_down();
            limit_grace(current.clone(), grace);
            if signals.next().is_some() && current.is_attached() {
                decide_end(&current);
                current.close();
                exit_now("a second signal came while sessions were finishing");
            }
        })
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "cannot listen to signals; SIGTERM and SIGINT end the plugin at once");
    }
}

/// Exits when the grace is over. The session layer ends everything in that time, unless its driver never gets a turn.
#[cfg(unix)]
fn limit_grace(current: Current, grace: Duration) {
    let patience = grace.saturating_add(LAST_FRAMES_TIME).saturating_add(NOTICE);
    let limited = thread("grace", move || {
        std::thread::sleep(patience);
        if current.is_attached() {
            decide_end(&current);
            current.close();
            exit_now(
                "the plugin shut down before it was done: handlers blocked every worker past DIFY_PLUGIN_SHUTDOWN_GRACE",
            );
        }
    });
    if let Err(error) = limited {
        tracing::warn!(%error, "cannot start a thread; handlers that hold every worker can delay the exit");
    }
}

#[cfg(not(unix))]
pub(super) fn watch_signals(current: Current, _: Duration) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            current.shut_down();
        }
    });
}

/// Starts a thread that mostly waits.
fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(run).map(drop)
}
