//! The open sessions and their queues.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use dify_plugin_protocol::{AccessType, IncomingEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::encode;
use crate::error::SessionFailure;
use crate::platform::SessionInfo;

/// What is queued for a session's reader.
#[derive(Debug)]
pub(crate) enum Queued {
    Message(Box<RawValue>),
    End,
    Failed(SessionFailure),
}

/// How a session was closed, as far as its open reverse calls are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The plugin ended or broke it, or its reader was dropped. Open calls get no more frames, as at the daemon.
    Silently,
    /// It exceeded its time limit. Open calls fail.
    TimedOut,
}

/// One open session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) info: Arc<SessionInfo>,
    queue: mpsc::UnboundedSender<Queued>,
    /// Bytes of unread messages.
    queued: Arc<AtomicUsize>,
    closed: OnceLock<Closed>,
    closing: CancellationToken,
}

impl Session {
    pub(crate) fn new(
        info: Arc<SessionInfo>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Queued>, Arc<AtomicUsize>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let session = Self {
            info,
            queue,
            queued: Arc::clone(&queued),
            closed: OnceLock::new(),
            closing: CancellationToken::new(),
        };
        (Arc::new(session), receiver, queued)
    }

    /// Whether this is a session of a model, which may not call Dify (`internal/core/io_tunnel/backwards_invocation/task.go`).
    pub(crate) fn is_model(&self) -> bool {
        self.info.access_type == AccessType::Model
    }

    /// Queues a message. The queues are limited in bytes, so that a plugin can't exhaust the memory of a host whose caller
    /// doesn't read.
    pub(crate) fn push(
        &self,
        message: Box<RawValue>,
        limit: usize,
        total: &AtomicUsize,
        total_limit: usize,
    ) -> Result<(), SessionFailure> {
        let size = message.get().len();
        let before = self.queued.fetch_add(size, Ordering::Relaxed);
        let total_before = total.fetch_add(size, Ordering::Relaxed);
        let over = if before > 0 && before + size > limit {
            Some(limit)
        } else if before > 0 && total_before + size > total_limit {
            Some(total_limit)
        } else {
            None
        };
        if over.is_some() || self.queue.send(Queued::Message(message)).is_err() {
            self.queued.fetch_sub(size, Ordering::Relaxed);
            total.fetch_sub(size, Ordering::Relaxed);
        }
        over.map_or(Ok(()), |limit| Err(SessionFailure::Overrun { limit }))
    }

    /// Queues the end for the reader.
    pub(crate) fn finish(&self, end: Option<SessionFailure>) {
        // The reader may have been dropped.
        let _ = self.queue.send(end.map_or(Queued::End, Queued::Failed));
    }

    /// Cancels the session's reverse calls.
    pub(crate) fn close(&self, how: Closed) {
        let _ = self.closed.set(how);
        self.closing.cancel();
    }

    /// Waits until the session is closed.
    pub(crate) async fn closed(&self) -> Closed {
        self.closing.cancelled().await;
        self.closed.get().copied().unwrap_or(Closed::Silently)
    }
}

/// The open sessions by id.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    /// Notified when the last session is removed.
    emptied: Notify,
}

impl Sessions {
    /// Adds a session. Returns false if its id is in use.
    pub(crate) fn insert(&self, session: Arc<Session>) -> bool {
        match self.lock().entry(Arc::clone(&session.info.session_id)) {
            std::collections::hash_map::Entry::Occupied(_) => false,
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(session);
                true
            }
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Session>> {
        self.lock().get(id).cloned()
    }

    /// Removes a session. If two tasks try, only one gets it.
    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Session>> {
        let mut open = self.lock();
        let removed = open.remove(id);
        if open.is_empty() {
            self.emptied.notify_waiters();
        }
        removed
    }

    pub(crate) fn take_all(&self) -> Vec<Arc<Session>> {
        let all = std::mem::take(&mut *self.lock()).into_values().collect();
        self.emptied.notify_waiters();
        all
    }

    /// Waits until no session is open.
    pub(crate) async fn all_closed(&self) {
        loop {
            // Created before the check, so that no notification in between is missed.
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A frame to a session, in the daemon's field order (`internal/core/session_manager/session.go`).
#[derive(Serialize)]
struct Envelope<'a, T> {
    session_id: &'a str,
    conversation_id: &'a Option<String>,
    message_id: &'a Option<String>,
    app_id: &'a Option<String>,
    endpoint_id: &'a Option<String>,
    context: &'a Option<Map<String, Value>>,
    event: IncomingEvent,
    data: T,
}

/// Appends a frame to a session.
pub(crate) fn write_frame(out: &mut Vec<u8>, info: &SessionInfo, event: IncomingEvent, data: impl Serialize) {
    let envelope = Envelope {
        session_id: &info.session_id,
        conversation_id: &info.conversation_id,
        message_id: &info.message_id,
        app_id: &info.app_id,
        endpoint_id: &info.endpoint_id,
        context: &info.context,
        event,
        data,
    };
    encode::write(out, &envelope);
    out.push(b'\n');
}
