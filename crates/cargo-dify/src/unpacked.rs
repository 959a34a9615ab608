//! A package in a folder of its own, as the daemon unpacks it.

use std::fs;
use std::path::Path;

use dify_plugin_manifest::Plugin;
use dify_plugin_package::{MAX_PACKAGE_BYTES, Package};
use tempfile::TempDir;

use crate::error::Error;

/// Reads a package from a file.
///
/// # Errors
/// If it can't be read, or isn't one.
pub(crate) fn open(file: &Path) -> Result<Package, Error> {
    let bytes = fs::read(file).map_err(|source| Error::NoPackage { file: file.to_owned(), source })?;
    Package::read(&bytes, MAX_PACKAGE_BYTES)
        .map_err(|source| Error::BadPackage { file: file.to_owned(), source })
}

/// A plugin that was read from a package. The folder is gone with this.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) plugin: Plugin,
    _folder: TempDir,
}

impl Unpacked {
    /// Unpacks a package and reads its declarations; `name` is for the errors.
    ///
    /// # Errors
    /// If it can't be unpacked, or the declarations not be read.
    pub(crate) fn new(package: &Package, name: &Path) -> Result<Self, Error> {
        let folder =
            tempfile::tempdir().map_err(|source| Error::Save { file: std::env::temp_dir(), source })?;
        package.unpack(folder.path())?;
        let plugin = Plugin::read(folder.path())
            .map_err(|source| Error::Manifest { dir: name.to_owned(), source: Box::new(source) })?;
        Ok(Self { plugin, _folder: folder })
    }
}
