//! Packages as files: read, unpacked, and described.

use std::fs;
use std::path::Path;

use dify_plugin_manifest::Manifest;
use dify_plugin_package::{Arch, Binary, BinaryError, Linkage, MAX_PACKAGE_BYTES, Package, UniqueIdentifier};
use tempfile::TempDir;

use crate::error::{Context, Error};

/// Reads a package from a file.
///
/// # Errors
///
/// Fails if the file can't be read or is not a package.
pub(crate) fn read(file: &Path) -> Result<Package, Error> {
    let bytes = fs::read(file).context(format!("cannot read the package `{}`", file.display()))?;
    Package::read(&bytes, MAX_PACKAGE_BYTES)
        .context(format!("`{}` is not a package that the daemon accepts", file.display()))
}

/// Unpacks a package as the daemon does, into a temporary folder that is removed on drop.
///
/// # Errors
///
/// Fails if there is no temporary folder, or a file can't be written there.
pub(crate) fn unpack(package: &Package) -> Result<TempDir, Error> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    package.unpack(folder.path()).context("cannot unpack the package")?;
    Ok(folder)
}

/// Returns the identifier by which a daemon knows the package.
///
/// # Errors
///
/// Fails if the daemon would refuse the author, the name or the version.
pub(crate) fn identifier(manifest: &Manifest, package: &Package) -> Result<UniqueIdentifier, Error> {
    UniqueIdentifier::new(manifest, package).context("the daemon would not install this plugin")
}

/// A binary in a package.
pub(crate) struct PackedBinary {
    pub(crate) arch: Arch,
    pub(crate) bytes: u64,
    /// What it needs, or why it would not start.
    pub(crate) binary: Result<Binary, BinaryError>,
}

impl PackedBinary {
    /// Returns the binaries of a package, at most one for each processor.
    pub(crate) fn all(package: &Package) -> Vec<Self> {
        let packed = |arch: Arch| {
            let content = package.file(&arch.binary_path())?;
            let binary = Binary::read(content).and_then(|binary| binary.check(arch).map(|()| binary));
            Some(Self { arch, bytes: content.len() as u64, binary })
        };
        Arch::ALL.into_iter().filter_map(packed).collect()
    }

    /// Returns the binaries of a package.
    ///
    /// # Errors
    ///
    /// Fails if one of them would not start.
    pub(crate) fn all_valid(package: &Package) -> Result<Vec<Self>, Error> {
        let all = Self::all(package);
        for Self { arch, binary, .. } in &all {
            binary.clone().context(format!("the daemon could not start `{}`", arch.binary_path()))?;
        }
        Ok(all)
    }

    /// Returns what the binary needs from the system, or why it would not start, for people.
    pub(crate) fn needs(&self) -> String {
        match &self.binary {
            Err(error) => error.to_string(),
            Ok(Binary { linkage: Linkage::Static, .. }) => "static".to_owned(),
            Ok(Binary { linkage: Linkage::Dynamic { glibc: Some((major, minor)), .. }, .. }) => {
                format!("needs glibc {major}.{minor}")
            }
            Ok(_) => "dynamic".to_owned(),
        }
    }
}
