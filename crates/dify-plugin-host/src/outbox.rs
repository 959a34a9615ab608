//! Frames on their way to the plugin's stdin.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Above this many bytes waiting, whoever has more to write waits too.
const HIGH_WATER_BYTES: usize = 1 << 20;

/// Whole lines, gathered by many and written by one.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Something came in, or the box was closed.
    filled: Notify,
    /// There is room again, or the box was closed.
    drained: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    closed: bool,
}

/// Nothing more can be written: stdin is closed.
#[derive(Debug)]
pub(crate) struct Closed;

impl Outbox {
    /// Puts `lines` in, whole; waits while the plugin reads too slowly. Cancel safe: they are in, or not at all.
    pub(crate) async fn send(&self, lines: &[u8]) -> Result<(), Closed> {
        loop {
            // Made before the look at the queue: from here on it sees every wake-up.
            let drained = self.drained.notified();
            {
                let mut waiting = self.lock();
                if waiting.closed {
                    return Err(Closed);
                }
                if waiting.lines.len() < HIGH_WATER_BYTES {
                    waiting.lines.extend_from_slice(lines);
                    self.filled.notify_one();
                    return Ok(());
                }
            }
            drained.await;
        }
    }

    /// Lets nothing more in. What is in is still written.
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
        let mut lines = Vec::new();
        loop {
            let closed = {
                let mut waiting = self.lock();
                std::mem::swap(&mut waiting.lines, &mut lines);
                waiting.closed
            };
            if lines.is_empty() {
                if closed {
                    return Ok(());
                }
                self.filled.notified().await;
                continue;
            }
            self.drained.notify_waiters();
            observe(&lines);
            stdin.write_all(&lines).await?;
            stdin.flush().await?;
            lines.clear();
            lines.shrink_to(HIGH_WATER_BYTES);
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
    async fn lines_stay_whole_and_nobody_is_lost_behind_a_slow_reader() {
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
        assert!(all.split(|&b| b == b'\n').all(|piece| piece.is_empty() || piece.len() == 300_000));
        assert!(outbox.send(b"late\n").await.is_err());
    }
}
