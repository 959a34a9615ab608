//! What no single field shows: values that depend on each other, and on the rest of the plugin.

mod parameter;
mod whole;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value as Json};

use crate::error::Location;
use crate::package::DeclaredFile;
use crate::reader::{Place, Reader, instead, located};
use crate::shape::manifest::{VERSION, is_version};
use crate::shape::parameter::no_list_is_an_empty_one;
use crate::yaml::Mapping;

pub(crate) use parameter::{config, form, parameter};

/// What can only be judged when the whole is read, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The kind whose provider is being read; none while the manifest is.
    kind: &'static str,
    icons: Vec<(&'static str, Place, String)>,
    /// The names of tools and the like, by kind, and where each is.
    names: HashMap<(&'static str, String), Location>,
    /// The parameters of tools and the like, by the names of both.
    parameters: Vec<(&'static str, String, String, Location)>,
    /// The method and path of endpoints, and where each is.
    routes: HashMap<String, Location>,
    /// Whether the manifest is a mapping.
    manifest_is_read: bool,
    /// Where keys of the manifest stand.
    spots: Vec<(&'static str, Location)>,
}

impl Notes {
    /// Where tools and their parameters are declared.
    pub(crate) fn into_places(self) -> Places {
        let tools = self.names.into_iter().filter(|((kind, _), _)| *kind == "tool");
        let parameters = self.parameters.into_iter().filter(|(kind, ..)| *kind == "tool");
        Places {
            tools: tools.map(|((_, name), at)| (name, at)).collect(),
            parameters: parameters.map(|(_, tool, name, at)| ((tool, name), at)).collect(),
        }
    }

    fn spot(&self, key: &str) -> Place {
        let at = self.spots.iter().find(|(known, _)| *known == key).map(|(_, at)| at.clone());
        Place { at: at.unwrap_or_else(|| Location::new("manifest.yaml", 1, 1)), field: key.to_owned() }
    }
}

/// Where tools and their parameters are declared, by name.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) tools: HashMap<String, Location>,
    pub(crate) parameters: HashMap<(String, String), Location>,
}

impl Reader {
    /// Takes note of an icon. The daemon refuses a package that lacks the file.
    pub(crate) fn icon(&mut self, place: &Place, mapping: Option<&Mapping<'_>>, icon: &Json) {
        let icon = icon.as_str().unwrap_or_default();
        if !icon.is_empty() {
            let place = Place { at: located(place, mapping), field: place.field.clone() };
            self.notes.icons.push((self.notes.kind, place, icon.to_owned()));
        }
    }

    /// Begins a provider of another file. It replaces one of its kind that was read before.
    pub(crate) fn start_provider(&mut self, kind: &'static str) {
        self.forget_files();
        let notes = &mut self.notes;
        notes.kind = kind;
        notes.icons.retain(|(known, ..)| *known != kind);
        notes.names.retain(|(known, _), _| *known != kind);
        notes.parameters.retain(|(known, ..)| *known != kind);
        if kind == "endpoint" {
            notes.routes.clear();
        }
    }

    /// Forgets the files that a provider has named.
    pub(crate) fn forget_files(&mut self) {
        self.members.clear();
        self.model_patterns.clear();
        self.positions = None;
    }

    /// A further file of the same kind follows.
    pub(crate) fn outdone(&mut self, file: &DeclaredFile, kind: &str) {
        let place = Place { at: file.named_at.clone(), field: "plugins".to_owned() };
        self.misread(
            &place,
            None,
            "several-providers",
            &format!("the daemon keeps one provider of a kind, the last: this {kind} one is dropped"),
            "move what it declares into the last one, or into a plugin of its own",
        );
    }

    /// A pattern of model files, and how many it matches.
    pub(crate) fn check_pattern(&mut self, pattern: &DeclaredFile, matching: usize) {
        let place = Place { at: pattern.named_at.clone(), field: "models".to_owned() };
        let help = "write one pattern for each depth, as in `models/llm/*.yaml`";
        if matching == 0 {
            self.misread(&place, None, "no-match", &format!("no file matches `{}`", pattern.path), help);
        } else if pattern.path.contains("**") {
            let message = "`**` is the same as `*` to the daemon: it stands for one part of a path";
            self.misread(&place, None, "no-match", message, help);
        }
    }

    pub(crate) fn named_twice(&mut self, file: &DeclaredFile) {
        let place = Place { at: file.named_at.clone(), field: String::new() };
        let message = format!("`{}` is named already, and what it declares is there twice", file.path);
        self.misread(&place, None, "twice", &message, "remove one of the two lines");
    }

    pub(crate) fn model_twice(&mut self, file: &DeclaredFile) {
        let place = Place { at: file.named_at.clone(), field: "models".to_owned() };
        let message =
            format!("`{}` is matched by another pattern too, and its model is there twice", file.path);
        self.misread(&place, None, "twice", &message, "make the patterns exclude each other");
    }

    /// Refuses nothing that the daemon takes, but says what is likely a slip: two members of one name.
    fn name(&mut self, place: &Place, mapping: Option<&Mapping<'_>>, name: &Json) {
        let name = name.as_str().unwrap_or_default();
        if name.is_empty() || self.is_silent() {
            return;
        }
        let place = Place { at: located(place, mapping), field: place.field.clone() };
        match self.notes.names.entry((self.notes.kind, name.to_owned())) {
            Entry::Vacant(free) => {
                free.insert(place.at);
            }
            Entry::Occupied(first) => {
                let message = format!("the name `{name}` is taken already, at {}", first.get());
                self.misread(&place, None, "twice", &message, "give each a name of its own: calls go by it");
            }
        }
    }
}

/// `identity` of a provider.
pub(crate) fn provider_identity(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    identity: &mut Map<String, Json>,
) {
    no_list_is_an_empty_one(identity, "tags");
    for key in ["icon", "icon_dark"] {
        let icon = identity.get(key).cloned().unwrap_or_default();
        reader.icon(&place.field(key), mapping, &icon);
    }
}

/// `identity` of a tool and the like.
pub(crate) fn member_identity(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    identity: &mut Map<String, Json>,
) {
    let name = identity.get("name").cloned().unwrap_or_default();
    reader.name(&place.field("name"), mapping, &name);
    let icon = identity.get("icon").cloned().unwrap_or_default();
    reader.icon(&place.field("icon"), mapping, &icon);
}

/// A tool, an agent strategy or an event: no two parameters have one name.
pub(crate) fn parameters(
    reader: &mut Reader,
    _: &Place,
    mapping: Option<&Mapping<'_>>,
    member: &mut Map<String, Json>,
) {
    let list = mapping.and_then(|mapping| reader.get(mapping, "parameters"));
    let items = list.and_then(|list| list.items().ok()).unwrap_or_default();
    let given = items.iter().filter(|item| !item.is_null().unwrap_or(true));
    let parameters = member.get("parameters").and_then(Json::as_array).into_iter().flatten();
    let member_name =
        member.get("identity").and_then(|identity| identity["name"].as_str()).unwrap_or_default();
    let mut seen: HashSet<&str> = HashSet::new();
    for (item, parameter) in given.zip(parameters) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let at =
            item.mapping().ok().and_then(|map| map.location_of("name")).unwrap_or_else(|| item.location());
        let kind = reader.notes.kind;
        reader.notes.parameters.push((kind, member_name.to_owned(), name.to_owned(), at.clone()));
        if !seen.insert(name) && !name.is_empty() {
            let here = Place::of(item).field("name");
            let here = Place {
                at: item.mapping().ok().and_then(|map| map.location_of("name")).unwrap_or(here.at),
                ..here
            };
            let message = format!("there is a parameter `{name}` already");
            reader.misread(&here, None, "twice", &message, "give each a name of its own: values go by it");
        }
    }
}

/// A data source: to remote debugging, no list of parameters is not the same as an empty one.
pub(crate) fn datasource(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    member: &mut Map<String, Json>,
) {
    if member.get("parameters").is_none_or(Json::is_null) {
        let message = "`parameters` is missing";
        reader.misread(&place.field("parameters"), mapping, "missing", message, "write `parameters: []`");
    }
    parameters(reader, place, mapping, member);
}

/// An endpoint: its path begins with `/`, and no other has it.
pub(crate) fn endpoint(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    endpoint: &mut Map<String, Json>,
) {
    let text = |key: &str| endpoint.get(key).and_then(Json::as_str).unwrap_or_default();
    let (path, method) = (text("path"), text("method"));
    let here = place.field("path");
    if path.is_empty() {
        return;
    }
    if !path.starts_with('/') {
        let help = format!("write `/{path}`");
        reader.misread(
            &here,
            mapping,
            "wrong-form",
            &format!("the path `{path}` doesn't begin with `/`"),
            &help,
        );
    } else if path.contains(['?', '#', ' ']) {
        let message = format!("no request has the path `{path}`");
        reader.misread(&here, mapping, "wrong-form", &message, "leave out spaces, queries and fragments");
    }
    let route = format!("{method} {path}");
    let place = Place { at: located(&here, mapping), field: here.field };
    match reader.notes.routes.entry(route) {
        Entry::Vacant(free) => {
            free.insert(place.at);
        }
        Entry::Occupied(first) => {
            let message = format!("`{}` is there already, at {}", first.key(), first.get());
            reader.misread(&place, None, "twice", &message, "remove one of the two");
        }
    }
}

/// `manifest.yaml`: what the daemon refuses of its single fields (chapter 4.1.1), and where its keys stand.
pub(crate) fn manifest(
    reader: &mut Reader,
    place: &Place,
    mapping: Option<&Mapping<'_>>,
    manifest: &mut Map<String, Json>,
) {
    if let Some(mapping) = mapping {
        reader.notes.manifest_is_read = true;
        for key in ["author", "name", "version", "plugins", "resource", "meta", "icon", "icon_dark"] {
            let at = mapping.location_of(key);
            reader.notes.spots.extend(at.map(|at| (key, at)));
        }
    }
    for key in ["icon", "icon_dark"] {
        let icon = manifest.get(key).cloned().unwrap_or_default();
        reader.icon(&place.field(key), mapping, &icon);
    }

    let version = manifest.get("version").and_then(Json::as_str).unwrap_or_default();
    let here = place.field("version");
    // What a unique identifier takes (`pkg/entities/plugin_entities/identity.go`) is more than what the manifest should have.
    if !is_version(version, 2..=4) {
        let message = format!("the version `{version}` makes no legal identifier");
        reader.refuse(&here, mapping, "wrong-form", &message, VERSION.cure);
    } else if !(VERSION.fits)(version) {
        reader.misread(
            &here,
            mapping,
            "wrong-form",
            &format!("`{version}` is not of the right form"),
            VERSION.cure,
        );
    }

    let meta = mapping.and_then(|mapping| reader.get(mapping, "meta"));
    let meta = meta.and_then(|meta| meta.mapping().ok());
    let runner = meta.as_ref().and_then(|meta| meta.get("runner").ok().flatten());
    let runner_map = runner.as_ref().and_then(|runner| runner.mapping().ok());
    let here = place.field("meta").field("runner");
    let language = manifest["meta"]["runner"]["language"].as_str().unwrap_or_default();
    if language != "python" {
        let message = format!("the daemon can't start a plugin in the language `{language}`");
        let help = "write `language: python`: its module `main` starts the binary of a Rust plugin";
        let here = Place {
            at: runner.as_ref().map_or_else(|| place.at.clone(), crate::yaml::Value::location),
            ..here
        };
        reader.refuse(&here.field("language"), runner_map.as_ref(), "unknown-value", &message, help);
    }
    let arch = manifest["meta"]["arch"].as_array();
    if arch.is_some_and(Vec::is_empty) {
        let here = place.field("meta").field("arch");
        let help =
            format!("write the machines that it runs on: {}", instead("", ["amd64", "arm64"].into_iter()));
        reader.misread(&here, meta.as_ref(), "missing", "`arch` is empty", &help);
    }
}
