//! `cargo dify new`: what it writes, and what it refuses. `.ci/run` builds the new plugins.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::packaging::{run, stderr, stdout};

fn made(dir: &Path, args: &[&str]) -> serde_json::Value {
    stdout(&run(dir, &[&["new"], args, &["--json"]].concat()))
}

#[test]
fn a_new_plugin_of_each_kind_has_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, declared) in [("tool", "provider/my-duck.yaml"), ("endpoint", "group/my-duck.yaml")] {
        let path = format!("{kind}/my-duck");
        let result = made(
            dir.path(),
            &[&path, "--kind", kind, "--author", "pond", "--description", "Says: \"quack\" # twice"],
        );
        assert_eq!(
            (&result["dir"], &result["name"], &result["kind"]),
            (&json!(path), &json!("my-duck"), &json!(kind))
        );
        let files = result["files"].as_array().unwrap();
        assert!(files.contains(&json!(declared)) && files.contains(&json!("tests/hello.rs")), "{files:?}");
        for file in files {
            assert!(dir.path().join(&path).join(file.as_str().unwrap()).is_file(), "{file}");
        }
        for target in ["local", "marketplace"] {
            let output = run(dir.path(), &["check", &path, "--no-build", "--target", target]);
            assert!(
                output.status.success(),
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                stderr(&output)
            );
        }
        if kind == "endpoint" {
            // Dify refuses a group without it at upload.
            let group = fs::read_to_string(dir.path().join(&path).join(declared)).unwrap();
            assert!(group.lines().any(|line| line == "settings: []"), "{group}");
        }
        let strict = run(dir.path(), &["check", &path, "--no-build", "--strict"]);
        assert!(strict.status.success(), "{}", String::from_utf8_lossy(&strict.stdout));
    }
}

#[test]
fn nothing_is_ever_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("duck")).unwrap();
    made(dir.path(), &["duck"]);
    let before = fs::read(dir.path().join("duck/Cargo.toml")).unwrap();
    fs::write(dir.path().join("lake"), "").unwrap();
    for name in ["duck", "lake"] {
        let output = run(dir.path(), &["new", name]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).contains("already exists, and nothing is overwritten"),
            "{}",
            stderr(&output)
        );
    }
    assert_eq!(fs::read(dir.path().join("duck/Cargo.toml")).unwrap(), before);
}

#[test]
fn an_invalid_name_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    for (args, words) in [
        (&["Duck"][..], "`Duck` is not a valid plugin name; try `duck`"),
        (&["serde"], "is reserved by Rust or cargo"),
        (&["my plugin"], "try `my-plugin`"),
        (&["ente-ü"], "is not a valid plugin name"),
        (&[".."], "use 1 to 64 characters of a-z, 0-9, `-` and `_`"),
        (&["2duck"], "start with a letter"),
        (&["-duck"], "unexpected argument"),
        (&["match"], "such as `match-plugin`"),
        (&["dify-plugin"], "is reserved by Rust or cargo"),
        (&["dify_plugin"], "is reserved by Rust or cargo"),
        (&["duck", "--author", ""], "is not a valid author name"),
        (&["duck", "--author", "123e4567-e89b-12d3-a456-426614174000"], "is a UUID"),
        (&["duck", "--author", "123e4567e89b12d3a456426614174000"], "is a UUID"),
        (&["duck", "--description", "two\nlines"], "use a single line"),
        (&["duck", "--author", "The Pond"], "is not a valid author name"),
        (&[], "cargo dify new my-plugin"),
    ] {
        let output = run(dir.path(), &[&["new"], args].concat());
        assert!(!output.status.success(), "{args:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn the_crates_option_sets_the_path_of_the_dependencies() {
    let dir = tempfile::tempdir().unwrap();
    made(dir.path(), &["duck", "--crates", "/some/crates"]);
    let manifest = fs::read_to_string(dir.path().join("duck/Cargo.toml")).unwrap();
    assert!(
        manifest.contains(r#"dify-plugin = { path = "/some/crates/dify-plugin", default-features = false }"#),
        "{manifest}"
    );
    assert!(
        manifest.contains(r#"dify-plugin-test = { path = "/some/crates/dify-plugin-test" }"#),
        "{manifest}"
    );
}

#[test]
fn names_become_labels_and_no_placeholder_is_left() {
    let dir = tempfile::tempdir().unwrap();
    for kind in ["tool", "endpoint"] {
        let path = format!("{kind}/my-plugin_2");
        let description = "Says: \"{{name}}\" # quack";
        let created = made(dir.path(), &[&path, "--kind", kind, "--description", description]);
        for file in created["files"].as_array().unwrap() {
            let text = fs::read_to_string(dir.path().join(&path).join(file.as_str().unwrap())).unwrap();
            let text = text.replace("{{name}}\\\"", "").replace("\"{{name}}\"", "");
            assert!(!text.contains("{{"), "{file}: {text}");
        }
        let manifest = fs::read_to_string(dir.path().join(&path).join("manifest.yaml")).unwrap();
        assert!(manifest.contains("  en_US: My plugin 2\n"), "{manifest}");
        let created_at = manifest.split_once("created_at: \"").unwrap().1;
        assert!(created_at[..21].ends_with("Z\""), "{created_at}");
    }
}

#[test]
fn the_author_is_the_user_with_a_valid_name() {
    for (user, author) in [("ada", "ada"), ("Ada Lovelace", "ada-lovelace"), ("ü", "author"), ("", "author")]
    {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
        command.args(["dify", "new", "duck"]).current_dir(dir.path()).env("USER", user).stdin(Stdio::null());
        assert!(command.output().unwrap().status.success());
        let manifest = fs::read_to_string(dir.path().join("duck/manifest.yaml")).unwrap();
        assert!(manifest.contains(&format!("author: {author}\n")), "{manifest}");
    }
}
