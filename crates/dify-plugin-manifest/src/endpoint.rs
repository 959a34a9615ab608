//! Endpoint groups and their endpoints.

use serde::Deserialize;

use crate::open_enum::open_enum;
use crate::provider_config::ProviderConfig;

/// A group of endpoints that share their settings (`pkg/entities/plugin_entities/endpoint_declaration.go`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EndpointGroup {
    /// What a person fills in.
    #[serde(deserialize_with = "crate::typed::list")]
    pub settings: Vec<ProviderConfig>,
    /// The endpoints: those written in the group's own file, then those of the files it names.
    #[serde(deserialize_with = "crate::typed::list")]
    pub endpoints: Vec<Endpoint>,
}

/// One endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Endpoint {
    /// The path below the group's address, as in `/duck/<app_id>`. The daemon doesn't interpret it: it hands
    /// every path to the plugin.
    pub path: String,
    /// The HTTP method. The daemon doesn't compare it with a request's either.
    pub method: Method,
    /// Whether the interface leaves it out.
    pub hidden: bool,
}

open_enum! {
    /// The HTTP method of an endpoint; the names are upper case.
    Method {
        /// Headers only:
        Head = "HEAD",
        /// Reading:
        Get = "GET",
        /// Sending:
        Post = "POST",
        /// Replacing:
        Put = "PUT",
        /// Removing:
        Delete = "DELETE",
        /// Asking what is allowed:
        Options = "OPTIONS",
    }
}
