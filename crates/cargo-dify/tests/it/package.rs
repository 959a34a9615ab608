//! `cargo dify package`, `test`, `inspect`, `keygen`, `sign` and `verify`, on a plugin that needs no build.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::pond::{PYTHON, Pond};

const ANSWER: &str = r#"
    case $line in
    *'"tool":"swim"'*) say stream '{"type":"text","message":{"text":"swam"}}' ;;
    *) say error '{"error_type":"HandlerNotFound","message":"no such tool","args":{}}' ;;
    esac
    say end null"#;

/// `cargo dify <args>` in the folder.
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-dify"));
    let output = command.arg("dify").args(args).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A pond with an icon and `pond-0.0.1.difypkg` in it, and what was said of that as JSON.
fn packed(more: &[(&str, &str)]) -> (Pond, Value, String) {
    let pond = Pond::answering(ANSWER);
    fs::create_dir(pond.path("_assets")).unwrap();
    for (name, text) in more.iter().chain(&[("_assets/icon.svg", "<svg/>"), ("requirements.txt", "")]) {
        if let Some(folder) = pond.path(name).parent() {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(pond.path(name), text).unwrap();
    }
    let (code, stdout, stderr) = run(pond.dir(), &["package", "--no-build", "--json"]);
    assert_eq!(code, Some(0), "{stderr}");
    (pond, serde_json::from_str(&stdout).unwrap(), stderr)
}

fn paths(pond: &Pond, package: &str) -> Vec<String> {
    let (_, stdout, _) = run(pond.dir(), &["inspect", package, "--json"]);
    let told: Value = serde_json::from_str(&stdout).unwrap();
    told["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_package_runs_as_the_daemon_runs_it() {
    let (pond, said, _) = packed(&[]);
    assert_eq!(said["file"], "pond-0.0.1.difypkg");
    let identifier = said["unique_identifier"].as_str().unwrap();
    assert!(identifier.starts_with("tests/pond:0.0.1@"), "{identifier}");
    // From another folder, so that nothing of the plugin's own is used.
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(pond.path("pond-0.0.1.difypkg"), elsewhere.path().join("p.difypkg")).unwrap();

    let (code, stdout, stderr) = run(elsewhere.path(), &["test", "p.difypkg", "--python", PYTHON, "--json"]);
    assert_eq!(code, Some(0), "{stderr}");
    let result: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&result["passed"], &result["unique_identifier"]), (&true.into(), &identifier.into()));

    let call = ["call", "p.difypkg", "tool", "pond/swim", "--param", "far=3", "--python", PYTHON];
    let (code, stdout, stderr) = run(elsewhere.path(), &call);
    assert_eq!((code, &*stdout), (Some(0), "swam\n"), "{stderr}");
}

#[test]
fn a_package_that_does_not_hold_together_fails_and_says_where() {
    let (pond, ..) = packed(&[("start.sh", "echo 'not the protocol'")]);
    let (code, _, stderr) = run(pond.dir(), &["test", "pond-0.0.1.difypkg", "--python", PYTHON]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("wrote 1 lines on stdout that aren't the protocol's"), "{stderr}");

    let (pond, ..) = packed(&[("start.sh", "echo 'no lake here' >&2; exit 3")]);
    let (code, _, stderr) = run(pond.dir(), &["test", "pond-0.0.1.difypkg", "--python", PYTHON]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("no lake here"), "{stderr}");

    fs::write(pond.path("p.difypkg"), "no zip file").unwrap();
    let (code, _, stderr) = run(pond.dir(), &["test", "p.difypkg"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("`p.difypkg` is not a package the daemon reads"), "{stderr}");
}

#[test]
fn secrets_packages_and_what_is_ignored_stay_out() {
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", "MIIEowIBAAKCAQEAx".repeat(4));
    let (pond, said, stderr) = packed(&[
        (".env", "KEY=hunter2"),
        (".env.example", "KEY="),
        ("notes.txt", &key),
        ("old.difypkg", ""),
        (".git/config", ""),
        ("target/CACHEDIR.TAG", ""),
        ("src/main.rs", ""),
        (".difyignore", "/src\n!/src/main.rs\n"),
    ]);
    let left_out: Vec<_> =
        said["left_out"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    assert_eq!(left_out, [".env", ".git/", "notes.txt", "old.difypkg", "target/"]);
    assert!(
        stderr.contains(".env (settings of this machine)") && stderr.contains("notes.txt (a private key)"),
        "{stderr}"
    );
    assert!(!stderr.contains("hunter2"));
    assert_eq!(
        paths(&pond, "pond-0.0.1.difypkg"),
        [
            ".difyignore",
            ".env.example",
            "_assets/icon.svg",
            "answer.sh",
            "group.yaml",
            "main.py",
            "manifest.yaml",
            "pond.yaml",
            "requirements.txt"
        ]
    );
    // The package is left out of the next, so that the same files give the same bytes.
    let first = fs::read(pond.path("pond-0.0.1.difypkg")).unwrap();
    assert_eq!(run(pond.dir(), &["package", "--no-build", "-o", "again.difypkg"]).0, Some(0));
    assert_eq!(fs::read(pond.path("again.difypkg")).unwrap(), first);
}

#[test]
fn what_the_daemon_would_refuse_is_not_packed() {
    let (pond, ..) = packed(&[]);
    fs::write(pond.path(".difyignore"), "pond.yaml\n").unwrap();
    let (code, _, stderr) = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("the package lacks what the plugin declares") && stderr.contains(".difyignore"),
        "{stderr}"
    );

    fs::write(pond.path(".difyignore"), "").unwrap();
    fs::create_dir(pond.path("bin")).unwrap();
    fs::write(pond.path("bin/plugin-linux-amd64"), "#!/bin/sh").unwrap();
    let (_, _, stderr) = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
    assert!(stderr.contains("`bin/plugin-linux-amd64` can't go into the package"), "{stderr}");
    assert!(stderr.contains("not a Linux executable of 64 bits"), "{stderr}");
    fs::remove_file(pond.path("bin/plugin-linux-amd64")).unwrap();

    // It unpacks to more than the daemon takes.
    fs::File::create(pond.path("lake.bin")).unwrap().set_len(51 << 20).unwrap();
    let (_, _, stderr) = run(pond.dir(), &["package", "--no-build", "-o", "p.difypkg"]);
    assert!(
        stderr.contains("of which 52428800 are allowed") && stderr.contains("lake.bin (52224 KiB)"),
        "{stderr}"
    );
    assert!(!pond.path("p.difypkg").exists());
}

#[test]
fn a_signed_package_is_verified_with_its_own_key_alone_and_signed_again() {
    let (pond, ..) = packed(&[]);
    for name in ["ours", "theirs"] {
        assert_eq!(run(pond.dir(), &["keygen", name]).0, Some(0));
    }
    let mode = fs::metadata(pond.path("ours.private.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A key is never overwritten.
    assert_eq!(run(pond.dir(), &["keygen", "ours"]).0, Some(1));

    let sign = ["sign", "pond-0.0.1.difypkg", "--key", "ours.private.pem"];
    let (code, _, stderr) = run(pond.dir(), &sign);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED=true"), "{stderr}");
    let verify = |package: &str, key: &str| run(pond.dir(), &["verify", package, "--key", key, "--json"]);
    let (code, stdout, _) = verify("pond-0.0.1.signed.difypkg", "ours.public.pem");
    assert_eq!((code, stdout.trim()), (Some(0), r#"{"category":"langgenius","verified":true}"#));
    let (code, stdout, stderr) = verify("pond-0.0.1.signed.difypkg", "theirs.public.pem");
    assert_eq!((code, stdout.trim()), (Some(1), r#"{"category":"langgenius","verified":false}"#));
    assert!(stderr.contains("signed with another key, or was changed since"), "{stderr}");
    assert!(verify("pond-0.0.1.difypkg", "ours.public.pem").2.contains("the package is not signed"));
    assert!(verify("pond-0.0.1.difypkg", "ours.private.pem").2.contains("no PEM block `RSA PUBLIC KEY`"));

    let again = [
        "sign",
        "pond-0.0.1.signed.difypkg",
        "-k",
        "theirs.private.pem",
        "-c",
        "community",
        "-o",
        "again.difypkg",
    ];
    assert_eq!(run(pond.dir(), &again).0, Some(0));
    let (_, stdout, _) = verify("again.difypkg", "theirs.public.pem");
    assert_eq!(stdout.trim(), r#"{"category":"community","verified":true}"#);
    let signatures =
        paths(&pond, "again.difypkg").iter().filter(|path| path.contains("verification")).count();
    assert_eq!(signatures, 1);
}
