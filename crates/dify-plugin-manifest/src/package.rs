//! The files of a plugin's folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Location, ManifestError};
use crate::yaml::{Decode, Source, Value};

/// The largest declaration that is read, in bytes: 4 MiB. The daemon has no limit but that of a whole package
/// (50 MiB); the largest declaration among Dify's own plugins has 200 kB.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// The path of a file that declares something, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeclaredFile {
    /// The path from the plugin's root, `/` separated.
    pub path: String,
    /// Where the path is written.
    pub named_at: Location,
}

impl DeclaredFile {
    pub(crate) fn new(path: &str, named_at: Location) -> Self {
        Self { path: path.to_owned(), named_at }
    }

    /// Reads the file and decodes its first document.
    pub(crate) fn read<T: Decode + Default>(&self, root: &Path) -> Result<T, ManifestError> {
        if !is_package_path(&self.path) {
            return Err(ManifestError::OutsidePackage {
                path: self.path.clone(),
                named_at: self.named_at.clone(),
            });
        }
        let unreadable = |source: io::Error| ManifestError::Unreadable {
            file: self.path.clone(),
            named_at: self.named_at.clone(),
            source: Arc::new(source),
        };
        let file = File::open(root.join(&self.path)).map_err(unreadable)?;
        decode_file(&self.path, file, unreadable)
    }
}

impl Decode for DeclaredFile {
    fn decode(value: &Value<'_>) -> Result<Self, ManifestError> {
        Ok(Self { path: String::decode(value)?, named_at: value.location() })
    }
}

/// Reads `manifest.yaml` in `root`.
pub(crate) fn read_manifest<T: Decode + Default>(root: &Path) -> Result<T, ManifestError> {
    const NAME: &str = "manifest.yaml";
    let path = root.join(NAME);
    let no_manifest = |source: io::Error| ManifestError::NoManifest {
        file: path.display().to_string(),
        source: Arc::new(source),
    };
    let file = File::open(&path).map_err(no_manifest)?;
    decode_file(NAME, file, no_manifest)
}

fn decode_file<T: Decode + Default>(
    name: &str,
    file: File,
    unreadable: impl Fn(io::Error) -> ManifestError,
) -> Result<T, ManifestError> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ManifestError::TooLarge { file: name.to_owned(), limit: MAX_FILE_BYTES });
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        ManifestError::NotUtf8 { at: Location::after(name, &valid) }
    })?;
    Source::parse(name, text)?.decode()
}

/// Tells whether a package can have a file of that path: what Go's `fs.ValidPath` tells, which the daemon's zip
/// reader asks (`pkg/plugin_packager/decoder/zip.go`).
fn is_package_path(path: &str) -> bool {
    !path.split('/').any(|part| part.is_empty() || part == "." || part == "..") && !path.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::is_package_path;

    #[test]
    fn paths_are_those_of_a_package() {
        for path in ["provider/a.yaml", "a", ".hidden/a..yaml"] {
            assert!(is_package_path(path), "{path}");
        }
        for path in ["", "/etc/passwd", "../a.yaml", "./a.yaml", "a//b.yaml", "a/../b.yaml", "a/", "a\0b"] {
            assert!(!is_package_path(path), "{path:?}");
        }
    }
}
