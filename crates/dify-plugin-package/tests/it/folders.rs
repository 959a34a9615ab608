//! The folders in `fixtures/folders.json`, which the daemon's command line packed.

use std::fs;
use std::path::Path;

use dify_plugin_package::{MAX_PACKAGE_BYTES, Package};
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Entry {
    path: String,
    text: Option<String>,
    link: Option<String>,
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// Reads a package made by the daemon's command line.
pub(crate) fn by_daemon(name: &str) -> Package {
    Package::read(&fixture(&format!("{name}.difypkg")), MAX_PACKAGE_BYTES).unwrap()
}

/// Creates the folder that it was made of.
#[cfg(unix)]
pub(crate) fn folder(name: &str) -> TempDir {
    let folders: serde_json::Value = serde_json::from_slice(&fixture("folders.json")).unwrap();
    let entries: Vec<Entry> = serde_json::from_value(folders[name].clone()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for entry in entries {
        let path = dir.path().join(&entry.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry.link {
            Some(link) => std::os::unix::fs::symlink(link, path).unwrap(),
            None => fs::write(path, entry.text.unwrap()).unwrap(),
        }
    }
    dir
}
