//! Frames on their way to the plugin's stdin.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Senders wait while at least this many bytes are queued.
const HIGH_WATER_BYTES: usize = 1 << 20;

/// Whole frames that many tasks queue and one writes.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Notified when frames are queued or the outbox is closed.
    filled: Notify,
    /// Notified when there is room again or the outbox is closed.
    drained: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: Vec<u8>,
    closed: bool,
}

/// The plugin's stdin is closed.
#[derive(Debug)]
pub(crate) struct Closed;

impl Outbox {
    /// Queues whole frames. Waits while the plugin reads too slowly. Cancel safe: the frames are queued completely or not at
    /// all.
    pub(crate) async fn send(&self, frames: &[u8]) -> Result<(), Closed> {
        loop {
            // Created before the check, so that no notification in between is missed.
            let drained = self.drained.notified();
            {
                let mut waiting = self.lock();
                if waiting.closed {
                    return Err(Closed);
                }
                if waiting.frames.len() < HIGH_WATER_BYTES {
                    waiting.frames.extend_from_slice(frames);
                    self.filled.notify_one();
                    return Ok(());
                }
            }
            drained.await;
        }
    }

    /// Refuses further frames. Those that are queued are still written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Writes until the outbox is closed and empty, or `stdin` is closed. `observe` sees each batch of frames before it is
    /// written, so that nothing the plugin does because of them is seen first.
    pub(crate) async fn drain(
        &self,
        mut stdin: impl AsyncWrite + Unpin,
        observe: impl Fn(&[u8]),
    ) -> std::io::Result<()> {
        let mut frames = Vec::new();
        loop {
            let closed = {
                let mut waiting = self.lock();
                std::mem::swap(&mut waiting.frames, &mut frames);
                waiting.closed
            };
            if frames.is_empty() {
                if closed {
                    return Ok(());
                }
                self.filled.notified().await;
                continue;
            }
            self.drained.notify_waiters();
            observe(&frames);
            stdin.write_all(&frames).await?;
            stdin.flush().await?;
            frames.clear();
            frames.shrink_to(HIGH_WATER_BYTES);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn frames_stay_whole_and_no_sender_is_forgotten_behind_a_slow_reader() {
        let outbox = Arc::new(Outbox::default());
        let (writer, mut reader) = tokio::io::duplex(64);
        let drain = tokio::spawn({
            let outbox = Arc::clone(&outbox);
            async move { outbox.drain(writer, |_| {}).await }
        });
        let line = [vec![b'x'; 300_000], vec![b'\n']].concat();
        let writers: Vec<_> = (0..20)
            .map(|_| {
                let (outbox, line) = (Arc::clone(&outbox), line.clone());
                tokio::spawn(async move { outbox.send(&line).await.unwrap() })
            })
            .collect();
        let read = tokio::spawn(async move {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).await.unwrap();
            all
        });
        for writer in writers {
            writer.await.unwrap();
        }
        outbox.close();
        drain.await.unwrap().unwrap();
        let all = read.await.unwrap();
        assert_eq!(all.len(), 20 * line.len());
        assert!(all.split(|&b| b == b'\n').all(|frame| frame.is_empty() || frame.len() == 300_000));
        assert!(outbox.send(b"late\n").await.is_err());
    }
}
