//! `manifest.yaml`.

use serde::Deserialize;

use crate::i18n::I18n;
use crate::permission::Permission;

/// What `manifest.yaml` says. A field that is absent or null has its type's default, and keys that no field
/// asks for are ignored (`pkg/entities/plugin_entities/plugin_declaration.go`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's version, as in `0.1.2`.
    pub version: String,
    /// Who makes the plugin; the first half of its identity.
    pub author: String,
    /// The plugin's name; the second half of its identity.
    pub name: String,
    /// The name shown to people.
    pub label: I18n,
    /// What the plugin does.
    pub description: I18n,
    /// The icon's path below `_assets/`.
    pub icon: String,
    /// The path of the icon for a dark background; empty when there is none.
    pub icon_dark: String,
    /// What the plugin needs and may do.
    pub resource: Resource,
    /// How the plugin is run.
    pub meta: Meta,
    /// Where to find it in a catalogue.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tags: Vec<String>,
    /// When the plugin was made, as Go writes a time in JSON: RFC 3339; in the year 1 where none is given.
    pub created_at: String,
    /// The privacy policy, as a path or a URL.
    pub privacy: Option<String>,
    /// The URL of the source code.
    pub repo: Option<String>,
}

/// `resource`: what a plugin needs and may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Resource {
    /// Memory in bytes. Meant for serverless runtimes; a local one doesn't read it.
    pub memory: i64,
    /// The reverse invocations that the plugin may make.
    pub permission: Permission,
}

/// `meta`: how a plugin is run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Meta {
    /// The version of the manifest's format, `0.0.1`.
    pub version: String,
    /// The processors the plugin runs on, `amd64` and `arm64`. The daemon doesn't compare them with its own.
    #[serde(deserialize_with = "crate::typed::list")]
    pub arch: Vec<String>,
    /// What starts the plugin.
    pub runner: Runner,
    /// The oldest Dify that the plugin works with. The daemon passes it on unread.
    pub minimum_dify_version: Option<String>,
}

/// `meta.runner`: what starts a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Runner {
    /// The only one the daemon starts is `python` (`internal/core/local_runtime/subprocess.go`).
    pub language: String,
    /// Python's version, as in `3.12`. The daemon doesn't read it.
    pub version: String,
    /// The module that `python -m` runs in the plugin's folder.
    pub entrypoint: String,
}
