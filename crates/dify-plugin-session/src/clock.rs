//! The clock.

use std::time::{Duration, Instant};

/// Returns the monotonic time as tokio sees it, so that tests can pause it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns `now + wait`, but at most 30 years from now: people write "no limit" as `Duration::MAX`, and adding that would
/// overflow.
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now + wait.min(FAR)
}
