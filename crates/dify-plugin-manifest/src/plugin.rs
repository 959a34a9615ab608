//! A plugin's folder, read as a whole.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use crate::check::Places;
use crate::endpoint::EndpointGroup;
use crate::error::{Location, ManifestError, Problem};
use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::package::{self, DeclaredFile};
use crate::reader::Reader;
use crate::shape::parameter::no_list_is_an_empty_one;
use crate::shape::{Object, agent_strategy, datasource, endpoint, manifest, model, tool, trigger};
use crate::tool::ToolProvider;
use crate::typed::typed;

/// A plugin's declarations: its manifest, its tools and its endpoints as types, and everything as JSON.
///
/// The daemon keeps one provider of a kind. Of several files the last counts, and any file counts before what is written
/// in the manifest itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plugin {
    /// The folder, as given.
    pub root: PathBuf,
    /// `manifest.yaml`.
    pub manifest: Manifest,
    /// The tools.
    pub tool_provider: Option<ToolProvider>,
    /// The endpoints.
    pub endpoint_group: Option<EndpointGroup>,
    /// All of it as the daemon keeps it and hands it to Dify: its `PluginDeclaration`, as JSON.
    pub declaration: Map<String, Json>,
}

/// What came of reading a plugin's folder, right or wrong.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The plugin, or the first thing that keeps the daemon from reading it.
    pub plugin: Result<Plugin, ManifestError>,
    /// All that is wrong: what the daemon refuses first, then by file and line.
    pub findings: Vec<Finding>,
    places: Places,
}

impl Checked {
    /// Where a tool has its name.
    pub fn tool(&self, name: &str) -> Option<&Location> {
        self.places.tools.get(name)
    }

    /// Where a parameter of a tool has its name.
    pub fn tool_parameter(&self, tool: &str, name: &str) -> Option<&Location> {
        self.places.parameters.get(&(tool.to_owned(), name.to_owned()))
    }
}

impl Plugin {
    /// Reads the plugin in the folder `dir` as the daemon does when a package is uploaded
    /// (`pkg/plugin_packager/decoder/helper.go`). What the daemon checks after that, such as
    /// names and icons, is left to [`check`].
    ///
    /// # Errors
    /// The first file that can't be read, isn't YAML, or holds a value that doesn't fit its field.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, ManifestError> {
        check(dir).plugin
    }
}

/// Reads the plugin in the folder `dir` and reports all that is wrong with it, not only the first thing.
pub fn check(dir: impl AsRef<Path>) -> Checked {
    let root = dir.as_ref();
    let mut reader = Reader::default();
    let declaration = match package::parse_manifest(root) {
        Ok(source) => declaration(&mut reader, root, &source),
        Err(error) => {
            reader.error(error);
            Map::new()
        }
    };
    let places = reader.notes.into_places();
    let mut findings = reader.findings;
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| {
            (finding.severity, finding.at.file.clone(), finding.at.line, finding.at.column)
        };
        key(a).cmp(&key(b))
    });
    let plugin = match reader.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(plugin(root, declaration)),
    };
    Checked { plugin, findings, places }
}

/// The kinds, in the order in which the daemon reads them: where the manifest names the files, under what the declaration
/// keeps the provider, what it looks like, and under what a provider keeps its members.
static KINDS: [Kind; 6] = [
    Kind {
        files: "plugins.tools",
        key: "tool",
        provider: &tool::PROVIDER,
        members: "tools",
        member: &tool::TOOL,
    },
    Kind {
        files: "plugins.endpoints",
        key: "endpoint",
        provider: &endpoint::GROUP,
        members: "endpoints",
        member: &endpoint::ENDPOINT,
    },
    Kind {
        files: "plugins.models",
        key: "model",
        provider: &model::PROVIDER,
        members: "models",
        member: &model::MODEL,
    },
    Kind {
        files: "plugins.agent_strategies",
        key: "agent_strategy",
        provider: &agent_strategy::PROVIDER,
        members: "strategies",
        member: &agent_strategy::STRATEGY,
    },
    Kind {
        files: "plugins.datasources",
        key: "datasource",
        provider: &datasource::PROVIDER,
        members: "datasources",
        member: &datasource::DATASOURCE,
    },
    Kind {
        files: "plugins.triggers",
        key: "trigger",
        provider: &trigger::PROVIDER,
        members: "events",
        member: &trigger::EVENT,
    },
];

struct Kind {
    files: &'static str,
    key: &'static str,
    provider: &'static Object,
    members: &'static str,
    member: &'static Object,
}

fn declaration(reader: &mut Reader, root: &Path, source: &crate::yaml::Source) -> Map<String, Json> {
    let mut declaration = reader.document(source, &manifest::MANIFEST);
    // Of a provider in the manifest itself, no file is ever opened.
    reader.forget_files();

    let named = std::mem::take(&mut reader.providers);
    for kind in &KINDS {
        let files: Vec<_> =
            named.iter().filter(|(field, _)| field == kind.files).map(|(_, file)| file).collect();
        for (index, file) in files.iter().enumerate() {
            reader.start_provider(kind.key);
            if let Some(provider) = provider(reader, root, file, kind) {
                declaration.insert(kind.key.to_owned(), Json::Object(provider));
            }
            if index + 1 < files.len() {
                reader.outdone(file, kind.key);
            }
        }
    }
    fill_in(&mut declaration);
    // The daemon overwrites what the file claims by what it finds; a folder has no signature.
    declaration.insert("verified".to_owned(), Json::Bool(false));
    reader.check_whole(root, &declaration);
    declaration
}

/// Reads a provider's file, and the files of its members.
fn provider(reader: &mut Reader, root: &Path, file: &DeclaredFile, kind: &Kind) -> Option<Map<String, Json>> {
    let source = reader.caught(file.parse(root))?;
    let mut provider = reader.document(&source, kind.provider);

    let files = std::mem::take(&mut reader.members);
    let mut members = Vec::new();
    let mut named = HashSet::new();
    for file in &files {
        members.extend(if named.insert(&*file.path) {
            member(reader, root, file, kind.member)
        } else {
            reader.named_twice(file);
            reader.silently(|reader| member(reader, root, file, kind.member))
        });
    }
    if let Some(positions) = reader.positions.take() {
        let positions = positions.into_iter().filter_map(|(model_type, file)| {
            let source = reader.caught(file.parse(root))?;
            Some((model_type.to_owned(), reader.names(&source)))
        });
        let positions = positions.collect();
        provider.insert("position".to_owned(), Json::Object(positions));
    }
    members.extend(models(reader, root, kind.member));

    match provider.get_mut(kind.members) {
        Some(Json::Array(inline)) => inline.extend(members),
        Some(null) if !members.is_empty() => *null = Json::Array(members),
        _ => {}
    }
    Some(provider)
}

fn member(reader: &mut Reader, root: &Path, file: &DeclaredFile, member: &Object) -> Option<Json> {
    let source = reader.caught(file.parse(root))?;
    Some(Json::Object(reader.document(&source, member)))
}

/// The models of the files that the patterns of the provider read last are patterns of. A file that two of them match
/// counts twice.
fn models(reader: &mut Reader, root: &Path, model: &Object) -> Vec<Json> {
    let mut files = Vec::new();
    for pattern in std::mem::take(&mut reader.model_patterns) {
        let Some(mut matching) = pattern.matching(root) else {
            let problem = Problem::BadPattern;
            reader.error(ManifestError::Field { at: pattern.named_at, field: "models".to_owned(), problem });
            continue;
        };
        matching.retain(|file| !file.path.ends_with("_position.yaml"));
        reader.check_pattern(&pattern, matching.len());
        files.extend(matching);
    }
    // Files in the order of the package, not of the patterns.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for twice in files.windows(2).filter(|pair| pair[0].path == pair[1].path) {
        reader.model_twice(&twice[1]);
    }
    files.iter().filter_map(|file| member(reader, root, file, model)).collect()
}

/// Gives providers what they leave to the manifest (`FillInDefaultValues` in
/// `pkg/entities/plugin_entities/plugin_declaration.go`).
fn fill_in(declaration: &mut Map<String, Json>) {
    no_list_is_an_empty_one(declaration, "tags");
    let description = declaration.get("description").cloned().unwrap_or_default();
    let tags = declaration.get("tags").cloned().unwrap_or_default();
    for key in ["tool", "trigger"] {
        let Some(identity) = declaration.get_mut(key).and_then(|provider| provider.get_mut("identity"))
        else {
            continue;
        };
        if identity["description"]["en_US"] == "" {
            identity["description"] = description.clone();
        }
        if identity["tags"].as_array().is_none_or(Vec::is_empty) {
            identity["tags"] = tags.clone();
        }
    }
    if let Some(model) = declaration.get_mut("model")
        && model["description"].is_null()
    {
        model["description"] = description;
    }
}

fn plugin(root: &Path, declaration: Map<String, Json>) -> Plugin {
    let get = |key: &str| declaration.get(key).filter(|provider| !provider.is_null());
    let manifest: Manifest = typed(&Json::Object(declaration.clone()));
    Plugin {
        root: root.to_owned(),
        manifest,
        tool_provider: get("tool").map(typed),
        endpoint_group: get("endpoint").map(typed),
        declaration,
    }
}
