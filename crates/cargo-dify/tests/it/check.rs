//! `cargo dify check`: its findings, their places, and the exit code.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use dify_plugin_package::{Arch, ENTRY_MODULE, MAX_PACKAGE_BYTES, Package, Selection};
use serde_json::{Value, json};

use crate::packaging::{elf, run, stderr};
use crate::pond::Pond;

fn checked(pond: &Pond, args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(pond.dir(), &[&["check"], args].concat());
    (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output))
}

fn edit(pond: &Pond, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(pond.path(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(pond.path(file), text.replace(from, to)).unwrap();
}

#[test]
fn a_plugin_without_mistakes_has_no_findings() {
    let pond = Pond::answering("");
    let (code, out, printed) = checked(&pond, &[]);
    assert_eq!((code, &*out), (Some(0), ""));
    assert!(printed.contains("Checked .: 0 errors, 0 warnings"), "{printed}");
    let (_, out, _) = checked(&pond, &["--json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap(),
        json!({"errors": 0, "warnings": 0, "findings": []})
    );
}

#[test]
fn all_findings_are_reported_at_once_and_strict_makes_warnings_fail() {
    let pond = Pond::answering("");
    edit(&pond, "pond.yaml", "form: llm", "form: lmm");
    let (code, out, printed) = checked(&pond, &[]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(out.contains("warning: unknown-value") && out.contains("[pond.yaml:6:"), "{out}");
    assert!(out.contains("did you mean `llm`?"), "{out}");
    assert!(!out.contains('\u{1b}'), "colour where there is no terminal: {out}");
    assert_eq!(checked(&pond, &["--strict"]).0, Some(1));

    edit(&pond, "manifest.yaml", "author: tests", "author: The Tests");
    fs::remove_file(pond.path("_assets/icon.svg")).unwrap();
    let (code, out, printed) = checked(&pond, &["--json"]);
    assert_eq!(code, Some(1));
    assert!(printed.ends_with("error: 3 errors, 1 warning\n"), "{printed}");
    let result: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&result["errors"], &result["warnings"]), (&json!(3), &json!(1)));
    let finding =
        result["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "illegal").unwrap();
    assert_eq!(
        (&finding["file"], &finding["line"], &finding["column"]),
        (&json!("manifest.yaml"), &json!(3), &json!(9))
    );
    assert_eq!((&finding["severity"], &finding["field"]), (&json!("error"), &json!("author")));
}

#[test]
fn a_folder_without_manifest_and_broken_yaml_are_findings_too() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("error: no-manifest"), "{shown}");

    let pond = Pond::answering("");
    edit(&pond, "pond.yaml", "tools:", "tools");
    let (code, out, _) = checked(&pond, &[]);
    assert_eq!(code, Some(1));
    assert!(out.contains("error: not-yaml") && out.contains("[pond.yaml:"), "{out}");
}

#[test]
fn the_marketplace_requires_more_than_a_local_dify() {
    let pond = Pond::answering("");
    let (code, out, _) = checked(&pond, &["--target", "cloud"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("warning: one-machine"), "{out}");
    let (code, out, _) = checked(&pond, &["--target", "marketplace"]);
    assert_eq!(code, Some(1));
    for code in ["no-readme", "no-privacy", "no-tags", "no-repo", "no-sdk-line"] {
        assert!(out.contains(code), "{code}: {out}");
    }
    for (name, text) in
        [("README.md", "Pond"), ("PRIVACY.md", "None"), ("requirements.txt", "dify_plugin>=0.5.0")]
    {
        fs::write(pond.path(name), text).unwrap();
    }
    edit(&pond, "manifest.yaml", "arch: [amd64]", "arch: [amd64, arm64]");
    edit(
        &pond,
        "manifest.yaml",
        "icon:",
        "privacy: PRIVACY.md\nrepo: https://example.com/pond\ntags: [travel]\nicon:",
    );
    let (code, out, _) = checked(&pond, &["--target", "marketplace", "--strict"]);
    assert_eq!((code, &*out), (Some(0), ""));
}

/// A plugin whose binary, built by the fake cargo, prints this description.
fn describing(description: &str) -> Pond {
    let pond = Pond::answering("");
    fs::write(pond.path("Cargo.toml"), "").unwrap();
    let binary = pond.path("binary-");
    let script = format!("#!/bin/sh\ntest \"$DIFY_PLUGIN_DESCRIBE\" = 1 && echo '{description}'\n");
    fs::write(&binary, script).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    pond
}

#[test]
fn the_declarations_are_compared_with_what_the_code_registers() {
    let swim = |rest: &str| {
        format!(
            r#"{{"dify_plugin_description":2,"tool_providers":[{{"name":"pond","check_credentials":false,"tools":[{rest}]}}],"endpoints":true}}"#
        )
    };
    let far = |kind: &str| {
        let schema =
            format!(r#"{{"type":"object","properties":{{"far":{{"type":"{kind}"}}}},"required":["far"]}}"#);
        format!(r#"{{"name":"swim","parameters":{schema}}}"#)
    };
    let codes = |description: &str| {
        let (_, out, printed) = checked(&describing(description), &["--json"]);
        let result: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{printed}"));
        let findings = result["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(codes(&swim(&far("number"))), none);
    assert_eq!(codes(&swim(r#"{"name":"swim","parameters":true}"#)), none);
    assert_eq!(codes(&swim(&far("integer"))), none);
    assert_eq!(codes(&swim(&far("string"))), ["other-type"]);
    assert_eq!(codes(&swim("")), ["no-handler"]);
    assert_eq!(codes(&swim(r#"{"name":"swim","parameters":{"type":"object"}}"#)), ["unread-parameter"]);
    assert_eq!(
        codes(&swim(&format!("{},{{\"name\":\"dive\",\"parameters\":true}}", far("number")))),
        ["undeclared-tool"]
    );
    let wants_more = far("number").replace(r#"["far"]"#, r#"["far","deep"]"#);
    assert_eq!(codes(&swim(&wants_more)), ["undeclared-parameter"]);
    assert_eq!(
        codes(&swim(&far("number")).replace("\"endpoints\":true", "\"endpoints\":false")),
        ["no-handler"]
    );

    // The finding points at the declaration.
    let (code, out, _) = checked(&describing(&swim("")), &[]);
    assert_eq!(code, Some(1));
    assert!(
        out.contains("the code doesn't register the tool `pond/swim`") && out.contains("[pond.yaml:3:"),
        "{out}"
    );
}

#[test]
fn a_plugin_without_a_description_is_an_error_that_suggests_no_build() {
    for (description, words) in [
        ("{}", "it printed something else than a description"),
        (r#"{"dify_plugin_description":7}"#, "version 7"),
    ] {
        let (code, _, printed) = checked(&describing(description), &[]);
        assert_eq!(code, Some(1));
        assert!(printed.contains(words) && printed.contains("--no-build"), "{printed}");
    }
    assert_eq!(checked(&describing("hello"), &["--no-build"]).0, Some(0));
}

#[test]
fn a_package_is_checked_like_its_folder() {
    let pond = Pond::answering("");
    assert!(run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]).status.success());
    let (code, out, printed) = checked(&pond, &["p.difypkg"]);
    assert_eq!((code, &*out), (Some(0), ""), "{printed}");
}

type Files = Vec<(String, Vec<u8>)>;

#[test]
fn a_package_that_the_daemon_could_not_start_is_refused() {
    let codes = |pond: &Pond, what: &str| {
        let (_, out, printed) = checked(pond, &[what, "--json"]);
        let result: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{printed}"));
        let findings = result["findings"].as_array().unwrap();
        let coded = |finding: &Value| format!("{} {}", finding["severity"], finding["code"]).replace('"', "");
        findings.iter().map(coded).collect::<Vec<_>>()
    };
    // Created without the command, which would refuse to.
    let repacked = |pond: &Pond, change: &dyn Fn(&mut Files)| {
        let mut files = Selection::of(pond.dir(), MAX_PACKAGE_BYTES).unwrap().into_files();
        change(&mut files);
        fs::write(pond.path("p.difypkg"), Package::new(files).unwrap().write().unwrap()).unwrap();
        codes(pond, "p.difypkg")
    };
    let pond = Pond::answering("");
    let none: [&str; 0] = [];
    assert_eq!(repacked(&pond, &|_| {}), none);
    let without = |name: &'static str| repacked(&pond, &move |files| files.retain(|(path, _)| path != name));
    assert_eq!(without("main.py"), ["error no-module"]);
    assert_eq!(without("requirements.txt"), ["error no-dependencies"]);

    let binary = |files: &mut Files, arch: Arch| files.push((arch.binary_path(), elf(0)));
    assert_eq!(repacked(&pond, &|files| binary(files, Arch::Amd64)), none);
    assert_eq!(
        repacked(&pond, &|files| binary(files, Arch::Arm64)),
        ["warning no-binary", "warning unlisted-binary"]
    );
    fs::write(pond.path("main.py"), ENTRY_MODULE).unwrap();
    assert_eq!(repacked(&pond, &|_| {}), ["error no-binary"]);

    // A folder is packaged as it is, unless it has a binary or a Cargo.toml.
    fs::remove_file(pond.path("main.py")).unwrap();
    fs::remove_file(pond.path("requirements.txt")).unwrap();
    assert_eq!(codes(&pond, "."), ["error no-module", "error no-dependencies"]);
    fs::create_dir(pond.path("bin")).unwrap();
    fs::write(pond.path("bin/plugin-linux-amd64"), elf(0)).unwrap();
    assert_eq!(codes(&pond, "."), none);
}

#[test]
fn control_characters_in_a_file_do_not_reach_the_terminal() {
    let pond = Pond::answering("");
    edit(&pond, "pond.yaml", "form: llm", r#"form: "\e]0;gone\a""#);
    let (_, out, _) = checked(&pond, &[]);
    assert!(out.contains("unknown-value") && !out.contains('\u{1b}') && !out.contains('\u{7}'), "{out}");
}

#[test]
fn a_plugin_that_keeps_running_after_its_description_is_not_waited_for() {
    let description = r#"{"dify_plugin_description":2,"tool_providers":[{"name":"pond","tools":[{"name":"swim","parameters":true}]}],"endpoints":true}"#;
    let pond = describing(description);
    let script = fs::read_to_string(pond.path("binary-")).unwrap();
    fs::write(pond.path("binary-"), format!("{script}exec sleep 1000 >/dev/null\n")).unwrap();
    assert_eq!(checked(&pond, &["--strict"]).0, Some(0));
}
