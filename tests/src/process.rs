//! A process that doesn't outlive its test, and doesn't hang it.

use std::fmt;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};

/// How long a plugin may live before it is killed, so that a hang becomes a failure. Tests don't depend on it in any other way.
pub(crate) const LIFETIME: Duration = Duration::from_secs(120);

/// A process that doesn't outlive its test.
pub struct Process {
    child: Child,
    _alarm: Alarm,
}

impl Process {
    /// Takes over a child that leads a group of its own, and kills it if it lives longer than two minutes.
    pub fn new(child: Child) -> Self {
        Self::living(child, LIFETIME)
    }

    /// Does the same as [`new`](Self::new), with another limit.
    pub(crate) fn living(child: Child, lifetime: Duration) -> Self {
        Self { _alarm: Alarm::set(&child, lifetime), child }
    }

    /// Returns its id, which is also that of its group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    ///
    /// # Panics
    ///
    /// Panics if it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(pid(&self.child), signal).expect("the plugin lives");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the plugin is our child")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Before it is reaped, so that no other process can have its id.
        if let Ok(None) = self.child.try_wait() {
            kill_group(pid(&self.child));
        }
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.child.id())
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process id is not zero")
}

fn kill_group(group: Pid) {
    // It may have ended just now.
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

/// Kills a process that runs too long, unless this is dropped first.
struct Alarm {
    _stop: mpsc::Sender<()>,
}

impl Alarm {
    fn set(child: &Child, lifetime: Duration) -> Self {
        let group = pid(child);
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            if stopped.recv_timeout(lifetime) == Err(RecvTimeoutError::Timeout) {
                kill_group(group);
            }
        });
        Self { _stop: stop }
    }
}
