//! A package in a folder, as the daemon puts it there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::archive::Package;

/// A file or a folder that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct UnpackError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

impl Package {
    /// Writes the files below `dir`, which is made if it isn't there: folders with mode 0755, every file with 0644, as the
    /// daemon does (`ExtractTo` in `pkg/plugin_packager/decoder/zip.go`). A package holds legal paths alone, so that nothing is
    /// written anywhere else, as long as `dir` has no links in it.
    ///
    /// # Errors
    /// If something can't be written, or is there already.
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
