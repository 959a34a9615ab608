//! What a plugin needs besides valid declarations, by where it will be installed.

use std::path::Path;

use clap::ValueEnum;
use dify_plugin_manifest::{Finding, Location, Plugin, Severity};

/// Where a plugin will be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckTarget {
    /// A Dify of your own
    Local,
    /// A Dify that accepts only signed plugins and runs them elsewhere
    Cloud,
    /// Dify's marketplace, where people review the plugin too
    Marketplace,
}

/// Returns what is missing for `target`.
pub(super) fn findings(root: &Path, plugin: &Plugin, target: CheckTarget) -> Vec<Finding> {
    if target == CheckTarget::Local {
        return Vec::new();
    }
    let manifest = &plugin.manifest;
    let mut findings = Vec::new();
    let mut add = |is_wrong: bool, severity, code, message: &str, help: &str| {
        if is_wrong {
            let at = Location::new("manifest.yaml", 1, 1);
            findings.push(Finding::new(severity, code, at, message.to_owned(), help.to_owned()));
        }
    };

    // A serverless runtime starts the plugin on any of its machines.
    for arch in ["amd64", "arm64"] {
        let is_listed = manifest.meta.arch.iter().any(|listed| listed == arch);
        let message = format!("`meta.arch` doesn't list {arch}, but the plugin may run there");
        add(!is_listed, Severity::Warning, "one-machine", &message, "list both amd64 and arm64");
    }
    let is_reserved = manifest.author == "langgenius";
    let message = "the author `langgenius` is reserved for plugins signed by Dify";
    add(is_reserved, Severity::Error, "reserved-author", message, "use your own name");
    if target == CheckTarget::Cloud {
        return findings;
    }

    let has = |file: &str| root.join(file).is_file();
    let help = "add a README.md that describes the plugin in English";
    add(!has("README.md"), Severity::Error, "no-readme", "there is no README.md", help);
    let privacy = manifest.privacy.as_deref().unwrap_or_default();
    let help = "add a PRIVACY.md that says what happens to people's data, and `privacy: PRIVACY.md`";
    add(privacy.is_empty(), Severity::Error, "no-privacy", "the manifest names no privacy policy", help);
    let is_missing = !privacy.is_empty() && !privacy.contains("://") && !has(privacy);
    let message = format!("the privacy policy `{privacy}` doesn't exist");
    add(is_missing, Severity::Error, "no-privacy", &message, "add the file, or correct the path");
    let has_repo = manifest.repo.as_deref().is_some_and(|repo| !repo.is_empty());
    let message = "the manifest doesn't say where the source code is";
    add(!has_repo, Severity::Warning, "no-repo", message, "add `repo:` with the URL of the source code");
    let message = "without tags, people find the plugin only by its name";
    let help = "add `tags:`, such as search, productivity or utilities";
    add(manifest.tags.is_empty(), Severity::Warning, "no-tags", message, help);
    // Reviewers ask for the line, although a native plugin doesn't need the package.
    let names_sdk = ["requirements.txt", "pyproject.toml"]
        .into_iter()
        .any(|file| std::fs::read_to_string(root.join(file)).is_ok_and(|text| text.contains("dify_plugin")));
    let message =
        "reviewers ask for `dify_plugin>=0.5.0` in requirements.txt, although a Rust plugin doesn't need it";
    let help = "ask the reviewers; with the line, the plugin can't be installed without a network";
    add(!names_sdk, Severity::Warning, "no-sdk-line", message, help);
    findings
}
