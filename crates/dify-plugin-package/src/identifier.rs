//! The name under which a daemon stores a package.

use std::fmt;

use dify_plugin_manifest::{IdentityError, Manifest};

use crate::archive::Package;

/// The unique identifier of a package, `author/name:version@checksum` (`pkg/entities/plugin_entities/identity.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIdentifier(String);

impl UniqueIdentifier {
    /// Creates the identifier of a package with this manifest.
    ///
    /// # Errors
    ///
    /// Returns an error if the manifest's author, name or version cannot be in an identifier.
    pub fn new(manifest: &Manifest, package: &Package) -> Result<Self, IdentityError> {
        Ok(Self(format!("{}@{}", manifest.identity()?, package.checksum())))
    }

    /// Returns the identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
