//! Events of a message: its text, its files, its end.

use serde_json::{Map, Value};

use crate::app::metadata::{AppFile, Metadata};
use crate::app::request::FileType;
use crate::wire_object::{rest_without, wire_object};

/// The `event` key stands one level up, in [`AppEvent`](super::AppEvent).
pub(super) fn rest_of_event<'de, D>(deserializer: D) -> Result<Map<String, Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    rest_without(deserializer, &["event"])
}

/// Declares a struct for an event's own fields; those that every event may carry come on top.
macro_rules! event_object {
    ($(#[$meta:meta])* pub struct $name:ident $(<$T:ident>)? { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* }) => {
        $crate::wire_object::wire_object! {
            $(#[$meta])*
            pub struct $name $(<$T>)? without "crate::app::event::message::rest_of_event" {
                /// The task that produces the stream.
                task_id: String,
                /// The message that is being answered, in chat and completion apps.
                message_id: String,
                /// The conversation, in chat apps: send it with the next call to go on.
                conversation_id: String,
                /// Unix time, in seconds.
                created_at: i64,
                $($(#[$fmeta])* $field: $ty,)*
            }
        }
    };
}

pub(super) use event_object;

event_object! {
    /// `message` and `agent_message`.
    pub struct MessageEvent {
        /// The message, again.
        id: String,
        /// A piece of text, to be appended.
        answer: String,
        /// The variable the text comes from: a node's id and a name.
        from_variable_selector: Vec<String>,
    }
}

event_object! {
    /// `tts_message` and `tts_message_end`.
    pub struct TtsEvent {
        /// The run, in workflows.
        workflow_run_id: String,
        /// MP3 in base64; empty at the end.
        audio: String,
    }
}

event_object! {
    /// `agent_thought`. At the start of a round every text is null.
    pub struct AgentThoughtEvent {
        /// The round; the same id comes several times.
        id: String,
        /// The round's number, from 1.
        position: i64,
        /// What the model thinks.
        thought: String,
        /// What the tools answered.
        observation: String,
        /// The tools called, with `;` between them.
        tool: String,
        /// The tools' labels, by name and language.
        tool_labels: Map<String, Value>,
        /// What the tools were called with: JSON in a string.
        tool_input: String,
        /// Ids of files that the tools made.
        message_files: Vec<String>,
    }
}

event_object! {
    /// `message_file`.
    pub struct MessageFileEvent {
        /// The file's id.
        id: String,
        /// Its kind.
        #[serde(rename = "type")]
        file_type: FileType,
        /// Whose it is: `user` or `assistant`.
        belongs_to: String,
        /// Where it can be fetched.
        url: String,
    }
}

event_object! {
    /// `message_end`.
    pub struct MessageEndEvent {
        /// The message, again.
        id: String,
        /// What it cost and what it rests on.
        metadata: Box<Metadata>,
        /// Files that belong to the answer.
        files: Vec<AppFile>,
    }
}

event_object! {
    /// `message_replace`.
    pub struct MessageReplaceEvent {
        /// The text that replaces all of the answer so far.
        answer: String,
        /// Why; absent in older releases.
        reason: String,
    }
}

event_object! {
    /// `error`. It has no task id; in a workflow that did not start yet the run's id is null.
    pub struct ErrorEvent {
        /// The run, in workflows; null until it exists.
        workflow_run_id: String,
        /// An HTTP status.
        status: i64,
        /// The error's name, such as `completion_request_error`.
        code: String,
        /// The text.
        message: String,
    }
}

wire_object! {
    /// `ping`.
    pub struct PingEvent without "rest_of_event" {}
}
