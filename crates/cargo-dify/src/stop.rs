//! The user's requests to stop: Ctrl-C and SIGTERM.

use crate::error::{Context, Error};

/// Listens for Ctrl-C, and on Unix also SIGTERM, from its creation on.
#[derive(Debug)]
pub(crate) struct Stop {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    ctrl_c: tokio::signal::windows::CtrlC,
}

impl Stop {
    #[cfg(unix)]
    pub(crate) fn new() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    #[cfg(windows)]
    pub(crate) fn new() -> Result<Self, Error> {
        Ok(Self { ctrl_c: tokio::signal::windows::ctrl_c().context("cannot listen for Ctrl-C")? })
    }

    /// Waits for the next request to stop. Cancel safe.
    pub(crate) async fn asked(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        let _ = self.ctrl_c.recv().await;
    }
}
