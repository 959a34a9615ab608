//! How to call a plugin, as commands for a shell.

use std::net::SocketAddr;

use dify_plugin_manifest::{Method, Plugin};

use super::options::Dev;
use crate::args::Launch;
use crate::declared::{self, Field, quoted};
use crate::endpoints::example_path;

/// Returns a command for each endpoint and each tool, and how to stop.
pub(crate) fn text(plugin: &Plugin, dev: &Dev, address: Option<SocketAddr>) -> String {
    let mut lines = vec![String::new()];
    if let (Some(group), Some(address)) = (plugin.endpoint_group.as_ref(), address) {
        lines.extend(group.endpoints.iter().map(|endpoint| {
            let url = format!("http://{address}{}", example_path(&endpoint.path));
            format!("  {} {}", curl(&endpoint.method), quoted(&url))
        }));
        if group.endpoints.iter().any(|endpoint| endpoint.path.contains('<')) {
            lines.push("  (example values replace the <…> in the declared paths)".to_owned());
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
    lines.push("  Press Ctrl-C to stop.\n".to_owned());
    lines.join("\n")
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

/// Returns options for the required values, with examples.
fn options(option: &str, fields: &[Field<'_>]) -> String {
    let needed = fields.iter().filter(|field| field.must_be_given());
    needed.map(|field| format!(" {option} {}", field.example())).collect()
}

/// Returns the options that the plugin was started with, since a call has to be given the same.
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
    // Keys are redacted; the user has to insert them.
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
