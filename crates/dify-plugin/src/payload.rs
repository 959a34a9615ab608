//! Reading the typed parts of a request.

use dify_plugin_protocol::error::{INVALID_REQUEST, describe_value};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// A part of a request that is read into a type of the author's.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    name: &'static str,
    /// The word for one of its fields.
    field: &'static str,
}

pub(crate) const TOOL_PARAMETERS: Part = Part { name: "tool_parameters", field: "parameter" };
pub(crate) const CREDENTIALS: Part = Part { name: "credentials", field: "credential" };
pub(crate) const SETTINGS: Part = Part { name: "settings", field: "setting" };

/// Reads `json`, a part of a request, as `T`. The daemon writes null for an object that its caller left out
/// (`pkg/utils/parser/struct2map.go`); that is read as an empty object.
///
/// # Errors
///
/// The message names the field by its path but quotes no value, which may be a credential.
pub(crate) fn parse_object<T: DeserializeOwned>(part: Part, json: Option<&RawValue>) -> Result<T> {
    let json = json.map_or("null", RawValue::get);
    let json = if json == "null" { "{}" } else { json };
    if !json.starts_with('{') {
        // serde would read a list as the fields of a struct, in order.
        return Err(Error::new(INVALID_REQUEST, format!("{} is not an object", part.name)));
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
        let path = error.path();
        let whose = match path.iter().next() {
            Some(_) => format!("{} `{path}`", part.field),
            None => part.name.to_owned(),
        };
        Error::new(INVALID_REQUEST, format!("{whose}: {}", describe_value(error.inner())))
    })
}
