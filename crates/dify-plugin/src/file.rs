//! Files among a tool's parameters.

#[cfg(feature = "files")]
mod download;

#[cfg(feature = "files")]
pub(crate) use download::Downloads;
#[cfg(feature = "files")]
pub use download::{DEFAULT_LIMIT, FileError};

use std::borrow::Cow;
use std::fmt;

use dify_plugin_protocol::tool::value::{FILE_IDENTITY, FileValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

pub use dify_plugin_protocol::app::request::FileType;

/// A file parameter: the file's metadata and, with the feature `files`, its bytes.
///
/// Use it, or `Vec<File>` for a list of files, as the type of a parameter:
///
/// ```
/// # use dify_plugin::File;
/// #[derive(serde::Deserialize)]
/// struct Parameters {
///     photo: File,
/// }
/// # let photo = r#"{"photo":{"dify_model_identity":"__dify__file__","url":"/files/a.png","type":"image","size":-1}}"#;
/// # assert_eq!(serde_json::from_str::<Parameters>(photo).unwrap().photo.size(), None);
/// ```
#[derive(Clone)]
pub struct File {
    url: String,
    value: FileValue,
}

impl File {
    /// Returns the signed URL of the file's bytes, or a path below FILES_URL. It grants access to the file: do not log it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the type of file in Dify's terms.
    pub fn file_type(&self) -> Option<&FileType> {
        self.value.file_type.as_ref()
    }

    /// Returns the MIME type.
    pub fn mime_type(&self) -> Option<&str> {
        self.value.mime_type.as_deref()
    }

    /// Returns the file name.
    pub fn filename(&self) -> Option<&str> {
        self.value.filename.as_deref()
    }

    /// Returns the extension of the file name, with its dot.
    pub fn extension(&self) -> Option<&str> {
        self.value.extension.as_deref()
    }

    /// Returns the size in bytes, if Dify knows it.
    pub fn size(&self) -> Option<u64> {
        self.value.size.and_then(|size| size.try_into().ok())
    }
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = FileValue::deserialize(deserializer)?;
        if value.dify_model_identity.as_deref().is_some_and(|identity| identity != FILE_IDENTITY) {
            return Err(de::Error::custom("the value is not a file"));
        }
        let url = value.url.take().ok_or_else(|| de::Error::custom("a file without `url`"))?;
        Ok(Self { url, value })
    }
}

impl JsonSchema for File {
    fn schema_name() -> Cow<'static, str> {
        "File".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// An object with a mark, since JSON Schema has no type for files.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "x-dify-type": "file"})
    }
}

impl fmt::Debug for File {
    /// Leaves out the URL, which grants access to the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("file_type", &self.file_type())
            .field("mime_type", &self.mime_type())
            .field("filename", &self.filename())
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
