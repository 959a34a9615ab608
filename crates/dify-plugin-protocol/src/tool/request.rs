//! The payloads of a tool's requests, and of replies other than messages.
//!
//! A payload is deserialized from the same `data` as [`RequestHeader`](crate::RequestHeader). The header's fields are not
//! kept in `extra`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::credentials::Credentials;
use crate::open_enum::open_enum;
use crate::tool::parameter::ToolParameter;
use crate::wire_object::{null_is_default, rest_without};

open_enum! {
    /// How a provider is authorized.
    pub enum CredentialType {
        /// By values that a user entered.
        ApiKey => "api-key",
        /// By OAuth.
        Oauth2 => "oauth2",
        /// Without authorization.
        Unauthorized => "unauthorized",
    }
}

/// The payload of `invoke_tool` (`pkg/entities/requests/tool.go`). The tool sends any number of
/// [`ToolMessage`](crate::tool::message::ToolMessage)s.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InvokeTool {
    /// The name of the provider.
    pub provider: String,
    /// The name of the tool.
    pub tool: String,
    /// The parameters. Null if the caller set none. For files and tools see [`value`](crate::tool::value).
    #[serde(default)]
    pub tool_parameters: Option<Map<String, Value>>,
    /// The provider's credentials.
    #[serde(default)]
    pub credentials: Credentials,
    /// How the provider is authorized. Absent if the caller does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<CredentialType>,
    /// Fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

impl InvokeTool {
    /// Deserializes the parameters into a type of the tool. A number without a fraction arrives as an integer, even if it
    /// was sent as a float.
    ///
    /// # Errors
    ///
    /// If a parameter is missing or has the wrong type. The message may quote values.
    pub fn parameters<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.tool_parameters {
            Some(parameters) => T::deserialize(parameters),
            None => T::deserialize(&Map::new()),
        }
    }
}

crate::redacted_debug!(InvokeTool { provider, tool, tool_parameters, credentials, credential_type, extra });

/// The payload of `validate_tool_credentials` (`pkg/entities/requests/tool.go`). The plugin sends one [`ValidateResult`],
/// or an error with the reason.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValidateToolCredentials {
    /// The name of the provider.
    pub provider: String,
    /// The credentials to check.
    #[serde(default)]
    pub credentials: Credentials,
    /// Fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(ValidateToolCredentials { provider, credentials, extra });

/// The result of validating credentials (`pkg/entities/tool_entities/validate.go`).
///
/// Do not send `false`, for which Dify shows no reason. Send an error instead.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValidateResult {
    /// Whether the credentials are valid. Absent and null mean `false`, as for the daemon.
    #[serde(default, deserialize_with = "null_is_default")]
    pub result: bool,
    /// Fields that this version does not know. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(ValidateResult { result, extra });

impl ValidateResult {
    /// Creates the result for valid credentials.
    pub fn valid() -> Self {
        Self { result: true, extra: Map::new() }
    }
}

/// The payload of `get_tool_runtime_parameters` (`pkg/entities/requests/tool.go`). The plugin sends one
/// [`RuntimeParameters`].
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetToolRuntimeParameters {
    /// The name of the provider.
    pub provider: String,
    /// The name of the tool.
    pub tool: String,
    /// The provider's credentials.
    #[serde(default)]
    pub credentials: Credentials,
    /// Fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(GetToolRuntimeParameters { provider, tool, credentials, extra });

/// Parameters that a tool declares at run time (`pkg/entities/tool_entities/tool.go`).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuntimeParameters {
    /// The parameters. Required by Dify, but may be empty.
    #[serde(default, deserialize_with = "null_is_default")]
    pub parameters: Vec<ToolParameter>,
    /// Fields that this version does not know. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(RuntimeParameters { parameters, extra });

/// Reads the unknown fields of a request, without those of [`RequestHeader`](crate::RequestHeader).
pub(crate) fn rest_of_request<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    rest_without(deserializer, &["type", "action", "user_id"])
}
