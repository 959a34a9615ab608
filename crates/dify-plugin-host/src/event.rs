//! Events of a host, for display.

use std::sync::Arc;

use dify_plugin_protocol::{AccessType, Action, InvokeType, LogData};
use tokio::sync::broadcast;

use crate::error::{PluginExit, SessionFailure};

/// How many unread events are kept for one receiver.
pub(crate) const KEPT_EVENTS: usize = 4096;

/// An event of a host, for display. Holds no credentials, settings or payloads, apart from what the plugin itself wrote into a
/// log, an error or junk.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum HostEvent {
    /// The plugin sent a heartbeat.
    Heartbeat,
    /// The plugin sent a log record.
    Log(LogData),
    /// The plugin wrote a line to stderr.
    Stderr(String),
    /// The plugin wrote a line to stdout that the daemon ignores: it is not JSON, has an unknown event, or has the wrong
    /// shape.
    JunkFrame {
        /// The beginning of its text, at most 1,024 bytes.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The plugin sent an `error` event outside any session, which the daemon drops.
    ErrorEvent(String),
    /// A session was opened.
    SessionOpened {
        /// Its id.
        session_id: Arc<str>,
        /// The part of the plugin that is called.
        access_type: AccessType,
        /// The action to perform.
        action: Action,
    },
    /// A session ended.
    SessionClosed {
        /// Its id.
        session_id: Arc<str>,
        /// How it ended.
        end: SessionEnd,
    },
    /// A reverse call began.
    ReverseCall {
        /// The session that makes the call.
        session_id: Arc<str>,
        /// The call's id, as the plugin chose it.
        call_id: Arc<str>,
        /// What is called.
        invoke_type: InvokeType,
        /// Fields of the request that the daemon silently drops, such as `files` of an app call.
        ignored: Vec<String>,
    },
    /// A reverse call ended.
    ReverseCallEnded {
        /// The session that made the call.
        session_id: Arc<str>,
        /// The call's id.
        call_id: Arc<str>,
        /// The text of the error, if it failed.
        error: Option<String>,
    },
    /// The process exited.
    Exited(Arc<PluginExit>),
    /// This receiver was too slow and missed this many events.
    Missed(u64),
}

/// How a session ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionEnd {
    /// With the plugin's final frame.
    Done,
    /// With a failure.
    Failed(SessionFailure),
    /// Its reader, [`Messages`](crate::Messages), was dropped. The plugin is not notified.
    Abandoned,
}

/// Receives the events of one host. Returned by [`Host::events`](crate::Host::events).
#[derive(Debug)]
pub struct HostEvents(pub(crate) broadcast::Receiver<HostEvent>);

impl HostEvents {
    /// Receives the next event, or `None` once the host was dropped.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<HostEvent> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(HostEvent::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
