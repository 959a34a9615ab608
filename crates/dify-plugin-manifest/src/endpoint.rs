//! Endpoint groups and endpoints.

use serde::Deserialize;

use crate::open_enum::open_enum;
use crate::provider_config::ProviderConfig;

/// A group of endpoints that share their settings (`pkg/entities/plugin_entities/endpoint_declaration.go`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointGroup {
    /// The settings that a user fills in.
    #[serde(deserialize_with = "crate::typed::list")]
    pub settings: Vec<ProviderConfig>,
    /// The endpoints: first the inline ones, then those in files that the group names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub endpoints: Vec<Endpoint>,
}

/// An endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Endpoint {
    /// The path below the group's URL, as in `/duck/<app_id>`. The daemon passes every path to the plugin without matching it.
    pub path: String,
    /// The HTTP method. The daemon doesn't match it either.
    pub method: Method,
    /// Whether Dify's interface hides the endpoint.
    pub hidden: bool,
}

open_enum! {
    /// The HTTP method of an endpoint, in upper case.
    Method {
        Head = "HEAD",
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Delete = "DELETE",
        Options = "OPTIONS",
    }
}
