//! What a host tells whoever watches it.

use std::sync::Arc;

use dify_plugin_protocol::{AccessType, Action, InvokeType, LogData};
use tokio::sync::broadcast;

use crate::error::{PluginExit, SessionFailure};

/// Events kept for one watcher that doesn't read them.
pub(crate) const KEPT_EVENTS: usize = 4096;

/// Something that happened, for people to see. Nothing here holds credentials, settings or payloads, except what the
/// plugin itself wrote as a log, an error or junk.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HostEvent {
    /// A sign of life.
    Heartbeat,
    /// A log record of the plugin.
    Log(LogData),
    /// A line on the plugin's stderr.
    Stderr(String),
    /// A line on stdout that the daemon would pass over without a word: not JSON, of no known event, of the wrong
    /// shape.
    JunkFrame {
        /// Its text, at most 1,024 bytes of it.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An `error` event outside any session; the daemon drops those.
    ErrorEvent(String),
    /// A session was opened.
    SessionOpened {
        /// Its id.
        session_id: Arc<str>,
        /// Which part of the plugin it is for.
        access_type: AccessType,
        /// What was asked.
        action: Action,
    },
    /// A session is over.
    SessionClosed {
        /// Its id.
        session_id: Arc<str>,
        /// How.
        end: SessionEnd,
    },
    /// The plugin calls back.
    ReverseCall {
        /// The session that calls.
        session_id: Arc<str>,
        /// The call's id, as the plugin chose it.
        call_id: Arc<str>,
        /// What is asked.
        invoke_type: InvokeType,
        /// Fields of the request that the daemon drops without a word, such as `files` of an app call.
        ignored: Vec<String>,
    },
    /// A reverse call is over.
    ReverseCallEnded {
        /// The session that called.
        session_id: Arc<str>,
        /// The call's id.
        call_id: Arc<str>,
        /// The text of the error, if it failed.
        error: Option<String>,
    },
    /// The process ended.
    Exited(Arc<PluginExit>),
    /// This watcher was too slow and missed so many events.
    Missed(u64),
}

/// How a session ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionEnd {
    /// By the plugin's `end`.
    Done,
    /// By a failure.
    Failed(SessionFailure),
    /// Its answers were dropped before the end. The plugin is not told.
    Forgotten,
}

/// The events of one host, from [`Host::events`](crate::Host::events).
#[derive(Debug)]
pub struct HostEvents(pub(crate) broadcast::Receiver<HostEvent>);

impl HostEvents {
    /// The next event, or `None` when the host is gone. Cancel safe.
    pub async fn recv(&mut self) -> Option<HostEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(HostEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
