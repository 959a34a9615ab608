//! An app's parameters, as `fetch_app` answers them. Neither the app's kind nor its name is among them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::request::TransferMethod;
use crate::redact::Redacted;
use crate::wire_object::wire_object;

wire_object! {
    /// The answer to a [`FetchAppRequest`](crate::app::request::FetchAppRequest).
    pub struct AppParameters {
        /// What the app says first.
        opening_statement: String,
        /// Questions to begin with.
        suggested_questions: Vec<String>,
        /// Whether questions are suggested after an answer.
        suggested_questions_after_answer: Feature,
        /// Whether speech is written down.
        speech_to_text: Feature,
        /// Whether answers are spoken, and how.
        text_to_speech: TextToSpeech,
        /// Whether answers name what they rest on.
        retriever_resource: Feature,
        /// Whether annotations may answer.
        annotation_reply: Feature,
        /// Whether more answers like one can be had.
        more_like_this: Feature,
        /// Whether texts are moderated.
        sensitive_word_avoidance: Feature,
        /// The app's variables: the keys of `inputs` of a call.
        user_input_form: Vec<UserInput>,
        /// Which files a message may carry.
        file_upload: FileUpload,
        /// The installation's limits.
        system_parameters: SystemParameters,
    }
}

wire_object! {
    /// Something that is on or off.
    pub struct Feature {
        /// Whether it is on.
        enabled: bool,
    }
}

wire_object! {
    /// How answers are spoken.
    pub struct TextToSpeech {
        /// Whether they are.
        enabled: bool,
        /// The voice.
        voice: String,
        /// The language.
        language: String,
        /// `enabled` or `disabled`: whether they are spoken unasked. The key is in camel case on the wire.
        #[serde(rename = "autoPlay")]
        auto_play: String,
    }
}

/// One variable of an app: an object with one key, the variable's kind (`text-input`, `paragraph`, `select`, `number`,
/// `file`, `file-list`, …).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserInput(pub BTreeMap<String, InputField>);

impl fmt::Debug for UserInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserInput").field(&Redacted(&self.0)).finish()
    }
}

crate::redact::redact_as_debug!(UserInput);

impl UserInput {
    /// The variable's kind, such as `text-input`. Open: newer releases add some.
    pub fn kind(&self) -> Option<&str> {
        self.0.keys().next().map(String::as_str)
    }

    /// The variable itself.
    pub fn field(&self) -> Option<&InputField> {
        self.0.values().next()
    }
}

wire_object! {
    /// A variable's own fields.
    pub struct InputField {
        /// What a person reads.
        label: String,
        /// Its key in `inputs`.
        variable: String,
        /// Whether a call must give it.
        required: bool,
        /// Its value if a call gives none.
        default: Value,
        /// What it may be, for `select`.
        options: Vec<String>,
        /// Its greatest length, for texts; in a `file-list`, of files.
        max_length: i64,
    }
}

wire_object! {
    /// Which files a message may carry.
    pub struct FileUpload {
        /// Images.
        image: ImageUpload,
    }
}

wire_object! {
    /// Which images a message may carry.
    pub struct ImageUpload {
        /// Whether it may.
        enabled: bool,
        /// How many.
        number_limits: i64,
        /// How closely models look: `low` or `high`.
        detail: String,
        /// How they may come.
        transfer_methods: Vec<TransferMethod>,
    }
}

wire_object! {
    /// The limits of an installation.
    pub struct SystemParameters {
        /// Largest document, in MB.
        file_size_limit: i64,
        /// Largest image, in MB.
        image_file_size_limit: i64,
        /// Largest sound, in MB.
        audio_file_size_limit: i64,
        /// Largest film, in MB.
        video_file_size_limit: i64,
        /// Most files of one run of a workflow.
        workflow_file_upload_limit: i64,
    }
}
