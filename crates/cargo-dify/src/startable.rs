//! What the daemon needs in a package to install and start the plugin.

use std::fs;
use std::path::Path;

use dify_plugin_manifest::{Finding, Location, Plugin, Severity};
use dify_plugin_package::{Arch, ENTRY_MODULE};

/// Returns the two files of which `python -m <entrypoint>` starts one.
pub(crate) fn entry_modules(plugin: &Plugin) -> [String; 2] {
    let entrypoint = plugin.manifest.meta.runner.entrypoint.replace('.', "/");
    [format!("{entrypoint}.py"), format!("{entrypoint}/__main__.py")]
}

/// Returns whether `cargo dify package` adds the entry module and the dependency file to what is in a plugin's folder.
pub(crate) fn is_completed(root: &Path) -> bool {
    root.join("Cargo.toml").is_file() || Arch::ALL.iter().any(|arch| root.join(arch.binary_path()).is_file())
}

/// Returns why the daemon would not start the plugin in the folder of an unpacked package.
pub(crate) fn findings(plugin: &Plugin) -> Vec<Finding> {
    let root = &plugin.root;
    let has = |path: &str| root.join(path).is_file();
    let mut findings = Vec::new();
    let mut add = |severity, code, field: &str, message: String, help: &str| {
        let at = Location::new("manifest.yaml", 1, 1);
        let mut finding = Finding::new(severity, code, at, message, help.to_owned());
        field.clone_into(&mut finding.field);
        findings.push(finding);
    };

    let modules = entry_modules(plugin);
    let module = modules.iter().find(|module| has(module));
    if module.is_none() {
        let message = format!("the daemon can't start the plugin: there is no {}", modules[0]);
        let help = "for a Cargo package, write `meta.runner.entrypoint: main`, and `cargo dify package` adds a main.py that starts its binary; for a Python plugin, add the module";
        add(Severity::Error, "no-module", "meta.runner.entrypoint", message, help);
    }
    if !has("requirements.txt") && !has("pyproject.toml") {
        let message =
            "the daemon can't install the plugin: there is neither a requirements.txt nor a pyproject.toml";
        add(Severity::Error, "no-dependencies", "", message.to_owned(), "add an empty requirements.txt");
    }

    let (shipped, missing): (Vec<_>, Vec<_>) =
        Arch::ALL.into_iter().partition(|arch| has(&arch.binary_path()));
    let is_ours = || {
        module.is_some_and(|path| fs::read(root.join(path)).is_ok_and(|text| text == ENTRY_MODULE.as_bytes()))
    };
    if shipped.is_empty() && !is_ours() {
        return findings;
    }
    let listed = |arch: &Arch| plugin.manifest.meta.arch.iter().any(|name| name == arch.name());
    let severity = if shipped.is_empty() { Severity::Error } else { Severity::Warning };
    for arch in missing.into_iter().filter(listed) {
        let message = format!(
            "`meta.arch` lists {arch}, but the package has no binary for it: the plugin will not start there"
        );
        add(severity, "no-binary", "meta.arch", message, "build for it, or remove it from the list");
    }
    for arch in shipped.into_iter().filter(|arch| !listed(arch)) {
        let message = format!("the package has a binary for {arch}, but `meta.arch` doesn't list it");
        add(Severity::Warning, "unlisted-binary", "meta.arch", message, "list it, or remove the binary");
    }
    findings
}
