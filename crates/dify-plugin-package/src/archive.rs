//! Packages, which are zip files.

mod read;
mod write;

use std::collections::HashSet;

use crate::limits::TooLarge;

/// The largest number of files that a package may have. The daemon has no limit; Dify's own plugins have at most 283.
pub const MAX_FILES: usize = 20_000;

/// The longest path in a package, in bytes, which is the longest that Linux opens.
pub const MAX_PATH_BYTES: usize = 4095;

/// The path of the file that signing adds at the end of a package (`pkg/plugin_packager/consts`).
pub const VERIFICATION_FILE: &str = ".verification.dify.json";

/// A package: its files in order, and the zip file's comment, which holds the signature.
///
/// All paths are valid and unique.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    files: Vec<File>,
    comment: Vec<u8>,
}

/// A file in a package.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// The path from the package's root, `/` separated.
    pub path: String,
    /// The content. Modes and times are not kept: the daemon unpacks every file with mode 0644.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.content.len())
    }
}

/// The error returned when bytes or files are not a valid package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The bytes are not a zip file, are truncated, or use a zip feature that no package needs, such as multiple parts,
    /// large-file records, or data before or after the archive.
    #[error("not a package: {0}")]
    Zip(&'static str),
    /// A file in the package cannot be unpacked.
    #[error("`{path}` in the package is damaged: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The unpacked files would be larger than allowed, going by the archive directory. Nothing was unpacked.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The package has more files than [`MAX_FILES`].
    #[error("the package has {0} files, but at most {MAX_FILES} are allowed")]
    TooManyFiles(usize),
    /// A path leads out of the package, is absolute, is longer than [`MAX_PATH_BYTES`], is not UTF-8, or has a component that
    /// is not a file name.
    #[error("{0:?} is not a valid path in a package")]
    Path(String),
    /// Two files have the same path; the daemon cannot read either.
    #[error("two files have the path `{0}`")]
    Twice(String),
    /// A file is also used as a folder; the daemon cannot unpack that.
    #[error("`{0}` is both a file and a folder")]
    FileAndFolder(String),
    /// The archive has an entry for a folder, which the daemon mistakes for a file and fails to read. The daemon's own
    /// packager writes no such entries.
    #[error("`{0}` is an entry for a folder, which the daemon cannot read; pack only the files")]
    Folder(String),
}

impl Package {
    /// Creates a package of the given files, each a path and its content. They are sorted by path, as the daemon's packager
    /// does.
    ///
    /// # Errors
    ///
    /// Returns an error if there are too many files, or if a path is invalid or used twice.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, PackageError> {
        let mut files: Vec<_> = files.into_iter().map(|(path, content)| File { path, content }).collect();
        check_paths(files.iter().map(|file| &*file.path))?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files, comment: Vec::new() })
    }

    /// Reads a package from the bytes of a zip file. Its unpacked files may have at most `limit` bytes together, usually
    /// [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES).
    ///
    /// The bytes may come from an attacker: reading never panics, and takes at most `limit` bytes of memory and a few times
    /// the size of the input. Sizes are checked before anything is unpacked, and no file is unpacked beyond its stated size.
    ///
    /// # Errors
    ///
    /// Returns an error if the daemon could not read the package, or if it is larger than `limit`.
    pub fn read(bytes: &[u8], limit: u64) -> Result<Self, PackageError> {
        let directory = read::Directory::read(bytes)?;
        TooLarge::check(directory.entries.iter().map(|entry| (entry.path, u64::from(entry.size))), limit)?;
        check_paths(directory.entries.iter().map(|entry| entry.path))?;
        let files = directory.entries.iter().map(|entry| {
            Ok(File { path: entry.path.to_owned(), content: entry.content(bytes, directory.start)? })
        });
        Ok(Self { files: files.collect::<Result<_, PackageError>>()?, comment: directory.comment.to_vec() })
    }

    /// Returns the bytes of the zip file. They are the same for the same package on every machine: files are deflated and
    /// have neither times nor modes.
    ///
    /// # Errors
    ///
    /// Returns an error if the zip file would need large-file records, as it does from 4 GiB on.
    pub fn write(&self) -> Result<Vec<u8>, PackageError> {
        write::zip(&self.files, &self.comment)
    }

    /// Returns the files in the order of the zip file.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the content of the file at `path`.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.iter().find(|file| file.path == path).map(|file| &*file.content)
    }

    /// Returns the total size of the files in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.content.len() as u64).sum()
    }

    /// Checks that a daemon with this limit in bytes accepts the package; usually the limit is
    /// [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES).
    ///
    /// # Errors
    ///
    /// Returns an error with the largest files if the files are larger than `limit` together.
    pub fn check_size(&self, limit: u64) -> Result<(), TooLarge> {
        TooLarge::check(self.files.iter().map(|file| (&*file.path, file.content.len() as u64)), limit)
    }

    /// Returns the zip file's comment, which holds the signature.
    pub(crate) fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// Adds what signing produces, a file at the end and the comment, in place of those of an earlier signature.
    pub(crate) fn seal(&mut self, verification: File, comment: Vec<u8>) {
        self.files.retain(|file| file.path != verification.path);
        self.files.push(verification);
        self.comment = comment;
    }
}

fn check_paths<'p>(paths: impl ExactSizeIterator<Item = &'p str> + Clone) -> Result<(), PackageError> {
    // Signing adds one more file.
    if paths.len() >= MAX_FILES {
        return Err(PackageError::TooManyFiles(paths.len()));
    }
    let mut seen = HashSet::with_capacity(paths.len());
    for path in paths.clone() {
        if path.ends_with('/') {
            return Err(PackageError::Folder(path.to_owned()));
        }
        if !is_valid(path) {
            return Err(PackageError::Path(path.to_owned()));
        }
        if !seen.insert(path) {
            return Err(PackageError::Twice(path.to_owned()));
        }
    }
    for path in paths {
        let mut folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        if let Some(file) = folders.find(|folder| seen.contains(folder)) {
            return Err(PackageError::FileAndFolder(file.to_owned()));
        }
    }
    Ok(())
}

/// Whether a path is valid: for Go's `fs.ValidPath`, and free of characters with another meaning on Windows or in a terminal.
fn is_valid(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= MAX_PATH_BYTES
        && path.split('/').all(is_name)
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
}
