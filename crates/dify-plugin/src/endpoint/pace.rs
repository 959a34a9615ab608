//! How fast the chunks of one body may follow each other.

use std::time::Duration;

use tokio::time::Instant;

/// How many chunks may go out at once. The daemon keeps 128 for a slow reader and silently drops the others
/// (`internal/core/io_tunnel/endpoint_service.go`).
const BURST: u32 = 64;
/// How far chunks keep apart after a burst: the daemon may then pause for 300 ms before its queue is full.
const INTERVAL: Duration = Duration::from_millis(5);

/// A token bucket: a body whose chunks come at least 5 ms apart never waits.
#[derive(Debug)]
pub(super) struct Pace {
    left: u32,
    counted_from: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { left: BURST, counted_from: Instant::now() }
    }

    /// Takes a token for one chunk, or returns when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        while self.left < BURST && self.counted_from + INTERVAL <= now {
            self.left += 1;
            self.counted_from += INTERVAL;
        }
        if self.left == BURST {
            self.counted_from = now;
        }
        if self.left == 0 {
            return Err(self.counted_from + INTERVAL);
        }
        self.left -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_followed_by_one_chunk_each_interval() {
        let mut pace = Pace::new();
        let start = Instant::now();
        for _ in 0..BURST {
            assert_eq!(pace.take(start), Ok(()));
        }
        assert_eq!(pace.take(start), Err(start + INTERVAL));
        assert_eq!(pace.take(start + INTERVAL), Ok(()));
        assert_eq!(pace.take(start + INTERVAL), Err(start + 2 * INTERVAL));
        let later = start + Duration::from_secs(10);
        for _ in 0..BURST {
            assert_eq!(pace.take(later), Ok(()));
        }
        assert_eq!(pace.take(later), Err(later + INTERVAL));
    }
}
