//! A plugin without a process of its own: its two streams.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::{ExitCause, PluginExit};
use crate::process::{read_stdout, write_stdin};
use crate::shared::Shared;

/// Starts the tasks that serve a plugin: they read its frames from `output` and write its input to `input`.
pub(crate) fn serve(
    shared: &Arc<Shared>,
    output: impl AsyncRead + Unpin + Send + 'static,
    input: impl AsyncWrite + Unpin + Send + 'static,
) {
    let mut reader = tokio::spawn(read_stdout(Arc::clone(shared), output));
    let writer = tokio::spawn(write_stdin(Arc::clone(shared), input));
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        loop {
            let silent_until = shared.silent_until();
            tokio::select! {
                biased;
                _ = &mut reader => break,
                () = shared.kill.ordered() => break,
                () = tokio::time::sleep_until(silent_until) => {
                    if shared.silent_until() <= tokio::time::Instant::now() {
                        shared.kill.order(ExitCause::Silent { limit: shared.config.silence_timeout });
                    }
                }
            }
        }
        // A plugin that still runs finds both ends closed now.
        reader.abort();
        writer.abort();
        let (cause, junk) = (shared.kill.cause(), shared.early_junk());
        shared.record_exit(PluginExit { cause, status: None, junk, stderr: String::new() });
    });
}
