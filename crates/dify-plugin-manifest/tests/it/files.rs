//! Helpers that write a plugin and read it.

use std::fs;

use dify_plugin_manifest::{EndpointGroup, Manifest, ManifestError, Plugin, Tool, ToolProvider};
use tempfile::TempDir;

/// Writes a plugin's files, given by path and content, to a new folder.
pub(crate) fn plugin_of(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

pub(crate) fn read(files: &[(&str, &str)]) -> Result<Plugin, ManifestError> {
    Plugin::read(plugin_of(files).path())
}

pub(crate) fn manifest(yaml: &str) -> Result<Manifest, ManifestError> {
    read(&[("manifest.yaml", yaml)]).map(|plugin| plugin.manifest)
}

pub(crate) fn provider(yaml: &str) -> Result<ToolProvider, ManifestError> {
    let files = [("manifest.yaml", "plugins: {tools: [provider.yaml]}"), ("provider.yaml", yaml)];
    read(&files).map(|plugin| plugin.tool_provider.unwrap())
}

pub(crate) fn tool(yaml: &str) -> Result<Tool, ManifestError> {
    let files = [
        ("manifest.yaml", "plugins: {tools: [provider.yaml]}"),
        ("provider.yaml", "tools: [tool.yaml]"),
        ("tool.yaml", yaml),
    ];
    read(&files).map(|plugin| plugin.tool_provider.unwrap().tools.remove(0))
}

pub(crate) fn group(yaml: &str) -> Result<EndpointGroup, ManifestError> {
    let files = [("manifest.yaml", "plugins: {endpoints: [group.yaml]}"), ("group.yaml", yaml)];
    read(&files).map(|plugin| plugin.endpoint_group.unwrap())
}
