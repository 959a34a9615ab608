//! Checks of providers and their members: icons, unique names, and paths.

use std::collections::HashSet;
use std::collections::hash_map::Entry;

use serde_json::Value as Json;

use crate::report::{Fields, Place, Subject, fill_list, list, text};

/// Checks the `identity` of a provider.
pub(crate) fn provider_identity(subject: &mut Subject<'_, '_>, identity: &mut Fields) {
    fill_list(identity, "tags");
    for key in ["icon", "icon_dark"] {
        subject.icon(key, identity);
    }
}

/// Checks the `identity` of a tool or another member. The daemon accepts two members with one name, but calls of that
/// name reach only one of them.
pub(crate) fn member_identity(subject: &mut Subject<'_, '_>, identity: &mut Fields) {
    subject.icon("icon", identity);
    let name = text(identity, "name");
    if name.is_empty() || subject.report.is_silent() {
        return;
    }
    let place = subject.at("name");
    let kind = subject.report.notes.kind;
    match subject.report.notes.names.entry((kind, name.to_owned())) {
        Entry::Vacant(free) => {
            free.insert(place.at);
        }
        Entry::Occupied(first) => {
            let message = format!("the name `{name}` is already used at {}", first.get());
            subject.warn("name", "twice", message, "use a different name: calls are addressed by it");
        }
    }
}

/// Checks that no two parameters of a tool, an agent strategy or an event have the same name.
pub(crate) fn parameters(subject: &mut Subject<'_, '_>, member: &mut Fields) {
    let items = subject.get("parameters").and_then(|list| list.items().ok()).unwrap_or_default();
    let given = items.iter().filter(|item| !item.is_null().unwrap_or(true));
    let member_name =
        member.get("identity").and_then(|identity| identity["name"].as_str()).unwrap_or_default();
    let mut seen: HashSet<&str> = HashSet::new();
    for (item, parameter) in given.zip(list(member, "parameters")) {
        let name = parameter["name"].as_str().unwrap_or_default();
        let at = item.mapping().ok().and_then(|fields| fields.location_of("name"));
        let place = Place::of(item).field("name");
        let place = Place { at: at.unwrap_or(place.at), ..place };
        let notes = &mut subject.report.notes;
        notes.parameters.push((notes.kind, member_name.to_owned(), name.to_owned(), place.at.clone()));
        if !seen.insert(name) && !name.is_empty() {
            let message = format!("there is already a parameter `{name}`");
            subject.report.warn(&place, "twice", message, "use a different name: values are passed by it");
        }
    }
}

/// Checks a data source. Remote debugging refuses one without a list of parameters, even if there are none.
pub(crate) fn datasource(subject: &mut Subject<'_, '_>, member: &mut Fields) {
    if member.get("parameters").is_none_or(Json::is_null) {
        subject.warn("parameters", "missing", "`parameters` is missing", "write `parameters: []`");
    }
    parameters(subject, member);
}

/// Checks an endpoint: its path begins with `/` and is not used by another.
pub(crate) fn endpoint(subject: &mut Subject<'_, '_>, endpoint: &mut Fields) {
    let path = text(endpoint, "path");
    if path.is_empty() {
        return;
    }
    if !path.starts_with('/') {
        let message = format!("the path `{path}` does not begin with `/`");
        subject.warn("path", "wrong-format", message, format!("write `/{path}`"));
    } else if path.contains(['?', '#', ' ']) {
        let message = format!("no request can have the path `{path}`");
        subject.warn("path", "wrong-format", message, "leave out spaces, queries and fragments");
    }
    let place = subject.at("path");
    let route = format!("{} {path}", text(endpoint, "method"));
    match subject.report.notes.routes.entry(route) {
        Entry::Vacant(free) => {
            free.insert(place.at);
        }
        Entry::Occupied(first) => {
            let message = format!("`{}` is already declared at {}", first.key(), first.get());
            subject.warn("path", "twice", message, "remove one of the two");
        }
    }
}
