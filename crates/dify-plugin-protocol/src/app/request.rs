//! Requests that call an app.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

open_enum! {
    /// How an app sends its answer.
    pub enum ResponseMode {
        /// As a stream of events.
        Streaming => "streaming",
        /// As one object, at the end. Agents refuse this.
        Blocking => "blocking",
    }
}

/// The request of a reverse invocation of type `app`, for chat, workflow and completion
/// (`internal/core/dify_invocation/types.go`).
///
/// `inputs` and `response_mode` are always sent, because Dify refuses a call without them. Other fields are left out if
/// they are empty.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct AppRequest {
    /// The id of the app, which must be in the plugin's workspace.
    pub app_id: String,
    /// What the user says. Required by chat apps, ignored by workflows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The inputs of the app, including files: see [`FileInput`].
    pub inputs: Map<String, Value>,
    /// How the app sends its answer.
    pub response_mode: ResponseMode,
    /// The id of the conversation to continue. Absent or empty starts a new one. Valid only for the same app and user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The id of the end user. Current Dify releases ignore it and use the session's user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Files of the message. The current daemon silently drops them: put files into `inputs`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileInput>,
    /// Other fields. The daemon drops fields that it does not know.
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
    /// Creates a call without query and inputs.
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

/// The request of a reverse invocation of type `fetch_app` (`internal/core/dify_invocation/types.go`). The reply is an
/// `AppParameters`.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FetchAppRequest {
    /// The id of the app, which must be in the plugin's workspace.
    pub app_id: String,
    /// Other fields. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(FetchAppRequest { app_id, extra });

impl FetchAppRequest {
    /// Creates a request for the parameters of an app.
    pub fn new(app_id: impl Into<String>) -> Self {
        Self { app_id: app_id.into(), extra: Map::new() }
    }
}

open_enum! {
    /// The type of a file.
    pub enum FileType {
        /// An image.
        Image => "image",
        /// A document.
        Document => "document",
        /// An audio file.
        Audio => "audio",
        /// A video.
        Video => "video",
        /// Any other file.
        Custom => "custom",
    }
}

open_enum! {
    /// How Dify gets a file.
    pub enum TransferMethod {
        /// Dify downloads it from a URL.
        RemoteUrl => "remote_url",
        /// It was uploaded through Dify's upload API.
        LocalFile => "local_file",
        /// A tool or a plugin uploaded it.
        ToolFile => "tool_file",
        /// A datasource uploaded it.
        DatasourceFile => "datasource_file",
    }
}

wire_object! {
    /// A file in [`AppRequest::inputs`], or an item of a list of files there.
    ///
    /// The app must declare the input as a file or a file list. Dify drops inputs that it does not know.
    ///
    /// ```
    /// # use dify_plugin_protocol::app::request::{AppRequest, FileInput, FileType, ResponseMode};
    /// let mut request = AppRequest::new("app-1", ResponseMode::Streaming);
    /// request.inputs.insert("photo".into(), FileInput::remote_url(FileType::Image, "https://example.com/a.png").into());
    /// ```
    pub struct FileInput {
        /// The type of the file.
        #[serde(rename = "type")]
        file_type: FileType,
        /// How Dify gets the file.
        transfer_method: TransferMethod,
        /// The URL, for [`TransferMethod::RemoteUrl`].
        url: String,
        /// The id of the upload, for [`TransferMethod::LocalFile`].
        upload_file_id: String,
        /// The id of the tool file, for [`TransferMethod::ToolFile`].
        tool_file_id: String,
    }
}

impl FileInput {
    /// Creates a file that Dify downloads from `url`.
    pub fn remote_url(file_type: FileType, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::of(file_type, TransferMethod::RemoteUrl) }
    }

    /// Creates a file that was uploaded through Dify's upload API. A file uploaded by a plugin is a
    /// [`tool_file`](Self::tool_file) instead.
    pub fn uploaded(file_type: FileType, upload_file_id: impl Into<String>) -> Self {
        Self { upload_file_id: Some(upload_file_id.into()), ..Self::of(file_type, TransferMethod::LocalFile) }
    }

    /// Creates a file that a plugin uploaded by the reverse invocation `upload_file`. If Dify does not find the tool file,
    /// it belongs to another end user: use [`remote_url`](Self::remote_url) instead.
    pub fn tool_file(file_type: FileType, tool_file_id: impl Into<String>) -> Self {
        Self { tool_file_id: Some(tool_file_id.into()), ..Self::of(file_type, TransferMethod::ToolFile) }
    }

    fn of(file_type: FileType, transfer_method: TransferMethod) -> Self {
        Self { file_type: Some(file_type), transfer_method: Some(transfer_method), ..Self::default() }
    }
}

impl From<FileInput> for Value {
    fn from(file: FileInput) -> Self {
        // Serializing strings and JSON values cannot fail.
        serde_json::to_value(file).unwrap_or_default()
    }
}
