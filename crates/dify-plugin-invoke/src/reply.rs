//! Replies as types.

use dify_plugin_protocol::error::describe_json;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::CallError;

/// A type that a reply can be read into. Every [`DeserializeOwned`] type is one.
///
/// Implement it for a type that keeps the reply's JSON or parses it on demand.
pub trait FromReply: Sized {
    /// Reads one reply, a JSON object.
    ///
    /// # Errors
    ///
    /// [`CallError::Unreadable`] if the reply does not fit the type.
    fn from_reply(json: Box<RawValue>) -> Result<Self, CallError>;
}

impl<T: DeserializeOwned> FromReply for T {
    fn from_reply(json: Box<RawValue>) -> Result<Self, CallError> {
        // serde would also read a struct from an array of its fields.
        if !json.get().starts_with('{') {
            return Err(CallError::Unreadable { reason: "the reply is not a JSON object".to_owned() });
        }
        serde_json::from_str(json.get())
            .map_err(|error| CallError::Unreadable { reason: describe_json(&error) })
    }
}
