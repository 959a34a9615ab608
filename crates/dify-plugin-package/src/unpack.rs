//! Unpacking a package into a folder, as the daemon does.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::archive::Package;

/// The error returned when a file or folder cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct UnpackError {
    /// The file or folder.
    pub path: PathBuf,
    /// The cause.
    #[source]
    pub source: io::Error,
}

impl Package {
    /// Writes the files below `dir`, creating it if needed. Folders get mode 0755 and files 0644, as in the daemon
    /// (`ExtractTo` in `pkg/plugin_packager/decoder/zip.go`).
    ///
    /// As all paths in a package are valid, nothing is written outside `dir` if `dir` contains no links.
    ///
    /// # Errors
    ///
    /// Returns an error if a file already exists or cannot be written.
    pub fn unpack(&self, dir: impl AsRef<Path>) -> Result<(), UnpackError> {
        let dir = dir.as_ref();
        make_folder(dir)?;
        for file in self.files() {
            let path = dir.join(&file.path);
            if let Some(folder) = path.parent() {
                make_folder(folder)?;
            }
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
            let written = options.open(&path).and_then(|mut made| made.write_all(&file.content));
            written.map_err(|source| UnpackError { path, source })?;
        }
        Ok(())
    }
}

fn make_folder(path: &Path) -> Result<(), UnpackError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path).map_err(|source| UnpackError { path: path.to_owned(), source })
}
