//! `manifest.yaml`.

use crate::endpoint::EndpointGroup;
use crate::error::ManifestError;
use crate::i18n::I18n;
use crate::package::DeclaredFile;
use crate::permission::Permission;
use crate::tool::ToolProvider;
use crate::yaml::{Decode, Time, Value};

/// What `manifest.yaml` says. A field that is absent or null has its type's default, and keys that no field
/// asks for are ignored (`pkg/entities/plugin_entities/plugin_declaration.go`).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's version, as in `0.1.2`.
    pub version: String,
    /// `type`: always `plugin`.
    pub kind: String,
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
    /// The files that declare what the plugin provides.
    pub plugins: PluginFiles,
    /// How the plugin is run.
    pub meta: Meta,
    /// Where to find it in a catalogue.
    pub tags: Vec<String>,
    /// When the plugin was made, in the spelling of the file; a valid time, or `None`.
    pub created_at: Option<String>,
    /// The privacy policy, as a path or a URL.
    pub privacy: Option<String>,
    /// The URL of the source code.
    pub repo: Option<String>,
    /// What the file claims; the daemon replaces it by its own finding.
    pub verified: bool,
    /// What is declared in this file itself.
    pub inline: InlineKinds,
}

impl Manifest {
    /// The plugin's identity, `author/name:version`, or `name:version` when it has no author
    /// (`pkg/utils/parser/identity.go`).
    pub fn identity(&self) -> String {
        let Self { author, name, version, .. } = self;
        if author.is_empty() { format!("{name}:{version}") } else { format!("{author}/{name}:{version}") }
    }
}

/// `resource`: what a plugin needs and may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// Memory in bytes. Meant for serverless runtimes; a local one doesn't read it.
    pub memory: i64,
    /// The reverse invocations that the plugin may make.
    pub permission: Permission,
}

/// `plugins`: for each kind, the files that declare its providers. The daemon keeps one provider of a kind: of
/// a list, the last (`pkg/plugin_packager/decoder/helper.go`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginFiles {
    /// Tool providers.
    pub tools: Vec<DeclaredFile>,
    /// Model providers. This crate doesn't open them.
    pub models: Vec<DeclaredFile>,
    /// Endpoint groups.
    pub endpoints: Vec<DeclaredFile>,
    /// Agent strategy providers. This crate doesn't open them.
    pub agent_strategies: Vec<DeclaredFile>,
    /// Data source providers. This crate doesn't open them.
    pub datasources: Vec<DeclaredFile>,
    /// Trigger providers. This crate doesn't open them.
    pub triggers: Vec<DeclaredFile>,
}

/// Providers declared in the manifest itself (`tool:`, `endpoint:` and so on at its top). The daemon replaces
/// one by the files of its kind where there are any, and opens none of the files an inline one names.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct InlineKinds {
    /// A tool provider.
    pub tool: Option<ToolProvider>,
    /// An endpoint group.
    pub endpoint: Option<EndpointGroup>,
    /// Whether there is a model provider.
    pub model: bool,
    /// Whether there is an agent strategy provider.
    pub agent_strategy: bool,
    /// Whether there is a data source provider.
    pub datasource: bool,
    /// Whether there is a trigger provider.
    pub trigger: bool,
}

/// `meta`: how a plugin is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The version of the manifest's format, `0.0.1`.
    pub version: String,
    /// The processors the plugin runs on, `amd64` and `arm64`. The daemon doesn't compare them with its own.
    pub arch: Vec<String>,
    /// What starts the plugin.
    pub runner: Runner,
    /// The oldest Dify that the plugin works with. The daemon passes it on unread.
    pub minimum_dify_version: Option<String>,
}

/// `meta.runner`: what starts a plugin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Runner {
    /// The only one the daemon starts is `python` (`internal/core/local_runtime/subprocess.go`).
    pub language: String,
    /// Python's version, as in `3.12`. The daemon doesn't read it.
    pub version: String,
    /// The module that `python -m` runs in the plugin's folder.
    pub entrypoint: String,
}

impl Decode for Manifest {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            version: map.field("version")?,
            kind: map.field("type")?,
            author: map.field("author")?,
            name: map.field("name")?,
            label: map.field("label")?,
            description: map.field("description")?,
            icon: map.field("icon")?,
            icon_dark: map.field("icon_dark")?,
            resource: map.field("resource")?,
            plugins: map.field("plugins")?,
            meta: map.field("meta")?,
            tags: map.field("tags")?,
            created_at: map.field::<Option<Time>>("created_at")?.and_then(Time::into_text),
            privacy: map.field("privacy")?,
            repo: map.field("repo")?,
            verified: map.field("verified")?,
            inline: InlineKinds {
                tool: map.field("tool")?,
                endpoint: map.field("endpoint")?,
                model: map.field::<Present>("model")?.0,
                agent_strategy: map.field::<Present>("agent_strategy")?.0,
                datasource: map.field::<Present>("datasource")?.0,
                trigger: map.field::<Present>("trigger")?.0,
            },
        })
    }
}

/// Whether a declaration is there; only its outermost mapping is read.
#[derive(Default)]
struct Present(bool);

impl Decode for Present {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        value.mapping().map(|_| Self(true))
    }
}

impl Decode for Resource {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self { memory: map.field("memory")?, permission: map.field("permission")? })
    }
}

impl Decode for PluginFiles {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            tools: map.field("tools")?,
            models: map.field("models")?,
            endpoints: map.field("endpoints")?,
            agent_strategies: map.field("agent_strategies")?,
            datasources: map.field("datasources")?,
            triggers: map.field("triggers")?,
        })
    }
}

impl Decode for Meta {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            version: map.field("version")?,
            arch: map.field("arch")?,
            runner: map.field("runner")?,
            minimum_dify_version: map.field("minimum_dify_version")?,
        })
    }
}

impl Decode for Runner {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        let map = value.mapping()?;
        Ok(Self {
            language: map.field("language")?,
            version: map.field("version")?,
            entrypoint: map.field("entrypoint")?,
        })
    }
}
