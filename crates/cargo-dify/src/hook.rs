//! What stands in for an endpoint that a person set up in Dify: its id and its settings.

use dify_plugin_manifest::Plugin;
use serde_json::{Map, Value};

use crate::assignment::Assignment;
use crate::console::Console;
use crate::declared;
use crate::error::Error;

/// The part of the public address that Dify makes up: `/e/<id>/…`.
pub(crate) const ID: &str = "cargo-dify";

/// The settings for a plugin's endpoints: what was given and the defaults; `None` if the plugin has no endpoints.
///
/// # Errors
///
/// If a text can't be read as the type that is declared.
pub(crate) fn settings(
    plugin: &Plugin,
    given: &[Assignment],
    console: &Console,
) -> Result<Option<Map<String, Value>>, Error> {
    let Some(group) = plugin.endpoint_group.as_ref() else { return Ok(None) };
    let settings = declared::fill("--setting", &declared::settings(group), given)?;
    for warning in &settings.warnings {
        console.warning(warning);
    }
    if !plugin.manifest.resource.permission.endpoint {
        console.warning(
            "Dify would not let anyone set up these endpoints: the manifest lacks \
             `resource.permission.endpoint.enabled: true`",
        );
    }
    Ok(Some(settings.values))
}
