//! The endpoints that a plugin declares: their settings and their paths.

use dify_plugin_manifest::Plugin;
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::assignment::Assignment;
use crate::console::Console;
use crate::declared;
use crate::error::Error;

/// The id in the endpoint's public address, `/e/<id>/…`, which Dify makes up for each installed endpoint.
pub(crate) const HOOK_ID: &str = "cargo-dify";

/// Returns the settings for a plugin's endpoints: the given ones, and defaults for the rest; `None` without endpoints.
///
/// # Errors
///
/// Fails if a text can't be read as the declared type.
pub(crate) fn settings(
    plugin: &Plugin,
    given: &[Assignment],
    console: &Console,
) -> Result<Option<Map<String, Value>>, Error> {
    let Some(group) = plugin.endpoint_group.as_ref() else { return Ok(None) };
    let settings = declared::fill("--setting", &declared::settings(group), given)?;
    for warning in &settings.warnings {
        console.warning(warning);
    }
    if !plugin.manifest.resource.permission.endpoint {
        console.warning(
            "Dify will not offer these endpoints: the manifest lacks `resource.permission.endpoint.enabled: true`",
        );
    }
    Ok(Some(settings.values))
}

/// The declared methods and paths.
#[derive(Debug)]
pub(crate) struct Routes(Vec<(String, String)>);

impl Routes {
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let endpoints = plugin.endpoint_group.as_ref().into_iter().flat_map(|group| &group.endpoints);
        Self(endpoints.map(|endpoint| (endpoint.method.as_str().to_owned(), endpoint.path.clone())).collect())
    }

    /// Returns what a 404 for `path` means: the daemon doesn't look at the declared paths and passes every request on, so a 404
    /// always comes from the plugin.
    pub(crate) fn help(&self, status: StatusCode, method: &Method, path: &str) -> Option<String> {
        if status != StatusCode::NOT_FOUND {
            return None;
        }
        let line = |(method, path): &(String, String)| format!("{method} {path}");
        let declared = self
            .0
            .iter()
            .find(|(known, pattern)| known.eq_ignore_ascii_case(method.as_str()) && matches(pattern, path));
        Some(match declared {
            Some(route) => format!(
                "the manifest declares {}, but the plugin's router has no such route or its handler returned 404",
                line(route)
            ),
            None if self.0.is_empty() => "the manifest declares no endpoints".to_owned(),
            None => {
                format!("the manifest declares: {}", self.0.iter().map(line).collect::<Vec<_>>().join(", "))
            }
        })
    }
}

/// Splits a declared path at its first variable, `<name>` or `<converter:name>`: what is before it, its converter, its name, and
/// the rest.
fn split_variable(pattern: &str) -> Option<(&str, &str, &str, &str)> {
    let (before, rest) = pattern.split_once('<')?;
    let (variable, after) = rest.split_once('>')?;
    let (converter, name) = variable.split_once(':').unwrap_or(("", variable));
    Some((before, converter, name, after))
}

/// Returns whether `path` matches a declared path.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((before, converter, _, after)) = split_variable(pattern) else { return pattern == path };
    let Some(rest) = path.strip_prefix(before) else { return false };
    let fits = |value: &str| match converter {
        "path" => true,
        "int" => value.bytes().all(|byte| byte.is_ascii_digit()),
        "float" => value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
        _ => !value.contains('/'),
    };
    (1..=rest.len())
        .filter_map(|end| rest.split_at_checked(end))
        .any(|(value, rest)| fits(value) && matches(after, rest))
}

/// Replaces each variable of a declared path by an example.
pub(crate) fn example_path(pattern: &str) -> String {
    let Some((before, converter, name, after)) = split_variable(pattern) else { return pattern.to_owned() };
    let value = match converter {
        "int" | "float" => "1".to_owned(),
        _ => name.replace("_id", "-1"),
    };
    format!("{before}{value}{}", example_path(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_with_any_value_that_its_converter_allows() {
        for (pattern, path, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/duck/<app_id>", "/duck/app-1", true),
            ("/duck/<app_id>", "/duk/app-1", false),
            ("/duck/<app_id>", "/duck/", false),
            ("/duck/<app_id>", "/duck/a/b", false),
            ("/<a>/x-<b>.html", "/é/x-1.html", true),
            ("/<int:n>/<path:rest>", "/12/a/b", true),
            ("/<int:n>", "/a", false),
            ("/<float:n>", "/1.5", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn variables_of_a_path_become_examples() {
        for (path, filled) in [
            ("/a", "/a"),
            ("/duck/<app_id>/quack", "/duck/app-1/quack"),
            ("/<int:n>/<path:rest>", "/1/rest"),
            ("/a<b", "/a<b"),
        ] {
            assert_eq!(example_path(path), filled);
        }
    }
}
