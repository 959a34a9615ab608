//! How the process ends: its exit codes and its last line on stderr.

use std::io::{self, Write};

use super::current::Current;

/// The exit code of a broken connection.
pub(super) const BROKEN: u8 = 1;

/// The exit code of a plugin that was not set up, or not started, as it should be.
pub(super) const MISUSED: u8 = 2;

/// The daemon keeps that much of stderr to report why a plugin failed (`internal/core/local_runtime/instance.go`).
const LAST_LINE_BYTES: usize = 1024;

/// Lets the first thread decide how the process ends; the others wait here for the exit. Closing the connection lets the main
/// thread return, and its exit code would say that all is well.
pub(super) fn decide_end(current: &Current) {
    if !current.claim_end() {
        loop {
            std::thread::park();
        }
    }
}

/// Ends the process from any thread. The connection should be closed, since nothing is dropped here.
pub(super) fn exit_now(why: &str) -> ! {
    last_line(why);
    std::process::exit(BROKEN.into());
}

/// Writes the last line on stderr: why the process ends. It is short enough for the daemon to keep it whole.
pub(super) fn last_line(text: &str) {
    let mut line = format!("dify-plugin: {}", text.replace('\n', " "));
    line.truncate(line.floor_char_boundary(LAST_LINE_BYTES - 1));
    line.push('\n');
    // Without stderr, nobody could read why.
    let _ = io::stderr().write_all(line.as_bytes());
}
