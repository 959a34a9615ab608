//! Reading the typed parts of a request.

use dify_plugin_protocol::error::INVALID_REQUEST;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// Reads `json` as `T`, calling it `what` if that fails. The daemon writes null for an object that its caller left out
/// (`pkg/utils/parser/struct2map.go`): that reads as an empty one.
pub(crate) fn parse_object<T: DeserializeOwned>(what: &str, json: Option<&RawValue>) -> Result<T> {
    let json = json.map_or("null", RawValue::get);
    let json = if json == "null" { "{}" } else { json };
    if !json.starts_with('{') {
        // serde would take a list for a struct's fields in their order.
        return Err(Error::new(INVALID_REQUEST, format!("{what} is no object")));
    }
    serde_json::from_str(json).map_err(|error| Error::unreadable(what, &error))
}
