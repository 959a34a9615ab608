//! A plugin's folder, read as a whole.

use std::path::{Path, PathBuf};

use crate::endpoint::{Endpoint, EndpointGroup};
use crate::error::ManifestError;
use crate::manifest::Manifest;
use crate::package;
use crate::tool::{Tool, ToolProvider};

/// What a plugin's folder declares: its manifest, and the tool providers and endpoint groups it names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plugin {
    /// The folder, as given.
    pub root: PathBuf,
    /// `manifest.yaml`.
    pub manifest: Manifest,
    /// The tool providers, in the manifest's order, or the one written in the manifest itself. The daemon
    /// knows only the last: see [`tool_provider`](Self::tool_provider).
    pub tool_providers: Vec<ToolProvider>,
    /// The endpoint groups, in the manifest's order, or the one written in the manifest itself. The daemon
    /// knows only the last: see [`endpoint_group`](Self::endpoint_group).
    pub endpoint_groups: Vec<EndpointGroup>,
}

impl Plugin {
    /// Reads the plugin in the folder `dir` as the daemon does when a package is uploaded
    /// (`pkg/plugin_packager/decoder/helper.go`). That doesn't include [`Manifest::validate`], icons, or the
    /// provider files of kinds other than tools and endpoints.
    ///
    /// # Errors
    /// The first file that can't be read, isn't YAML, or holds a value that doesn't fit its field.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, ManifestError> {
        let root = dir.as_ref().to_owned();
        let manifest: Manifest = package::read_manifest(&root)?;

        let mut tool_providers = Vec::new();
        for file in &manifest.plugins.tools {
            let mut provider: ToolProvider = file.read(&root)?;
            for tool in &provider.tool_files {
                provider.tools.push(tool.read::<Tool>(&root)?);
            }
            tool_providers.push(provider);
        }
        if tool_providers.is_empty() {
            tool_providers.extend(manifest.inline.tool.clone());
        }
        for provider in &mut tool_providers {
            fill_in(provider, &manifest);
        }

        let mut endpoint_groups = Vec::new();
        for file in &manifest.plugins.endpoints {
            let mut group: EndpointGroup = file.read(&root)?;
            for endpoint in &group.endpoint_files {
                group.endpoints.push(endpoint.read::<Endpoint>(&root)?);
            }
            endpoint_groups.push(group);
        }
        if endpoint_groups.is_empty() {
            endpoint_groups.extend(manifest.inline.endpoint.clone());
        }

        Ok(Self { root, manifest, tool_providers, endpoint_groups })
    }

    /// The tool provider that the daemon knows: the last one.
    pub fn tool_provider(&self) -> Option<&ToolProvider> {
        self.tool_providers.last()
    }

    /// The endpoint group that the daemon knows: the last one.
    pub fn endpoint_group(&self) -> Option<&EndpointGroup> {
        self.endpoint_groups.last()
    }
}

/// Gives a provider what it leaves to the manifest (`FillInDefaultValues` in
/// `pkg/entities/plugin_entities/plugin_declaration.go`).
fn fill_in(provider: &mut ToolProvider, manifest: &Manifest) {
    let identity = &mut provider.identity;
    if identity.description.en_us.is_empty() {
        identity.description = manifest.description.clone();
    }
    if identity.tags.is_empty() {
        identity.tags.clone_from(&manifest.tags);
    }
}
