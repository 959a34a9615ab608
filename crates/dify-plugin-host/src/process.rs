//! The plugin's process: its three pipes and its exit (`internal/core/local_runtime/instance.go`).

use std::sync::Arc;
use std::time::Duration;

use dify_plugin_protocol::frame::{Frame, FrameDecoder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::Child;
use tokio::task::JoinHandle;

use crate::error::{ExitCause, PluginExit};
use crate::event::HostEvent;
use crate::frame::beginning;
use crate::reverse;
use crate::shared::Shared;
use crate::tap::Direction;

const READ_BYTES: usize = 64 * 1024;

/// How long a process that closed its stdout may take to exit before it is killed, and how long the host waits for the rest of
/// its output after it exited (a child of its own may hold the pipes open).
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// Starts the tasks that serve `child`, which has three pipes.
pub(crate) fn serve(shared: &Arc<Shared>, mut child: Child) {
    let stdout = child.stdout.take().map(|pipe| tokio::spawn(read_stdout(Arc::clone(shared), pipe)));
    let stderr = child.stderr.take().map(|pipe| tokio::spawn(read_stderr(Arc::clone(shared), pipe)));
    if let Some(stdin) = child.stdin.take() {
        tokio::spawn(write_stdin(Arc::clone(shared), stdin));
    }
    tokio::spawn(supervise(Arc::clone(shared), child, stdout, stderr));
}

pub(crate) async fn write_stdin(shared: Arc<Shared>, mut stdin: impl AsyncWrite + Unpin) {
    let observe = |frames: &[u8]| {
        let Some(tap) = &shared.config.tap else { return };
        for frame in frames.split(|&byte| byte == b'\n').filter(|frame| !frame.is_empty()) {
            tap.observe(Direction::ToPlugin, frame, false);
        }
    };
    if shared.outbox.drain(&mut stdin, observe).await.is_ok() {
        // Dropping it would close a pipe, but not one half of a bidirectional stream.
        let _ = stdin.shutdown().await;
    } else {
        shared.outbox.close();
        // The process may have exited; then its exit is noticed during this time.
        tokio::time::sleep(EXIT_GRACE).await;
        shared.kill.order(ExitCause::StdinClosed);
    }
}

pub(crate) async fn read_stdout(shared: Arc<Shared>, mut stdout: impl AsyncRead + Unpin) {
    let limit = shared.config.frame_bytes;
    let mut decoder = FrameDecoder::new(limit);
    let mut buffer = vec![0; READ_BYTES];
    // A read error ends the output just as its end does.
    while let Ok(count @ 1..) = stdout.read(&mut buffer).await {
        let mut lines = decoder.feed(&buffer[..count]);
        while let Some(line) = lines.next() {
            let frame = match line {
                Frame::Whole(frame) => frame,
                too_long => {
                    if let (Some(tap), Frame::TooLong(beginning)) = (&shared.config.tap, too_long) {
                        tap.observe(Direction::FromPlugin, beginning, true);
                    }
                    shared.kill.order(ExitCause::FrameTooLong { limit });
                    return;
                }
            };
            let Some(call) = shared.receive(frame) else { continue };
            // Never closed, so there is always a permit to wait for.
            let permit = Arc::clone(&shared.reverse_calls).acquire_owned().await;
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let _permit = permit;
                reverse::run(shared, call).await;
            });
        }
    }
    if let Some(Frame::Whole(rest)) = decoder.finish()
        && let Some(call) = shared.receive(rest)
    {
        tokio::spawn(reverse::run(Arc::clone(&shared), call));
    }
}

async fn read_stderr(shared: Arc<Shared>, mut stderr: impl AsyncRead + Unpin) {
    let mut decoder = FrameDecoder::new(shared.config.frame_bytes);
    let mut buffer = vec![0; READ_BYTES];
    let take = |line: &[u8]| {
        shared.sign_of_life();
        shared.keep_stderr(line);
        shared.publish(HostEvent::Stderr(beginning(&String::from_utf8_lossy(line)).into_owned()));
    };
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let mut lines = decoder.feed(&buffer[..count]);
        while let Some(Frame::Whole(line) | Frame::TooLong(line)) = lines.next() {
            take(line);
        }
    }
    if let Some(Frame::Whole(rest)) = decoder.finish() {
        take(rest);
    }
}

/// Waits for the process to exit, or kills it.
async fn supervise(
    shared: Arc<Shared>,
    mut child: Child,
    mut stdout: Option<JoinHandle<()>>,
    stderr: Option<JoinHandle<()>>,
) {
    let mut stdout_open = true;
    let status = loop {
        let silent_until = shared.silent_until();
        tokio::select! {
            biased;
            status = child.wait() => break status.ok(),
            () = shared.kill.ordered() => break kill(&mut child).await,
            () = finished(&mut stdout), if stdout_open => {
                stdout_open = false;
                if let Ok(status) = tokio::time::timeout(EXIT_GRACE, child.wait()).await {
                    break status.ok();
                }
                shared.kill.order(ExitCause::StdoutClosed);
            }
            () = tokio::time::sleep_until(silent_until) => {
                if shared.silent_until() <= tokio::time::Instant::now() {
                    shared.kill.order(ExitCause::Silent { limit: shared.config.silence_timeout });
                }
            }
        }
    };
    // What it wrote before its exit still counts.
    let mut stderr = stderr;
    let rest = async {
        if stdout_open {
            finished(&mut stdout).await;
        }
        finished(&mut stderr).await;
    };
    let _ = tokio::time::timeout(EXIT_GRACE, rest).await;
    for reader in [stdout, stderr].into_iter().flatten() {
        reader.abort();
    }
    shared.record_exit(PluginExit {
        cause: shared.kill.cause(),
        status,
        junk: shared.early_junk(),
        stderr: shared.stderr_tail(),
    });
}

async fn kill(child: &mut Child) -> Option<std::process::ExitStatus> {
    // It may have exited already.
    let _ = child.start_kill();
    child.wait().await.ok()
}

async fn finished(reader: &mut Option<JoinHandle<()>>) {
    if let Some(reader) = reader {
        let _ = reader.await;
    }
}
