//! How to call a plugin: lines for a shell.

use std::net::SocketAddr;

use dify_plugin_manifest::{Method, Plugin};

use crate::args::{Dev, Launch};
use crate::declared::{self, Field, quoted};

/// A line for each endpoint and each tool, fit for pasting, and how to end.
pub(crate) fn text(plugin: &Plugin, dev: &Dev, address: Option<SocketAddr>) -> String {
    let mut lines = vec![String::new()];
    if let (Some(group), Some(address)) = (plugin.endpoint_group.as_ref(), address) {
        lines.extend(group.endpoints.iter().map(|endpoint| {
            let url = format!("http://{address}{}", with_values(&endpoint.path));
            format!("  {} {}", curl(&endpoint.method), quoted(&url))
        }));
        if group.endpoints.iter().any(|endpoint| endpoint.path.contains('<')) {
            lines.push("  (the values for <…> in the manifest are made up)".to_owned());
        }
        lines.push(String::new());
    }
    if let Some(provider) = plugin.tool_provider.as_ref() {
        let credentials = options("--credential", &declared::credentials(provider));
        for (name, tool) in declared::tool_names(provider).zip(&provider.tools) {
            lines.push(format!(
                "  cargo dify call {} tool {}{}{credentials}{}",
                quoted(&dev.dir.to_string_lossy()),
                quoted(&name),
                options("--param", &declared::parameters(tool)),
                launch_options(&dev.launch),
            ));
        }
        lines.push(String::new());
    }
    lines.push("  Ctrl-C ends it.\n".to_owned());
    lines.join("\n")
}

/// A path with an example in the place of each variable, `<name>` or `<converter:name>`, as the official SDK has them.
fn with_values(path: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, (variable, after))) =
        rest.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?)))
    {
        filled.push_str(before);
        match variable.split_once(':') {
            Some(("int" | "float", _)) => filled.push('1'),
            Some((_, name)) => filled.push_str(&name.replace("_id", "-1")),
            None => filled.push_str(&variable.replace("_id", "-1")),
        }
        rest = after;
    }
    filled + rest
}

fn curl(method: &Method) -> String {
    match method {
        Method::Get => "curl -N".to_owned(),
        Method::Head => "curl --head".to_owned(),
        Method::Post => "curl -N --data ''".to_owned(),
        Method::Put => "curl -N -X PUT --data ''".to_owned(),
        other => format!("curl -N -X {}", quoted(other.as_str())),
    }
}

/// What must be given, with examples of values.
fn options(option: &str, fields: &[Field<'_>]) -> String {
    let needed = fields.iter().filter(|field| field.must_be_given());
    needed.map(|field| format!(" {option} {}", field.example())).collect()
}

fn launch_options(launch: &Launch) -> String {
    let mut options = String::new();
    let paths = [("--script", &launch.script), ("--storage", &launch.storage), ("--python", &launch.python)];
    for (option, path) in paths {
        if let Some(path) = path {
            options.push_str(&format!(" {option} {}", quoted(&path.to_string_lossy())));
        }
    }
    if let Some(url) = &launch.dify {
        options.push_str(&format!(" --dify {}", quoted(url)));
    }
    // Keys that were given in clear have to be given again.
    for app in &launch.apps {
        options.push_str(&format!(" --app {}", quoted(&app.shown())));
    }
    for (option, given) in [("--as-daemon", launch.as_daemon), ("--release", launch.release)] {
        if given {
            options.push_str(&format!(" {option}"));
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use dify_plugin_manifest::Plugin;

    use super::*;

    #[test]
    fn variables_of_a_path_get_values() {
        for (path, filled) in [
            ("/a", "/a"),
            ("/duck/<app_id>/quack", "/duck/app-1/quack"),
            ("/<int:n>/<path:rest>", "/1/rest"),
            ("/a<b", "/a<b"),
        ] {
            assert_eq!(with_values(path), filled);
        }
    }

    #[test]
    fn every_endpoint_and_tool_has_its_line() {
        let root = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| std::fs::write(root.path().join(file), text).unwrap();
        write("manifest.yaml", "name: pond\nplugins: {tools: [pond.yaml], endpoints: [group.yaml]}\n");
        write(
            "group.yaml",
            "endpoints:\n- {path: /duck/<app_id>, method: GET}\n- {path: /feed, method: POST}\n",
        );
        write(
            "pond.yaml",
            "identity: {name: pond}\ncredentials_schema: {key: {type: secret-input, required: true}}\n\
             tools:\n- identity: {name: swim}\n  parameters:\n  - {name: far, type: number, required: true}\n\
             \x20 - {name: deep, type: boolean}\n- identity: {name: dive}\n",
        );
        let plugin = Plugin::read(root.path()).unwrap();
        let launch = Launch {
            script: Some("a b.yaml".into()),
            dify: Some("http://localhost".to_owned()),
            apps: vec!["a=app-hunter2".parse().unwrap(), "b=@keys/b".parse().unwrap()],
            storage: None,
            as_daemon: false,
            python: None,
            release: true,
        };
        let dify = "--dify http://localhost --app 'a=…' --app b=@keys/b --release";
        let dev = Dev { dir: "my/pond".into(), port: 0, settings: Vec::new(), launch };
        let text = text(&plugin, &dev, Some(([127, 0, 0, 1], 80).into()));
        assert_eq!(
            text.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            [
                "  curl -N http://127.0.0.1:80/duck/app-1",
                "  curl -N --data '' http://127.0.0.1:80/feed",
                "  (the values for <…> in the manifest are made up)",
                &*format!(
                    "  cargo dify call my/pond tool pond/swim --param far=1 --credential key=hello --script 'a b.yaml' {dify}"
                ),
                &*format!(
                    "  cargo dify call my/pond tool pond/dive --credential key=hello --script 'a b.yaml' {dify}"
                ),
                "  Ctrl-C ends it.",
            ]
        );
    }
}
