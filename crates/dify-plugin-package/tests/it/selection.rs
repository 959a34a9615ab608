//! Which files of a folder go in, beside what the daemon's packager takes.
#![cfg(unix)]

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;

use dify_plugin_package::{MAX_PACKAGE_BYTES, Package, Reason, Selection, SelectionError};

use crate::folders::{by_daemon, folder};

fn select(dir: &Path) -> Result<Selection, SelectionError> {
    Selection::of(dir, MAX_PACKAGE_BYTES)
}

/// A folder of these files, each with its path as content.
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
fn a_folder_makes_the_package_that_the_daemon_makes_of_it() {
    for name in ["odd", "git", "plain"] {
        let dir = folder(name);
        let selection = select(dir.path()).unwrap();
        assert_eq!(selection.left_out(), [], "{name}");
        let package = Package::new(selection.into_files()).unwrap();
        assert_eq!(package, by_daemon(name), "{name}");
    }
}

#[test]
fn what_nobody_wants_in_a_package_stays_out_and_is_named() {
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
fn what_an_ignore_file_names_is_not_said_to_be_left_out() {
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
    // A broken one too.
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
fn a_socket_is_refused_and_not_read() {
    let dir = with(&["a"]);
    let _listener = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    assert!(matches!(select(dir.path()), Err(SelectionError::Special(path)) if path.ends_with("socket")));
}

#[test]
fn what_is_too_large_is_not_read_and_the_largest_files_are_named() {
    let dir = with(&["a", "b/cc", "ddd", "eeee", "fffff", "gggggg"]);
    // It takes no room on the disk, and reading it would.
    let file = fs::File::create(dir.path().join("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    let SelectionError::TooLarge(error) = select(dir.path()).unwrap_err() else { panic!() };
    assert_eq!((error.bytes, error.limit), ((1 << 40) + 1 + 4 + 3 + 4 + 5 + 6, MAX_PACKAGE_BYTES));
    let largest: Vec<_> = error.largest.iter().map(|(path, _)| &**path).collect();
    assert_eq!(largest, ["huge", "gggggg", "fffff", "b/cc", "eeee"]);
}
