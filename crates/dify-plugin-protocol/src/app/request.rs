//! What a plugin sends to call an app.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

open_enum! {
    /// How an app answers.
    pub enum ResponseMode {
        /// Event by event, as they happen.
        Streaming => "streaming",
        /// One object, when the app is done. Agents refuse this.
        Blocking => "blocking",
    }
}

/// The `request` of a reverse invocation of kind `app`: one shape for chat, workflow and completion
/// (`internal/core/dify_invocation/types.go`).
///
/// `inputs` and `response_mode` are always sent: Dify refuses a call without them. What is `None` or empty of the rest
/// is left out, which the daemon reads as empty.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct AppRequest {
    /// The app, in the plugin's own workspace.
    pub app_id: String,
    /// What the user says. Chat apps need one; workflows ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The app's variables. The only way to give an app files: see [`FileInput`].
    pub inputs: Map<String, Value>,
    /// How the app answers.
    pub response_mode: ResponseMode,
    /// The conversation to go on with; absent or empty, a new one begins. Good for the same app and user only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The end user. Sent on by the daemon, and ignored by Dify today: it takes the session's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Files of the message. Today's daemon drops them without a word: put files into `inputs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInput>,
    /// Further fields. The daemon drops those it does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(AppRequest {
    app_id,
    query,
    inputs,
    response_mode,
    conversation_id,
    user,
    files,
    extra
});

impl AppRequest {
    /// A call without query and inputs.
    pub fn new(app_id: impl Into<String>, response_mode: ResponseMode) -> Self {
        Self {
            app_id: app_id.into(),
            query: None,
            inputs: Map::new(),
            response_mode,
            conversation_id: None,
            user: None,
            files: Vec::new(),
            extra: Map::new(),
        }
    }
}

/// The `request` of a reverse invocation of kind `fetch_app` (`internal/core/dify_invocation/types.go`). Answered with
/// [`AppParameters`](crate::app::parameters::AppParameters).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchAppRequest {
    /// The app, in the plugin's own workspace.
    pub app_id: String,
    /// Further fields. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(FetchAppRequest { app_id, extra });

impl FetchAppRequest {
    /// Asks for the parameters of this app.
    pub fn new(app_id: impl Into<String>) -> Self {
        Self { app_id: app_id.into(), extra: Map::new() }
    }
}

open_enum! {
    /// What kind of file it is.
    pub enum FileType {
        /// An image.
        Image => "image",
        /// A document.
        Document => "document",
        /// A sound.
        Audio => "audio",
        /// A film.
        Video => "video",
        /// Anything else.
        Custom => "custom",
    }
}

open_enum! {
    /// How Dify gets a file.
    pub enum TransferMethod {
        /// Dify fetches it from a URL.
        RemoteUrl => "remote_url",
        /// It was uploaded through Dify's own upload interface.
        LocalFile => "local_file",
        /// A tool or a plugin put it into Dify.
        ToolFile => "tool_file",
        /// A datasource put it into Dify.
        DatasourceFile => "datasource_file",
    }
}

wire_object! {
    /// A file for a variable of an app: a value in [`AppRequest::inputs`], or an item of a list there.
    ///
    /// The app must declare the variable as a file (or file list); Dify drops values of variables it does not know.
    ///
    /// ```
    /// # use dify_plugin_protocol::app::request::{AppRequest, FileInput, FileType, ResponseMode};
    /// let mut request = AppRequest::new("app-1", ResponseMode::Streaming);
    /// request.inputs.insert("photo".into(), FileInput::remote_url(FileType::Image, "https://example.com/a.png").into());
    /// ```
    pub struct FileInput {
        /// Its kind.
        #[serde(rename = "type")]
        file_type: FileType,
        /// How Dify gets it.
        transfer_method: TransferMethod,
        /// Where Dify fetches it, with [`TransferMethod::RemoteUrl`].
        url: String,
        /// The upload, with [`TransferMethod::LocalFile`].
        upload_file_id: String,
        /// The tool file, with [`TransferMethod::ToolFile`].
        tool_file_id: String,
    }
}

impl FileInput {
    /// A file that Dify fetches from `url`.
    pub fn remote_url(file_type: FileType, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::of(file_type, TransferMethod::RemoteUrl) }
    }

    /// A file that was uploaded through Dify's own upload interface, by the id it gave. Not for what a plugin uploads:
    /// that is a [`tool_file`](Self::tool_file).
    pub fn uploaded(file_type: FileType, upload_file_id: impl Into<String>) -> Self {
        Self { upload_file_id: Some(upload_file_id.into()), ..Self::of(file_type, TransferMethod::LocalFile) }
    }

    /// A file that a plugin uploaded (reverse invocation `upload_file`), by the id it got. If Dify then says that the
    /// tool file is not found, the file belongs to another end user: use [`remote_url`](Self::remote_url).
    pub fn tool_file(file_type: FileType, tool_file_id: impl Into<String>) -> Self {
        Self { tool_file_id: Some(tool_file_id.into()), ..Self::of(file_type, TransferMethod::ToolFile) }
    }

    fn of(file_type: FileType, transfer_method: TransferMethod) -> Self {
        Self { file_type: Some(file_type), transfer_method: Some(transfer_method), ..Self::default() }
    }
}

impl From<FileInput> for Value {
    fn from(file: FileInput) -> Self {
        // Strings and JSON values always make a JSON value.
        serde_json::to_value(file).unwrap_or_default()
    }
}
