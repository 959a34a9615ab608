//! Endpoint groups and their endpoints.

use crate::error::ManifestError;
use crate::open_enum::open_enum;
use crate::package::DeclaredFile;
use crate::provider_config::ProviderConfig;
use crate::yaml::{Decode, Raw, Value};

/// A group of endpoints that share their settings (`pkg/entities/plugin_entities/endpoint_declaration.go`).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EndpointGroup {
    /// What a person fills in.
    pub settings: Vec<ProviderConfig>,
    /// The endpoints: those written inline, then in a read [`Plugin`](crate::Plugin) those of
    /// `endpoint_files`.
    pub endpoints: Vec<Endpoint>,
    /// The files that declare endpoints.
    pub endpoint_files: Vec<DeclaredFile>,
    /// What is wrong with the first inline endpoint that can't be read. The daemon doesn't say so: for it, the
    /// list simply ends there.
    pub ends_early: Option<ManifestError>,
}

/// One endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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

impl Decode for EndpointGroup {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        let mut group = Self { settings: map.field("settings")?, ..Self::default() };
        // The daemon decodes this list, then drops it: nothing but its errors counts.
        map.field::<Vec<Endpoint>>("endpoint_declarations")?;

        if let Some(endpoints) = map.get("endpoints")?
            && let Raw::Sequence = endpoints.raw()
        {
            for item in endpoints.content()? {
                if let Raw::Scalar(path) = item.raw() {
                    group.endpoint_files.push(DeclaredFile::new(path, item.location()));
                    continue;
                }
                match Endpoint::decode(&item) {
                    Ok(endpoint) => group.endpoints.push(endpoint),
                    Err(error) => {
                        group.ends_early = Some(error);
                        break;
                    }
                }
            }
        }
        Ok(group)
    }
}

impl Decode for Endpoint {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { path: map.field("path")?, method: map.field("method")?, hidden: map.field("hidden")? })
    }
}
