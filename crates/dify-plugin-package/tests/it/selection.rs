//! The selection of files, compared with the daemon's packager.
#![cfg(unix)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use dify_plugin_package::{MAX_PACKAGE_BYTES, Package, Reason, Secret, Selection, SelectionError};

use crate::folders::{by_daemon, folder};

fn select(dir: &Path) -> Result<Selection, SelectionError> {
    Selection::of(dir, MAX_PACKAGE_BYTES)
}

/// Creates a folder with these files, each with its path as content.
fn with(files: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in files {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, file).unwrap();
    }
    dir
}

fn paths(selection: Selection) -> Vec<String> {
    selection.into_files().into_iter().map(|(path, _)| path).collect()
}

fn left_out(dir: &Path) -> Vec<(String, Reason)> {
    select(dir).unwrap().left_out().iter().map(|left| (left.path.clone(), left.reason)).collect()
}

#[test]
fn a_folder_gives_the_same_package_as_with_the_daemon() {
    for name in ["odd", "git", "plain"] {
        let dir = folder(name);
        let selection = select(dir.path()).unwrap();
        assert_eq!(selection.left_out(), [], "{name}");
        let package = Package::new(selection.into_files()).unwrap();
        assert_eq!(package, by_daemon(name), "{name}");
    }
}

#[test]
fn secrets_and_build_output_are_left_out_and_listed() {
    let dir = with(&[
        "Cargo.toml",
        "target/debug/x",
        "sub/target/kept",
        "sub/crate/Cargo.toml",
        "sub/crate/target/x",
        ".git/HEAD",
        "sub/.git",
        "out/CACHEDIR.TAG",
        ".venv/pyvenv.cfg",
        "__pycache__/main.pyc",
        "old-0.0.1.difypkg",
        ".env",
        "sub/.env.local",
        ".env.example",
        "id_rsa",
    ]);
    fs::write(
        dir.path().join("server.pem"),
        format!("-----BEGIN PRIVATE KEY-----\n{}\n", "MIIEvQ".repeat(20)),
    )
    .unwrap();
    fs::write(dir.path().join("ca.pem"), format!("-----BEGIN CERTIFICATE-----\n{}\n", "MIIEvQ".repeat(20)))
        .unwrap();
    assert_eq!(
        paths(select(dir.path()).unwrap()),
        [".env.example", "Cargo.toml", "ca.pem", "sub/crate/Cargo.toml", "sub/target/kept"]
    );
    let names: Vec<_> = left_out(dir.path()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        names,
        [
            ".env",
            ".git/",
            ".venv/",
            "__pycache__/",
            "id_rsa",
            "old-0.0.1.difypkg",
            "out/",
            "server.pem",
            "sub/.env.local",
            "sub/.git",
            "sub/crate/target/",
            "target/",
        ]
    );
}

#[test]
fn ignored_files_are_not_listed_as_left_out() {
    let dir = with(&["main.py", ".env", "target/CACHEDIR.TAG"]);
    fs::write(dir.path().join(".difyignore"), ".env\ntarget\n").unwrap();
    assert_eq!(left_out(dir.path()), []);
}

#[test]
fn a_link_to_a_folder_is_an_error_unless_it_is_left_out() {
    let elsewhere = with(&["CACHEDIR.TAG", "x"]);
    let dir = with(&["a"]);
    symlink(elsewhere.path(), dir.path().join("out")).unwrap();
    assert_eq!(left_out(dir.path()), [("out".to_owned(), Reason::BuildOutput)]);
    fs::remove_file(elsewhere.path().join("CACHEDIR.TAG")).unwrap();
    let SelectionError::Unreadable { path, .. } = select(dir.path()).unwrap_err() else { panic!() };
    assert_eq!(path, dir.path().join("out"));
    // So is a broken link.
    fs::remove_file(&path).unwrap();
    symlink("nowhere", &path).unwrap();
    assert!(matches!(select(dir.path()), Err(SelectionError::Unreadable { .. })));
}

#[test]
fn a_name_that_is_not_utf8_is_an_error_unless_it_is_left_out() {
    let dir = with(&["a"]);
    let name = std::ffi::OsStr::from_bytes(b"\xff.log");
    fs::write(dir.path().join(name), "").unwrap();
    assert!(matches!(select(dir.path()), Err(SelectionError::Name(path)) if path.ends_with(name)));
    fs::write(dir.path().join(".difyignore"), "*.log").unwrap();
    assert_eq!(paths(select(dir.path()).unwrap()), [".difyignore", "a"]);
}

#[test]
fn a_socket_is_refused_unread() {
    let dir = with(&["a"]);
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    assert!(matches!(select(dir.path()), Err(SelectionError::Special(path)) if path.ends_with("socket")));
}

#[test]
fn too_large_files_are_not_read_and_the_largest_are_listed() {
    let dir = with(&["a", "b/cc", "ddd", "eeee", "fffff", "gggggg"]);
    // A sparse file: it takes no space on the disk, but reading it would take memory.
    let file = fs::File::create(dir.path().join("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    let SelectionError::TooLarge(error) = select(dir.path()).unwrap_err() else { panic!() };
    assert_eq!((error.bytes, error.limit), ((1 << 40) + 1 + 4 + 3 + 4 + 5 + 6, MAX_PACKAGE_BYTES));
    let largest: Vec<_> = error.largest.iter().map(|(path, _)| &**path).collect();
    assert_eq!(largest, ["huge", "gggggg", "fffff", "b/cc", "eeee"]);
}

#[test]
fn secrets_are_recognized_by_name_and_examples_are_not() {
    let secret =
        [".env", ".env.local", ".ENV", "id_rsa", ".netrc", "me.p12", "dify_plugin_signing_key.private.pem"];
    let plain = [".env.example", "env", "environment.yaml", "id_rsa.pub", "key.public.pem", "main.py"];
    let dir = with(&[&secret[..], &plain[..]].concat());
    assert_eq!(paths(select(dir.path()).unwrap()), plain);
    let left_out = left_out(dir.path());
    assert_eq!(left_out.len(), secret.len());
    assert!(left_out.iter().all(|(_, reason)| matches!(reason, Reason::Secret(_))), "{left_out:?}");
}

#[test]
fn private_keys_are_found_in_any_file_and_text_about_keys_is_not() {
    let digits = "MIIEowIBAAKCAQEAx".repeat(4);
    let secret = [
        format!("-----BEGIN RSA PRIVATE KEY-----\n{digits}\n"),
        format!("a = '''-----BEGIN PRIVATE KEY-----\r\n{digits}"),
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{digits}"
        ),
        format!("{{\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{digits}\"}}"),
    ];
    let plain = [
        "paste the text from -----BEGIN PRIVATE KEY----- on",
        "-----BEGIN RSA PUBLIC KEY-----\nMIIEowIBAAKCAQEAxMIIEowIBAAKCAQEAxMIIEowIBAAKCAQEAx",
        "-----END PRIVATE KEY-----",
    ];
    let dir = tempfile::tempdir().unwrap();
    for (number, text) in secret.iter().map(String::as_str).chain(plain).enumerate() {
        fs::write(dir.path().join(number.to_string()), text).unwrap();
    }
    let found: Vec<_> = left_out(dir.path()).into_iter().map(|(path, _)| path).collect();
    assert_eq!(found, ["0", "1", "2", "3"]);
    assert!(left_out(dir.path()).iter().all(|(_, reason)| *reason == Reason::Secret(Secret::PrivateKey)));
}

#[test]
fn patterns_exclude_the_files_that_the_daemon_excludes() {
    let is_packed = |pattern: &str, path: &str| {
        let dir = with(&[path]);
        fs::write(dir.path().join(".difyignore"), pattern).unwrap();
        paths(select(dir.path()).unwrap()).contains(&path.to_owned())
    };
    for (pattern, path) in [
        ("*.log", "a/b.log"),
        (" target/ ", "target/debug/x"),
        ("a/b", "a/b/c"),
        ("/src", "src/main.rs"),
        ("**/x", "a/b/x"),
        ("a/**", "a/b"),
        ("a/**/c", "a/b/b/c"),
        ("doc/*.txt", "doc/a.txt"),
    ] {
        assert!(!is_packed(pattern, path), "{pattern} {path}");
    }
    for (pattern, path) in [
        ("# *.log", "b.log"),
        ("!keep", "keep"),
        ("/src", "a/src"),
        ("target/", "target"),
        ("doc/*.txt", "doc/a/b.txt"),
        ("a**/b", "ab/b"),
        ("[", "["),
        ("a/b", "b"),
    ] {
        assert!(is_packed(pattern, path), "{pattern} {path}");
    }
}
