//! The contents of `manifest.yaml`.

use serde::Deserialize;

use crate::i18n::I18n;
use crate::permission::Permission;

/// The contents of `manifest.yaml` (`pkg/entities/plugin_entities/plugin_declaration.go`).
///
/// A field that is absent or null has its type's default. Unknown keys are ignored.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's version, as in `0.1.2`.
    pub version: String,
    /// The author, the first part of the plugin's identity.
    pub author: String,
    /// The name, the second part of the plugin's identity.
    pub name: String,
    /// The name shown to users.
    pub label: I18n,
    /// The description shown to users.
    pub description: I18n,
    /// The icon's path below `_assets/`.
    pub icon: String,
    /// The path of the icon for dark backgrounds; empty if there is none.
    pub icon_dark: String,
    /// What the plugin needs and is allowed to do.
    pub resource: Resource,
    /// How the plugin is run.
    pub meta: Meta,
    /// The categories under which the marketplace lists the plugin.
    #[serde(deserialize_with = "crate::typed::list")]
    pub tags: Vec<String>,
    /// The time of creation in RFC 3339, as Go writes a time in JSON; in the year 1 if absent.
    pub created_at: String,
    /// The path or URL of the privacy policy.
    pub privacy: Option<String>,
    /// The URL of the source code.
    pub repo: Option<String>,
}

/// What a plugin needs and is allowed to do (`resource`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Resource {
    /// The memory in bytes for serverless runtimes; local ones ignore it.
    pub memory: i64,
    /// The reverse invocations that the plugin is allowed to make.
    pub permission: Permission,
}

/// How a plugin is run (`meta`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Meta {
    /// The version of the manifest format, `0.0.1`.
    pub version: String,
    /// The processor architectures that the plugin runs on, `amd64` and `arm64`. The daemon doesn't compare them with its own.
    #[serde(deserialize_with = "crate::typed::list")]
    pub arch: Vec<String>,
    /// How the plugin is started.
    pub runner: Runner,
    /// The oldest Dify version that the plugin works with. The daemon passes it on unread.
    pub minimum_dify_version: Option<String>,
}

/// How a plugin is started (`meta.runner`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Runner {
    /// The language. The daemon starts only `python` (`internal/core/local_runtime/subprocess.go`).
    pub language: String,
    /// The Python version, as in `3.12`, which the daemon ignores.
    pub version: String,
    /// The module that `python -m` runs in the plugin's folder.
    pub entrypoint: String,
}
