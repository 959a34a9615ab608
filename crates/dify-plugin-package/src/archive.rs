//! The zip file that a package is.

mod read;
mod write;

use std::collections::HashSet;

use crate::limits::TooLarge;

/// How many files a package that is read may have. Dify's own plugins have 283 at most; the daemon has no limit.
pub const MAX_FILES: usize = 20_000;

/// How long a path in a package may be. Linux opens no longer ones.
pub const MAX_PATH_BYTES: usize = 4095;

/// What signing adds, as the last file (`pkg/plugin_packager/consts`).
pub const VERIFICATION_FILE: &str = ".verification.dify.json";

/// A package: files in order, and what signing leaves in the zip file's comment.
///
/// Paths are legal, and no two are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    files: Vec<File>,
    comment: Vec<u8>,
}

/// A file of a package.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct File {
    /// The path from the package's root, `/` separated.
    pub path: String,
    /// The content. Neither modes nor times are kept: the daemon unpacks every file with mode 0644.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.content.len())
    }
}

/// Why bytes are no package, or files don't make one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// It isn't a zip file, it is cut off, or it uses what no package needs: parts, large-file records, bytes around it.
    #[error("it is no package: {0}")]
    Zip(&'static str),
    /// A file in it can't be unpacked.
    #[error("`{path}` in it is damaged: {why}")]
    Damaged {
        /// The file.
        path: String,
        /// What doesn't fit.
        why: &'static str,
    },
    /// Unpacked it would be larger than allowed, as it says itself; nothing was unpacked.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// More files than [`MAX_FILES`].
    #[error("it has {0} files, of which {MAX_FILES} are allowed")]
    TooManyFiles(usize),
    /// A path that leads out of the package, is absolute or longer than [`MAX_PATH_BYTES`], isn't UTF-8, or has a part that isn't
    /// a name.
    #[error("the path {0:?} is not legal in a package")]
    Path(String),
    /// The daemon can't read a file whose path stands for two.
    #[error("there are two files with the path `{0}`")]
    Twice(String),
    /// The daemon can't unpack a file below a file.
    #[error("`{0}` is a file, and there are files below it")]
    FileAndFolder(String),
    /// The daemon takes a folder's own entry for a file and fails to read it. Its own packager writes none.
    #[error("`{0}` is an entry of a folder, which the daemon fails to read; a package holds files alone")]
    Folder(String),
}

impl Package {
    /// A package of these files, sorted by path as the daemon's packager does.
    ///
    /// # Errors
    /// If there are too many, or a path isn't legal, or there twice.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, PackageError> {
        let mut files: Vec<_> = files.into_iter().map(|(path, content)| File { path, content }).collect();
        check_paths(files.iter().map(|file| &*file.path))?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files, comment: Vec::new() })
    }

    /// Reads a package of which the files have `limit` bytes at most, [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES) as a
    /// rule. No bytes make this panic or take more memory than that and a few times the input.
    ///
    /// # Errors
    /// If it isn't a package that the daemon can read, or a larger one. What a zip file says of itself is looked at before
    /// anything is unpacked, and no file is unpacked to more than it said.
    pub fn read(bytes: &[u8], limit: u64) -> Result<Self, PackageError> {
        let directory = read::Directory::read(bytes)?;
        TooLarge::check(directory.entries.iter().map(|entry| (entry.path, u64::from(entry.size))), limit)?;
        check_paths(directory.entries.iter().map(|entry| entry.path))?;
        let files = directory.entries.iter().map(|entry| {
            Ok(File { path: entry.path.to_owned(), content: entry.content(bytes, directory.start)? })
        });
        Ok(Self { files: files.collect::<Result<_, PackageError>>()?, comment: directory.comment.to_vec() })
    }

    /// The bytes of the zip file: always the same for the same package, whatever machine writes it. Files are deflated, and have
    /// neither times nor modes.
    ///
    /// # Errors
    /// If that would be more than a zip file without large-file records can hold, which is 4 GiB.
    pub fn write(&self) -> Result<Vec<u8>, PackageError> {
        write::zip(&self.files, &self.comment)
    }

    /// The files, in the order of the zip file.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The content of one file.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.iter().find(|file| file.path == path).map(|file| &*file.content)
    }

    /// How many bytes the files have together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.content.len() as u64).sum()
    }

    /// Whether a daemon with this limit in bytes takes it, [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES) as a rule.
    ///
    /// # Errors
    /// If it doesn't, with the files that would have to get smaller.
    pub fn check_size(&self, limit: u64) -> Result<(), TooLarge> {
        TooLarge::check(self.files.iter().map(|file| (&*file.path, file.content.len() as u64)), limit)
    }

    /// Returns the zip file's comment, which holds the signature.
    pub(crate) fn comment(&self) -> &[u8] {
        &self.comment
    }

    /// Puts what signing adds in the place of what an earlier one added: a file at the end, and the comment.
    pub(crate) fn seal(&mut self, verification: File, comment: Vec<u8>) {
        self.files.retain(|file| file.path != verification.path);
        self.files.push(verification);
        self.comment = comment;
    }
}

fn check_paths<'p>(paths: impl ExactSizeIterator<Item = &'p str> + Clone) -> Result<(), PackageError> {
    // One is left for what signing adds.
    if paths.len() >= MAX_FILES {
        return Err(PackageError::TooManyFiles(paths.len()));
    }
    let mut seen = HashSet::with_capacity(paths.len());
    for path in paths.clone() {
        if path.ends_with('/') {
            return Err(PackageError::Folder(path.to_owned()));
        }
        if !is_legal(path) {
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

/// As Go's `fs.ValidPath`, and without what would be something else on Windows or in a message.
fn is_legal(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    path.len() <= MAX_PATH_BYTES
        && path.split('/').all(is_name)
        && !path.contains('\\')
        && !path.chars().any(char::is_control)
}
