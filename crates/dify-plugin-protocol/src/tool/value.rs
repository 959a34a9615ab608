//! Parameter values that are more than JSON: files and tools.

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
    /// A file among the parameters. Its bytes are fetched from `url`, which may be relative to `FILES_URL`.
    pub struct FileValue {
        /// The mark, [`FILE_IDENTITY`].
        dify_model_identity: String,
        /// Where its bytes are.
        url: String,
        /// Its kind.
        #[serde(rename = "type")]
        file_type: FileType,
        /// Its MIME type.
        mime_type: String,
        /// Its name.
        filename: String,
        /// The name's extension, with its dot.
        extension: String,
        /// Its size, in bytes.
        size: i64,
    }
}

impl FileValue {
    /// Reads a parameter's value, if it bears the mark of a file.
    pub fn from_value(value: &Value) -> Option<serde_json::Result<Self>> {
        marked(value, FILE_IDENTITY).then(|| Self::deserialize(value))
    }
}

wire_object! {
    /// A tool among the parameters.
    pub struct ToolSelector {
        /// The mark, [`TOOL_SELECTOR_IDENTITY`].
        dify_model_identity: String,
        /// The tool's provider.
        provider_id: String,
        /// The tool's name.
        tool_name: String,
        /// What the tool is for.
        tool_description: String,
        /// Values that are settled.
        tool_configuration: Map<String, Value>,
        /// The parameters that are left, by name.
        tool_parameters: BTreeMap<String, SelectorParameter>,
    }
}

impl ToolSelector {
    /// Reads a parameter's value, if it bears the mark of a tool.
    pub fn from_value(value: &Value) -> Option<serde_json::Result<Self>> {
        marked(value, TOOL_SELECTOR_IDENTITY).then(|| Self::deserialize(value))
    }
}

wire_object! {
    /// A parameter of a [`ToolSelector`].
    pub struct SelectorParameter {
        /// Its key among the parameters.
        name: String,
        /// What it holds.
        #[serde(rename = "type")]
        parameter_type: crate::tool::parameter::ParameterType,
        /// Whether it must be given.
        required: bool,
        /// What it is for.
        description: String,
        /// Its value if none is given.
        default: Value,
        /// What it may be.
        options: Vec<Value>,
    }
}

fn marked(value: &Value, identity: &str) -> bool {
    value.get(MODEL_IDENTITY).and_then(Value::as_str) == Some(identity)
}
