//! How many bytes may be held for handlers, and how many are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One budget for everything that waits for a handler: requests, replies, and what is kept of each session.
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

    /// A share of `bytes`, if so much is left.
    pub(crate) fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = Share::empty(self);
        share.grow(bytes).then_some(share)
    }
}

/// Bytes taken from a [`Quota`]; given back when dropped.
pub(crate) struct Share {
    quota: Arc<Quota>,
    bytes: usize,
}

impl Share {
    /// A share of nothing, to grow.
    pub(crate) fn empty(quota: &Arc<Quota>) -> Self {
        Self { quota: quota.clone(), bytes: 0 }
    }

    /// Takes `bytes` more; `false` if they are not left.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
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

    /// Moves `bytes` into a share of their own.
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
