//! The multiplexer's bookkeeping, without I/O or clock: frames and intents go in, bytes and sessions come out.
//!
//! Everything here is plain state behind one short lock (see `link.rs`). The time is handed in; wakers are handed out, to be
//! woken once the lock is free. Replies wait in queues of their own, each with its own lock, so that reading one does not
//! hold up the others.

mod after;
mod apply;
mod calls;
mod deadlines;
mod inbound;
mod lifecycle;
mod multiplexer;
mod outbox;
mod quota;
mod reply_queue;
mod session;
mod sessions;
mod stats;

pub(crate) use after::After;
pub(crate) use calls::CallId;
pub(crate) use inbound::Inbound;
pub(crate) use multiplexer::{Core, Draining, Refusal};
pub(crate) use quota::{Quota, Share};
pub(crate) use reply_queue::CallQueue;
pub(crate) use session::SessionState;
pub(crate) use sessions::{LastFrames, write_failure};
pub use stats::Stats;
