//! What the daemon asks of a tool, and the short answers.
//!
//! In a request's `data` these fields lie beside [`RequestHeader`](crate::RequestHeader): each is read for itself from
//! the same object, and their three fields are not kept as extra here.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::credentials::Credentials;
use crate::open_enum::open_enum;
use crate::tool::parameter::ToolParameter;
use crate::wire_object::{null_is_default, rest_without};

open_enum! {
    /// How a provider is authorised.
    pub enum CredentialType {
        /// By values a user filled in.
        ApiKey => "api-key",
        /// By OAuth.
        Oauth2 => "oauth2",
        /// Not at all.
        Unauthorized => "unauthorized",
    }
}

/// Runs a tool (`pkg/entities/requests/tool.go`). Answered with any number of
/// [`ToolMessage`](crate::tool::message::ToolMessage)s.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InvokeTool {
    /// The provider's name within the plugin.
    pub provider: String,
    /// The tool's name.
    pub tool: String,
    /// The parameters; null if the caller gave none. Files and tools among them: see [`value`](crate::tool::value).
    #[serde(default)]
    pub tool_parameters: Option<Map<String, Value>>,
    /// The provider's credentials.
    #[serde(default)]
    pub credentials: Credentials,
    /// How the provider is authorised; absent if the caller didn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_type: Option<CredentialType>,
    /// The fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

impl InvokeTool {
    /// Reads the parameters into a type of the tool's own. A number without a fraction comes as an integer whatever it
    /// was, so take floats where a fraction may be.
    ///
    /// # Errors
    ///
    /// If a parameter is missing or of another type. The error's text may quote values.
    pub fn parameters<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        match &self.tool_parameters {
            Some(parameters) => T::deserialize(parameters),
            None => T::deserialize(&Map::new()),
        }
    }
}

crate::redacted_debug!(InvokeTool { provider, tool, tool_parameters, credentials, credential_type, extra });

/// Checks the credentials of a provider (`pkg/entities/requests/tool.go`). Answered with one [`ValidateResult`], or with
/// an error whose message is the reason.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValidateToolCredentials {
    /// The provider's name within the plugin.
    pub provider: String,
    /// The credentials to check.
    #[serde(default)]
    pub credentials: Credentials,
    /// The fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(ValidateToolCredentials { provider, credentials, extra });

/// The credentials are good (`pkg/entities/tool_entities/validate.go`).
///
/// Never answer `false`: Dify then shows a text without a reason. Send an error instead.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ValidateResult {
    /// Whether they are. Absent and null count as `false`, as they do at the daemon.
    #[serde(default, deserialize_with = "null_is_default")]
    pub result: bool,
    /// The fields that this version does not know. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(ValidateResult { result, extra });

impl ValidateResult {
    /// The credentials are good.
    pub fn valid() -> Self {
        Self { result: true, extra: Map::new() }
    }
}

/// Asks for parameters of a tool that depend on its credentials (`pkg/entities/requests/tool.go`). Answered with one
/// [`RuntimeParameters`].
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetToolRuntimeParameters {
    /// The provider's name within the plugin.
    pub provider: String,
    /// The tool's name.
    pub tool: String,
    /// The provider's credentials.
    #[serde(default)]
    pub credentials: Credentials,
    /// The fields that this version does not know.
    #[serde(flatten, deserialize_with = "rest_of_request")]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(GetToolRuntimeParameters { provider, tool, credentials, extra });

/// Parameters of a tool, made at run time (`pkg/entities/tool_entities/tool.go`).
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuntimeParameters {
    /// The parameters. Dify wants a list, if an empty one.
    #[serde(default, deserialize_with = "null_is_default")]
    pub parameters: Vec<ToolParameter>,
    /// The fields that this version does not know. The daemon drops them.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

crate::redacted_debug!(RuntimeParameters { parameters, extra });

/// The three keys belong to [`RequestHeader`](crate::RequestHeader).
pub(crate) fn rest_of_request<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    rest_without(deserializer, &["type", "action", "user_id"])
}
