//! The parameters of an app, as returned by `fetch_app`. They include neither the app's kind nor its name.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::request::TransferMethod;
use crate::redact::Redacted;
use crate::wire_object::wire_object;

wire_object! {
    /// The parameters of an app: the reply to `fetch_app`.
    pub struct AppParameters {
        /// The first message of the app.
        opening_statement: String,
        /// Questions to start with.
        suggested_questions: Vec<String>,
        /// Whether the app suggests questions after an answer.
        suggested_questions_after_answer: Feature,
        /// Whether the app transcribes speech.
        speech_to_text: Feature,
        /// Whether and how the app speaks its answers.
        text_to_speech: TextToSpeech,
        /// Whether answers have citations.
        retriever_resource: Feature,
        /// Whether annotations may be used as answers.
        annotation_reply: Feature,
        /// Whether the app can generate more answers like one.
        more_like_this: Feature,
        /// Whether texts are moderated.
        sensitive_word_avoidance: Feature,
        /// The inputs of the app: the keys of a call's `inputs`.
        user_input_form: Vec<UserInput>,
        /// The files that a message may have.
        file_upload: FileUpload,
        /// The limits of the Dify installation.
        system_parameters: SystemParameters,
    }
}

wire_object! {
    /// A feature that is on or off.
    pub struct Feature {
        /// Whether it is on.
        enabled: bool,
    }
}

wire_object! {
    /// How an app speaks its answers.
    pub struct TextToSpeech {
        /// Whether it is on.
        enabled: bool,
        /// The voice.
        voice: String,
        /// The language.
        language: String,
        /// Whether answers are played automatically: `enabled` or `disabled`.
        #[serde(rename = "autoPlay")]
        auto_play: String,
    }
}

/// An input of an app: an object with one key, the type of the input (`text-input`, `paragraph`, `select`, `number`,
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
    /// Returns the type of the input, such as `text-input`.
    pub fn input_type(&self) -> Option<&str> {
        self.0.keys().next().map(String::as_str)
    }

    /// Returns the definition of the input.
    pub fn field(&self) -> Option<&InputField> {
        self.0.values().next()
    }
}

wire_object! {
    /// The definition of an input.
    pub struct InputField {
        /// The label.
        label: String,
        /// The key in `inputs`.
        variable: String,
        /// Whether it is required.
        required: bool,
        /// The default value.
        default: Value,
        /// The options, for `select`.
        options: Vec<String>,
        /// The maximum length of a text, or number of files.
        max_length: i64,
    }
}

wire_object! {
    /// The files that a message may have.
    pub struct FileUpload {
        /// Images.
        image: ImageUpload,
    }
}

wire_object! {
    /// The images that a message may have.
    pub struct ImageUpload {
        /// Whether images are allowed.
        enabled: bool,
        /// The maximum number of images.
        number_limits: i64,
        /// The level of detail for models: `low` or `high`.
        detail: String,
        /// How images may be transferred.
        transfer_methods: Vec<TransferMethod>,
    }
}

wire_object! {
    /// The limits of a Dify installation.
    pub struct SystemParameters {
        /// Maximum size of a document, in MB.
        file_size_limit: i64,
        /// Maximum size of an image, in MB.
        image_file_size_limit: i64,
        /// Maximum size of an audio file, in MB.
        audio_file_size_limit: i64,
        /// Maximum size of a video, in MB.
        video_file_size_limit: i64,
        /// Maximum number of files in a workflow run.
        workflow_file_upload_limit: i64,
    }
}
