//! Modules are floors: which file of a crate may name which, read from the `use` lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use scenarios::repository;
use syn::{Item, UseTree};

/// Crates without any circle of files. In the others a circle must stay inside one folder.
const STRICT: [&str; 5] = [
    "dify-plugin-protocol",
    "dify-plugin-session",
    "dify-plugin-invoke",
    "dify-plugin-app",
    "dify-plugin-host",
];

/// A module's path without the crate's name; the root is empty.
type Module = Vec<String>;

/// For each module that is a file, the modules that its `use` lines name.
type Uses = BTreeMap<Module, BTreeSet<Module>>;

/// The module of a file, from its path below `src`.
fn module(file: &Path) -> Module {
    let mut path: Module = file
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if matches!(path.last().map(String::as_str), Some("lib" | "main" | "mod")) {
        path.pop();
    }
    path
}

fn files(folder: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            files(&path, below, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path.strip_prefix(below).expect("it is below").to_owned());
        }
    }
}

/// Every path that a `use` item names.
fn leaves(tree: &UseTree, before: &[String], found: &mut Vec<Module>) {
    let with = |name: &syn::Ident| before.iter().cloned().chain([name.to_string()]).collect::<Module>();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), found),
        UseTree::Name(name) => found.push(with(&name.ident)),
        UseTree::Rename(rename) => found.push(with(&rename.ident)),
        UseTree::Glob(_) => found.push(before.to_vec()),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, found)),
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// The `use` lines of a module, as absolute paths inside the crate. Tests beside the code don't count.
fn used(items: &[Item], here: &Module, found: &mut Vec<Module>) {
    for item in items {
        match item {
            Item::Use(item) if !is_test(&item.attrs) => {
                let mut paths = Vec::new();
                leaves(&item.tree, &[], &mut paths);
                found.extend(paths.into_iter().map(|path| absolute(path, here)));
            }
            Item::Mod(inner) if !is_test(&inner.attrs) => {
                let path = here.iter().cloned().chain([inner.ident.to_string()]).collect();
                inner.content.iter().for_each(|(_, items)| used(items, &path, found));
            }
            _ => {}
        }
    }
}

/// A path as seen from the crate's root; one of another crate is left as it is and finds no file.
fn absolute(path: Module, here: &Module) -> Module {
    let mut base = here.clone();
    let mut rest = path.as_slice();
    match rest.first().map(String::as_str) {
        Some("crate") => {
            base.clear();
            rest = &rest[1..];
        }
        Some("self") => rest = &rest[1..],
        Some("super") => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        // A child of this module, or another crate.
        _ => {}
    }
    base.extend(rest.iter().filter(|part| *part != "self").cloned());
    base
}

fn uses(krate: &Path) -> Uses {
    let src = krate.join("src");
    let mut paths = Vec::new();
    files(&src, &src, &mut paths);
    let modules: BTreeSet<Module> = paths.iter().map(|path| module(path)).collect();
    let mut graph = Uses::new();
    for path in paths {
        let text = std::fs::read_to_string(src.join(&path)).expect("the file can be read");
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let here = module(&path);
        let mut named = Vec::new();
        used(&parsed.items, &here, &mut named);
        let targets = named.into_iter().filter_map(|path| {
            let longest = (0..=path.len()).rev().map(|length| path[..length].to_vec());
            longest.into_iter().find(|prefix| modules.contains(prefix))
        });
        graph.entry(here.clone()).or_default().extend(targets.filter(|target| *target != here));
    }
    graph
}

/// The modules that can be reached from each, by any number of steps.
fn reachable(graph: &Uses, from: &Module) -> BTreeSet<Module> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Module> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module.clone()) {
            next.extend(&graph[module]);
        }
    }
    seen
}

/// Groups of modules that each lead to every other.
fn circles(graph: &Uses) -> BTreeSet<BTreeSet<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        graph.keys().map(|module| (module, reachable(graph, module))).collect();
    let circle = |module: &&Module| reached[*module].contains(*module);
    graph
        .keys()
        .filter(circle)
        .map(|module| {
            reached[module].iter().filter(|other| reached[*other].contains(module)).cloned().collect()
        })
        .collect()
}

/// Whether all modules are one folder's: the folder's own file, and what lies in it.
fn share_a_folder(circle: &BTreeSet<Module>) -> bool {
    let first = circle.first().and_then(|module| module.first());
    first.is_some() && circle.iter().all(|module| module.first() == first)
}

fn shown(circle: &BTreeSet<Module>, graph: &Uses) -> String {
    let edges = circle.iter().flat_map(|from| {
        let within = graph[from].iter().filter(|to| circle.contains(*to));
        within.map(|to| format!("  {} → {}", name(from), name(to)))
    });
    edges.collect::<Vec<_>>().join("\n")
}

fn name(module: &Module) -> String {
    if module.is_empty() { "the crate's root".to_owned() } else { module.join("::") }
}

#[test]
fn no_file_leads_back_to_itself() {
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(repository().join("crates")).expect("there are crates") {
        let krate = entry.expect("the entry can be read").path();
        let krate_name = krate.file_name().expect("it has a name").to_string_lossy().into_owned();
        let graph = uses(&krate);
        assert!(graph.values().any(|targets| !targets.is_empty()), "no `use` line was read in {krate_name}");
        for circle in circles(&graph) {
            if STRICT.contains(&&*krate_name) || !share_a_folder(&circle) {
                wrong.push(format!("{krate_name}:\n{}", shown(&circle, &graph)));
            }
        }
    }
    assert!(wrong.is_empty(), "circles of files:\n{}", wrong.join("\n"));
}

#[test]
fn a_circle_is_found_from_use_lines() {
    let read = |module: &str, text: &str| {
        let here: Module = module.split("::").map(str::to_owned).collect();
        let mut found = Vec::new();
        used(&syn::parse_file(text).expect("it is Rust").items, &here, &mut found);
        found.into_iter().map(|path| path.join("::")).collect::<Vec<_>>()
    };
    assert_eq!(read("a::b", "use super::c::{self, D};"), ["a::c", "a::c::D"]);
    assert_eq!(read("a", "use crate::x::Y as Z; pub use child::*;"), ["x::Y", "a::child"]);
    assert_eq!(read("a", "#[cfg(test)] mod tests { use super::b; }"), [""; 0]);

    let of = |edges: &[(&str, &[&str])]| -> Uses {
        let module = |name: &str| vec![name.to_owned()];
        let edge =
            |(from, to): &(&str, &[&str])| (module(from), to.iter().map(|name| module(name)).collect());
        edges.iter().map(edge).collect()
    };
    assert!(circles(&of(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])).is_empty());
    let found = circles(&of(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(found.len(), 1);
    assert!(!share_a_folder(found.first().expect("there is one")));
}
