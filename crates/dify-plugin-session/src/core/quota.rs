//! The budget of bytes that all sessions share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One budget for everything kept on behalf of handlers: requests, replies, and what is kept of each session.
///
/// Atomic, because shares are dropped by handlers, which do not hold the lock of the core. Nothing is ordered by it, so
/// relaxed operations are enough.
pub(crate) struct Quota {
    limit: usize,
    used: AtomicUsize,
}

impl Quota {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes a share of `bytes`, if that much is left.
    pub(crate) fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = Share::empty(self);
        share.grow(bytes).then_some(share)
    }
}

/// Bytes taken from a [`Quota`], and given back when dropped.
pub(crate) struct Share {
    quota: Arc<Quota>,
    bytes: usize,
}

impl Share {
    /// Creates a share of no bytes, to grow.
    pub(crate) fn empty(quota: &Arc<Quota>) -> Self {
        Self { quota: quota.clone(), bytes: 0 }
    }

    /// Takes `bytes` more; `false` if that much is not left.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        // Taken first and given back if it was too much: two that come at once may both be refused near the limit, but never
        // go past it together.
        let before = self.quota.used.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.quota.limit;
        if fits {
            self.bytes += bytes;
        } else {
            self.quota.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    pub(crate) fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.quota.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Moves `bytes` into a separate share.
    pub(crate) fn split(&mut self, bytes: usize) -> Self {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        Self { quota: self.quota.clone(), bytes }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.quota.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
