//! What is asked of a plugin beyond its declarations, by where it is to be installed.

use std::path::Path;

use dify_plugin_manifest::{Finding, Location, Plugin, Severity};

use crate::args::CheckTarget;

/// What is amiss for `target`.
pub(super) fn findings(root: &Path, plugin: &Plugin, target: CheckTarget) -> Vec<Finding> {
    if target == CheckTarget::Local {
        return Vec::new();
    }
    let manifest = &plugin.manifest;
    let mut findings = Vec::new();
    let mut add = |severity, code, file: &str, message: &str, help: &str| {
        findings.push(Finding::new(
            severity,
            code,
            Location::new(file, 1, 1),
            message.to_owned(),
            help.to_owned(),
        ));
    };

    // A serverless runtime starts the plugin on whichever machine it has.
    for arch in ["amd64", "arm64"] {
        if !manifest.meta.arch.iter().any(|listed| listed == arch) {
            let message = format!("`meta.arch` doesn't list {arch}, on which the plugin may be run");
            add(Severity::Misread, "one-machine", "manifest.yaml", &message, "list both amd64 and arm64");
        }
    }
    if manifest.author == "langgenius" {
        add(
            Severity::Refused,
            "reserved-author",
            "manifest.yaml",
            "the author `langgenius` is reserved for plugins that Dify's makers have signed",
            "write your own name",
        );
    }
    if target == CheckTarget::Cloud {
        return findings;
    }

    if !root.join("README.md").is_file() {
        add(
            Severity::Refused,
            "no-readme",
            "manifest.yaml",
            "there is no README.md",
            "describe the plugin in one, in English",
        );
    }
    let privacy = manifest.privacy.as_deref().unwrap_or_default();
    let is_url = privacy.contains("://");
    if privacy.is_empty() {
        let help = "write a PRIVACY.md that says what becomes of people's data, and `privacy: PRIVACY.md`";
        add(Severity::Refused, "no-privacy", "manifest.yaml", "the manifest names no privacy policy", help);
    } else if !is_url && !root.join(privacy).is_file() {
        let message = format!("there is no `{privacy}`, the privacy policy that the manifest names");
        add(
            Severity::Refused,
            "no-privacy",
            "manifest.yaml",
            &message,
            "write the file, or correct the path",
        );
    }
    if manifest.repo.as_deref().unwrap_or_default().is_empty() {
        let help = "write `repo:` and the URL of the source code";
        add(
            Severity::Misread,
            "no-repo",
            "manifest.yaml",
            "the manifest doesn't say where the source code is",
            help,
        );
    }
    if manifest.tags.is_empty() {
        let help = "write `tags:` and below it some of search, productivity, utilities and the like";
        add(
            Severity::Misread,
            "no-tags",
            "manifest.yaml",
            "without tags, the plugin is found by its name alone",
            help,
        );
    }
    // Reviews ask for the line; a native plugin doesn't need the package that it names.
    let requirements = std::fs::read_to_string(root.join("requirements.txt")).unwrap_or_default();
    let project = std::fs::read_to_string(root.join("pyproject.toml")).unwrap_or_default();
    if !requirements.contains("dify_plugin") && !project.contains("dify_plugin") {
        add(
            Severity::Misread,
            "no-sdk-line",
            "manifest.yaml",
            "a listing's review asks for `dify_plugin>=0.5.0` in requirements.txt, which a Rust plugin doesn't need",
            "ask the reviewers; with the line, the plugin no longer installs offline",
        );
    }
    findings
}
