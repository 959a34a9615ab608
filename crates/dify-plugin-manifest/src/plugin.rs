//! Reads a plugin's folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::declared_file::{self, DeclaredFile};
use crate::endpoint::EndpointGroup;
use crate::error::ManifestError;
use crate::finding::{Finding, Location};
use crate::manifest::Manifest;
use crate::reader::Reader;
use crate::report::{Fields, Notes, Place, Report, fill_list};
use crate::schema::Object;
use crate::shape::{agent_strategy, datasource, endpoint, manifest, model, tool, trigger};
use crate::tool::ToolProvider;
use crate::typed::typed;

/// A plugin's declarations: the manifest, tools and endpoints as typed values, and everything as JSON.
///
/// The daemon keeps one provider of each kind. If the manifest names several files of a kind, the last one is kept; a file
/// also replaces a provider written in the manifest itself.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plugin {
    /// The plugin's folder, as given.
    pub root: PathBuf,
    /// `manifest.yaml`.
    pub manifest: Manifest,
    /// The tool provider.
    pub tool_provider: Option<ToolProvider>,
    /// The endpoint group.
    pub endpoint_group: Option<EndpointGroup>,
    /// The whole declaration as JSON, as the daemon stores it and hands it to Dify (its `PluginDeclaration`).
    pub declaration: serde_json::Map<String, Json>,
}

/// The result of checking a plugin's folder.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The plugin, or the first problem that keeps the daemon from reading it.
    pub plugin: Result<Plugin, ManifestError>,
    /// All problems, sorted by severity, file and line.
    pub findings: Vec<Finding>,
    // Where the names of tools and parameters are.
    notes: Notes,
}

impl Checked {
    /// Returns the location of a tool's name.
    pub fn tool(&self, name: &str) -> Option<&Location> {
        self.notes.names.get(&("tool", name.to_owned()))
    }

    /// Returns the location of the name of a tool's parameter.
    pub fn tool_parameter(&self, tool: &str, name: &str) -> Option<&Location> {
        let mut parameters = self.notes.parameters.iter();
        let found = parameters.rfind(|(kind, of, known, _)| (*kind, &**of, &**known) == ("tool", tool, name));
        found.map(|(.., at)| at)
    }
}

impl Plugin {
    /// Reads the plugin in the folder `dir` as the daemon does when a package is uploaded
    /// (`pkg/plugin_packager/decoder/helper.go`). What the daemon checks after reading, such as names and icons, is left to
    /// [`check`].
    ///
    /// # Errors
    ///
    /// Returns the first problem that keeps the daemon from reading the plugin: a file that cannot be read or is not YAML,
    /// or a value of the wrong type.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self, ManifestError> {
        check(dir).plugin
    }
}

/// Checks the plugin in the folder `dir` and reports all problems, not only the first one.
pub fn check(dir: impl AsRef<Path>) -> Checked {
    let root = dir.as_ref();
    let mut reader = Reader::default();
    let declaration = match declared_file::parse_manifest(root) {
        Ok(source) => declaration(&mut reader, root, &source),
        Err(error) => {
            reader.report.unreadable(error);
            Fields::new()
        }
    };
    let Report { mut findings, errors, notes, .. } = reader.report;
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| {
            (finding.severity, finding.at.file.clone(), finding.at.line, finding.at.column)
        };
        key(a).cmp(&key(b))
    });
    let plugin = match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(plugin(root, declaration)),
    };
    Checked { plugin, findings, notes }
}

/// The kinds of provider, in the order in which the daemon reads them.
static KINDS: [ProviderKind; 6] = [
    ProviderKind {
        files: "plugins.tools",
        key: "tool",
        provider: &tool::PROVIDER,
        members: "tools",
        member: &tool::TOOL,
    },
    ProviderKind {
        files: "plugins.endpoints",
        key: "endpoint",
        provider: &endpoint::GROUP,
        members: "endpoints",
        member: &endpoint::ENDPOINT,
    },
    ProviderKind {
        files: "plugins.models",
        key: "model",
        provider: &model::PROVIDER,
        members: "models",
        member: &model::MODEL,
    },
    ProviderKind {
        files: "plugins.agent_strategies",
        key: "agent_strategy",
        provider: &agent_strategy::PROVIDER,
        members: "strategies",
        member: &agent_strategy::STRATEGY,
    },
    ProviderKind {
        files: "plugins.datasources",
        key: "datasource",
        provider: &datasource::PROVIDER,
        members: "datasources",
        member: &datasource::DATASOURCE,
    },
    ProviderKind {
        files: "plugins.triggers",
        key: "trigger",
        provider: &trigger::PROVIDER,
        members: "events",
        member: &trigger::EVENT,
    },
];

struct ProviderKind {
    /// The field of the manifest that names the files.
    files: &'static str,
    /// The key of the provider in the declaration.
    key: &'static str,
    provider: &'static Object,
    /// The key of the members in the provider.
    members: &'static str,
    member: &'static Object,
}

fn declaration(reader: &mut Reader, root: &Path, source: &crate::yaml::Source) -> Fields {
    let mut declaration = reader.document(source, &manifest::MANIFEST);
    // The daemon opens no files that a provider in the manifest itself names.
    reader.forget_files();

    let named = std::mem::take(&mut reader.providers);
    for kind in &KINDS {
        let files: Vec<_> =
            named.iter().filter(|(field, _)| field == kind.files).map(|(_, file)| file).collect();
        for (index, file) in files.iter().enumerate() {
            reader.forget_files();
            reader.report.notes.start_provider(kind.key);
            if let Some(provider) = provider(reader, root, file, kind) {
                declaration.insert(kind.key.to_owned(), Json::Object(provider));
            }
            if index + 1 < files.len() {
                let message = "the daemon keeps only the last provider of a kind and drops this one";
                let help = "move what it declares into the last one, or into a plugin of its own";
                reader.report.warn(&named_in(file, "plugins"), "several-providers", message, help);
            }
        }
    }
    fill_in(&mut declaration);
    // The daemon overwrites the manifest's claim with its own result, and a folder has no signature.
    declaration.insert("verified".to_owned(), Json::Bool(false));
    crate::check::whole(&mut reader.report, root, &declaration);
    declaration
}

/// Reads a provider's file and the files of its members.
fn provider(reader: &mut Reader, root: &Path, file: &DeclaredFile, kind: &ProviderKind) -> Option<Fields> {
    let source = reader.report.caught(file.parse(root))?;
    let mut provider = reader.document(&source, kind.provider);

    let files = std::mem::take(&mut reader.members);
    let mut members = Vec::new();
    let mut named = HashSet::new();
    for file in &files {
        members.extend(if named.insert(&*file.path) {
            member(reader, root, file, kind.member)
        } else {
            let message = format!("`{}` is named twice, so what it declares exists twice", file.path);
            reader.report.warn(&named_in(file, ""), "twice", message, "remove one of the two lines");
            reader.silently(|reader| member(reader, root, file, kind.member))
        });
    }
    if let Some(positions) = reader.positions.take() {
        let positions = positions.into_iter().filter_map(|(model_type, file)| {
            let source = reader.report.caught(file.parse(root))?;
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
    let source = reader.report.caught(file.parse(root))?;
    Some(Json::Object(reader.document(&source, member)))
}

/// Reads the model files that match the patterns of the last provider. A file that matches two patterns is read twice.
fn models(reader: &mut Reader, root: &Path, model: &Object) -> Vec<Json> {
    let mut files = Vec::new();
    for pattern in std::mem::take(&mut reader.model_patterns) {
        let Some(mut matching) = pattern.matching(root) else {
            let help = "close every `[`, and write `\\\\` for a backslash";
            let error =
                ManifestError::new(pattern.named_at, "bad-pattern", "this is not a valid pattern", help);
            reader.report.unreadable(error.in_field("models".to_owned()));
            continue;
        };
        matching.retain(|file| !file.path.ends_with("_position.yaml"));
        let message = if matching.is_empty() {
            format!("no file matches `{}`", pattern.path)
        } else if pattern.path.contains("**") {
            "`**` means the same as `*` to the daemon: one part of a path".to_owned()
        } else {
            String::new()
        };
        if !message.is_empty() {
            let help = "write one pattern for each depth, as in `models/llm/*.yaml`";
            reader.report.warn(&named_in(&pattern, "models"), "no-match", message, help);
        }
        files.extend(matching);
    }
    // The order is that of the package, not of the patterns.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    for twice in files.windows(2).filter(|pair| pair[0].path == pair[1].path) {
        let message = format!("`{}` matches two patterns, so its model exists twice", twice[1].path);
        let help = "make the patterns exclude each other";
        reader.report.warn(&named_in(&twice[1], "models"), "twice", message, help);
    }
    files.iter().filter_map(|file| member(reader, root, file, model)).collect()
}

/// Returns the place where a file is named.
fn named_in(file: &DeclaredFile, field: &str) -> Place {
    Place { at: file.named_at.clone(), field: field.to_owned() }
}

/// Fills in what providers inherit from the manifest (`FillInDefaultValues` in
/// `pkg/entities/plugin_entities/plugin_declaration.go`).
fn fill_in(declaration: &mut Fields) {
    fill_list(declaration, "tags");
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

fn plugin(root: &Path, declaration: Fields) -> Plugin {
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
