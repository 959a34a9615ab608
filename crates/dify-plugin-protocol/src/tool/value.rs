//! Parameter values that are files or tools.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::app::request::FileType;
use crate::wire_object::wire_object;

/// The key that marks such a value.
pub const MODEL_IDENTITY: &str = "dify_model_identity";
/// The mark of a file.
pub const FILE_IDENTITY: &str = "__dify__file__";
/// The mark of a tool.
pub const TOOL_SELECTOR_IDENTITY: &str = "__dify__tool_selector__";

wire_object! {
    /// A file in a parameter. Download it from `url`, which may be relative to `FILES_URL`.
    pub struct FileValue {
        /// [`FILE_IDENTITY`].
        dify_model_identity: String,
        /// The URL of the contents.
        url: String,
        /// The type of the file.
        #[serde(rename = "type")]
        file_type: FileType,
        /// The MIME type.
        mime_type: String,
        /// The file name.
        filename: String,
        /// The extension, including the dot.
        extension: String,
        /// The size, in bytes.
        size: i64,
    }
}

impl FileValue {
    /// Reads a parameter's value. `None` if it is not marked as a file.
    pub fn from_value(value: &Value) -> Option<serde_json::Result<Self>> {
        marked(value, FILE_IDENTITY).then(|| Self::deserialize(value))
    }
}

wire_object! {
    /// A tool in a parameter.
    pub struct ToolSelector {
        /// [`TOOL_SELECTOR_IDENTITY`].
        dify_model_identity: String,
        /// The id of the tool's provider.
        provider_id: String,
        /// The name of the tool.
        tool_name: String,
        /// The description of the tool.
        tool_description: String,
        /// Parameters whose values are fixed.
        tool_configuration: Map<String, Value>,
        /// The other parameters, by name.
        tool_parameters: BTreeMap<String, SelectorParameter>,
    }
}

impl ToolSelector {
    /// Reads a parameter's value. `None` if it is not marked as a tool.
    pub fn from_value(value: &Value) -> Option<serde_json::Result<Self>> {
        marked(value, TOOL_SELECTOR_IDENTITY).then(|| Self::deserialize(value))
    }
}

wire_object! {
    /// A parameter of a [`ToolSelector`].
    pub struct SelectorParameter {
        /// The name of the parameter.
        name: String,
        /// The type of its value.
        #[serde(rename = "type")]
        parameter_type: crate::tool::parameter::ParameterType,
        /// Whether it is required.
        required: bool,
        /// Its description.
        description: String,
        /// The default value.
        default: Value,
        /// The possible values.
        options: Vec<Value>,
    }
}

fn marked(value: &Value, identity: &str) -> bool {
    value.get(MODEL_IDENTITY).and_then(Value::as_str) == Some(identity)
}
