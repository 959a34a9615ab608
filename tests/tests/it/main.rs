//! Whole plugins on real pipes, one process per test; the daemon on the other end writes literal bytes.

#![cfg(unix)]

mod circles;
mod configuration;
mod drain;
mod ends;
mod faults;
#[cfg(target_os = "linux")]
mod flood;
mod hostile;
mod input;
mod layers;
mod ledger;
mod lifetime;
#[cfg(target_os = "linux")]
mod measure;
mod oversize;
#[cfg(target_os = "linux")]
mod panics;
mod replies;
#[cfg(target_os = "linux")]
mod rogue;
mod scale;
mod secrets;
mod stray;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::time::{Duration, Instant};

use scenarios::{Daemon, Launch, example, lines};

/// The plugin whose tools misbehave.
fn odd() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_odd"))
}

/// The plugin that uses only the multiplexer.
fn bare() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_bare"))
}

/// The example plugin, as it is.
fn bench() -> Launch {
    Launch::new(example("bench"))
}

/// Returns a call of a tool of `odd` without parameters.
fn ask(daemon: &mut Daemon, session: &str, tool: &str) {
    daemon.line(lines::tool(session, "odd", tool, "{}"));
}

/// Returns the text of a tool's `text` message.
fn text(message: &serde_json::Value) -> &str {
    assert_eq!((&message["type"], &message["data"]["type"]), (&"stream".into(), &"text".into()), "{message}");
    message["data"]["message"]["text"].as_str().expect("a text message has a text")
}

/// Asserts that the next valid request is answered.
fn still_answers(daemon: &mut Daemon) {
    ask(daemon, "good", "println");
    let messages = daemon.until_end("good");
    assert_eq!(messages.iter().map(text).collect::<Vec<_>>(), ["clean"]);
}

/// A named pipe, whose reader waits until it is opened here and closed again.
struct Fifo {
    path: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Fifo {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo starts");
        assert!(made.success());
        Self { path, _folder: folder }
    }

    /// Returns the parameters of a tool that waits for it.
    fn parameters(&self) -> String {
        serde_json::json!({"fifo": self.path}).to_string()
    }

    /// Releases one reader, once it has opened the pipe.
    fn release(&self) {
        let limit = Instant::now() + Duration::from_secs(60);
        // A blocking open would wait forever for a reader that has ended.
        while let Err(error) = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(&self.path) {
            assert!(Instant::now() < limit, "nobody reads the pipe: {error}");
            std::thread::yield_now();
        }
    }
}
