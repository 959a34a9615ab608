//! The endpoints that a plugin declares, for whoever asked for one that isn't there.

use dify_plugin_manifest::Plugin;
use http::{Method, StatusCode};

/// Methods and paths as the manifest has them.
#[derive(Debug)]
pub(crate) struct Routes(Vec<(String, String)>);

impl Routes {
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let endpoints = plugin.endpoint_group.as_ref().into_iter().flat_map(|group| &group.endpoints);
        Self(endpoints.map(|endpoint| (endpoint.method.as_str().to_owned(), endpoint.path.clone())).collect())
    }

    /// What helps with an answer of `status` to a request for `path`: of 404, whose it is. The daemon itself looks at no
    /// declaration and hands the plugin every path.
    pub(crate) fn help(&self, status: StatusCode, method: &Method, path: &str) -> Option<String> {
        if status != StatusCode::NOT_FOUND {
            return None;
        }
        let line = |(method, path): &(String, String)| format!("{method} {path}");
        let asked = self
            .0
            .iter()
            .find(|(known, pattern)| known.eq_ignore_ascii_case(method.as_str()) && matches(pattern, path));
        Some(match asked {
            Some(route) => format!(
                "the manifest declares {}, but the plugin's own router has no such route, or its handler says 404",
                line(route)
            ),
            None if self.0.is_empty() => "the manifest declares no endpoints".to_owned(),
            None => {
                format!("the manifest declares: {}", self.0.iter().map(line).collect::<Vec<_>>().join(", "))
            }
        })
    }
}

/// Whether a declared path, with variables as `<name>` or `<converter:name>`, stands for `path`.
fn matches(pattern: &str, path: &str) -> bool {
    let variable = pattern.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?)));
    let Some((before, (variable, after))) = variable else { return pattern == path };
    let Some(rest) = path.strip_prefix(before) else { return false };
    let fits = |value: &str| match variable.split_once(':') {
        Some(("path", _)) => true,
        Some(("int", _)) => value.bytes().all(|byte| byte.is_ascii_digit()),
        Some(("float", _)) => value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'),
        _ => !value.contains('/'),
    };
    (1..=rest.len())
        .filter_map(|end| rest.split_at_checked(end))
        .any(|(value, rest)| fits(value) && matches(after, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_path_stands_for_those_with_its_variables_filled_in() {
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
    fn a_404_is_explained_by_what_is_declared() {
        let routes = Routes(vec![
            ("GET".to_owned(), "/duck/<app_id>".to_owned()),
            ("POST".to_owned(), "/feed".to_owned()),
        ]);
        let help = |status, path| routes.help(status, &Method::GET, path);
        assert_eq!(help(StatusCode::OK, "/duk"), None);
        assert_eq!(help(StatusCode::BAD_REQUEST, "/duk"), None);
        let listed = Some("the manifest declares: GET /duck/<app_id>, POST /feed".to_owned());
        assert_eq!(help(StatusCode::NOT_FOUND, "/duk/app-1"), listed);
        assert_eq!(help(StatusCode::NOT_FOUND, "/feed"), listed);
        let own = help(StatusCode::NOT_FOUND, "/duck/app-1").unwrap();
        assert!(own.contains("declares GET /duck/<app_id>, but the plugin's own router"), "{own}");
    }
}
