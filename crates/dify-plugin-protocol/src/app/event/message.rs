//! Events of a message: its text, its files, its end.

use serde_json::{Map, Value};

use crate::app::metadata::{AppFile, Metadata};
use crate::app::request::FileType;
use crate::wire_object::{rest_without, wire_object};

/// Reads the unknown fields of an event. Its `event` is read and written by `AppEvent`.
pub(super) fn rest_of_event<'de, D>(deserializer: D) -> Result<Map<String, Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    rest_without(deserializer, &["event"])
}

/// Declares a struct for an event, with the fields that every event may have added to its own.
macro_rules! event_object {
    ($(#[$meta:meta])* pub struct $name:ident $(<$T:ident>)? { $($(#[$fmeta:meta])* $field:ident: $ty:ty,)* }) => {
        $crate::wire_object::wire_object! {
            $(#[$meta])*
            pub struct $name $(<$T>)? without "crate::app::event::message::rest_of_event" {
                /// The id of the task that produces the stream.
                task_id: String,
                /// The id of the message, in chat and completion apps.
                message_id: String,
                /// The id of the conversation, in chat apps. Send it with the next call to continue.
                conversation_id: String,
                /// A Unix timestamp, in seconds.
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
        /// The id of the message again.
        id: String,
        /// A chunk of text to append.
        answer: String,
        /// The variable that the text comes from: a node id and a name.
        from_variable_selector: Vec<String>,
    }
}

event_object! {
    /// `tts_message` and `tts_message_end`.
    pub struct TtsEvent {
        /// The id of the run, in workflows.
        workflow_run_id: String,
        /// MP3 data in base64. Empty at the end.
        audio: String,
    }
}

event_object! {
    /// `agent_thought`. At the start of a round all texts are null.
    pub struct AgentThoughtEvent {
        /// The id of the round. Several events have the same id.
        id: String,
        /// The number of the round, from 1.
        position: i64,
        /// The model's reasoning.
        thought: String,
        /// The results of the tools.
        observation: String,
        /// The names of the tools called, separated by `;`.
        tool: String,
        /// The labels of the tools, by name and language.
        tool_labels: Map<String, Value>,
        /// The parameters of the tools: JSON in a string.
        tool_input: String,
        /// The ids of files that the tools created.
        message_files: Vec<String>,
    }
}

event_object! {
    /// `message_file`.
    pub struct MessageFileEvent {
        /// The id of the file.
        id: String,
        /// The type of the file.
        #[serde(rename = "type")]
        file_type: FileType,
        /// Who the file belongs to: `user` or `assistant`.
        belongs_to: String,
        /// The file's URL.
        url: String,
    }
}

event_object! {
    /// `message_end`.
    pub struct MessageEndEvent {
        /// The id of the message again.
        id: String,
        /// The cost and the sources of the answer.
        metadata: Box<Metadata>,
        /// The files of the answer.
        files: Vec<AppFile>,
    }
}

event_object! {
    /// `message_replace`.
    pub struct MessageReplaceEvent {
        /// The text that replaces the answer so far.
        answer: String,
        /// Why it is replaced. Absent in older releases.
        reason: String,
    }
}

event_object! {
    /// `error`. It has no task id.
    pub struct ErrorEvent {
        /// The id of the run, in workflows. Null if the run did not start.
        workflow_run_id: String,
        /// An HTTP status.
        status: i64,
        /// Dify's name for the error, such as `completion_request_error`.
        code: String,
        /// The message.
        message: String,
    }
}

wire_object! {
    /// `ping`.
    pub struct PingEvent without "rest_of_event" {}
}
