//! What a frame from the plugin causes (`internal/core/io_tunnel/generic.go`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use dify_plugin_protocol::limits::ERROR_ARGS;
use dify_plugin_protocol::{ErrorData, MessageType, SessionMessage};
use serde_json::value::RawValue;

use crate::error::SessionFailure;
use crate::event::HostEvent;
use crate::frame::{self, PluginFrame, beginning};
use crate::reverse::{self, PreparedCall};
use crate::session::Session;
use crate::shared::Shared;
use crate::tap::Direction;

impl Shared {
    /// Handles one frame of stdout. Returns the reverse call in it, if any, for the caller to run.
    pub(crate) fn receive(&self, frame: &[u8]) -> Option<PreparedCall> {
        self.sign_of_life();
        if let Some(tap) = &self.config.tap {
            tap.observe(Direction::FromPlugin, frame, false);
        }
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
        // Go reads bytes that are not UTF-8 as U+FFFD.
        let text = String::from_utf8_lossy(frame);
        let reason = match PluginFrame::read(&text) {
            Ok(read) => return self.handle(read),
            Err(reason) => reason,
        };
        let respelled = frame::respelled(&text);
        if let Some(Ok(read)) = respelled.as_deref().map(PluginFrame::read) {
            return self.handle(read);
        }
        self.counters.junk_frames.fetch_add(1, Ordering::Relaxed);
        self.keep_early_junk(&text);
        self.publish(HostEvent::JunkFrame { text: beginning(&text).into_owned(), reason });
        None
    }

    fn handle(&self, frame: PluginFrame<'_>) -> Option<PreparedCall> {
        match frame {
            PluginFrame::Session { id, message } => {
                if let Some(session) = self.sessions.get(&id) {
                    return self.handle_message(&session, &message);
                }
                // Its reader was dropped, or it ended: an `end` after an `error` arrives here.
                self.counters.unknown_sessions.fetch_add(1, Ordering::Relaxed);
            }
            PluginFrame::Heartbeat => {
                self.counters.heartbeats.fetch_add(1, Ordering::Relaxed);
                self.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
                self.publish(HostEvent::Heartbeat);
            }
            PluginFrame::Log(log) => self.publish(HostEvent::Log(log)),
            PluginFrame::Error(text) => self.publish(HostEvent::ErrorEvent(text)),
            PluginFrame::Nothing => {}
        }
        None
    }

    fn handle_message(&self, session: &Arc<Session>, message: &SessionMessage<'_>) -> Option<PreparedCall> {
        match &message.message_type {
            MessageType::Stream => {
                let queued = session.push(
                    message.data.to_owned(),
                    self.config.message_queue_bytes,
                    &self.counters.queued_bytes,
                    self.config.total_queue_bytes,
                );
                if let Err(failure) = queued {
                    self.finish(session, Some(failure));
                }
            }
            MessageType::Invoke => return self.handle_call(session, message.data),
            MessageType::End => self.finish(session, None),
            MessageType::Error => self.finish(session, Some(read_error(message.data))),
            unknown => {
                let text = format!("unknown stream message type: {unknown}");
                let data = ErrorData::new("unknown_stream_message_type", text);
                self.finish(session, Some(SessionFailure::Refused(data)));
            }
        }
        None
    }

    fn handle_call(&self, session: &Arc<Session>, data: &RawValue) -> Option<PreparedCall> {
        match reverse::prepare(session, data, self.permission.as_ref()) {
            Ok(call) => {
                self.counters.reverse_calls.fetch_add(1, Ordering::Relaxed);
                Some(call)
            }
            Err(text) => {
                let data = ErrorData::new("invoke_dify_error", format!("invoke dify failed: {text}"));
                self.finish(session, Some(SessionFailure::Refused(data)));
                None
            }
        }
    }
}

fn read_error(data: &RawValue) -> SessionFailure {
    let reason = match serde_json::from_str::<Option<ErrorData>>(data.get()) {
        Ok(error) => {
            let error = error.unwrap_or_default();
            if error.args.len() <= ERROR_ARGS {
                return SessionFailure::Plugin(error);
            }
            format!("`args` has {} entries", error.args.len())
        }
        Err(error) => error.to_string(),
    };
    SessionFailure::UnreadableError { reason, data: beginning(data.get()).into_owned() }
}
