//! The zip file that a package is.

use std::collections::HashSet;
use std::io::{Cursor, Read, Write};

use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::Signature;

/// How many files a package that is read may have. Dify's own plugins have 283 at most; the daemon has no limit.
pub const MAX_FILES: usize = 20_000;

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
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// It isn't a zip file, it is cut off, or a file in it is compressed in a way that isn't deflate, or damaged.
    #[error("it is no package: {0}")]
    Zip(String),
    /// Unpacked it would be larger than allowed; nothing was unpacked.
    #[error("unpacked it has {bytes} bytes, of which {limit} are allowed")]
    TooLarge {
        /// As the zip file says, or as much as was unpacked of a zip file that says less than it holds.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// More files than [`MAX_FILES`].
    #[error("it has {0} files, of which {MAX_FILES} are allowed")]
    TooManyFiles(usize),
    /// A path that leads out of the package, is absolute, isn't UTF-8, or has a part that isn't a name.
    #[error("the path {0:?} is not legal in a package")]
    Path(String),
    /// The daemon can't read a file whose path stands for two.
    #[error("there are two files with the path `{0}`")]
    Twice(String),
    /// The daemon takes a folder's own entry for a file and fails to read it. Its own packager writes none.
    #[error("`{0}` is an entry of a folder, which the daemon fails to read; a package holds files alone")]
    Folder(String),
}

impl From<ZipError> for PackageError {
    fn from(error: ZipError) -> Self {
        Self::Zip(error.to_string())
    }
}

impl Package {
    /// A package of these files, sorted by path as the daemon's packager does.
    ///
    /// # Errors
    /// If a path isn't legal, or there twice.
    pub fn new(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Self, PackageError> {
        let mut package = Self::default();
        let mut files: Vec<_> = files.into_iter().map(|(path, content)| File { path, content }).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        for file in files {
            package.push(file)?;
        }
        Ok(package)
    }

    /// Reads a package of which the files have `limit` bytes at most, [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES) as a
    /// rule. No bytes make this panic or take more memory than the limit and a few times the input.
    ///
    /// # Errors
    /// If it isn't a package that the daemon can read, or a larger one. What a zip file says of itself is looked at before
    /// anything is unpacked.
    pub fn read(bytes: &[u8], limit: u64) -> Result<Self, PackageError> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))?;
        if archive.len() > MAX_FILES {
            return Err(PackageError::TooManyFiles(archive.len()));
        }
        let mut told = 0u64;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index)?;
            told = told.saturating_add(entry.size());
            if told > limit {
                return Err(PackageError::TooLarge { bytes: told, limit });
            }
        }

        let mut package =
            Self { files: Vec::with_capacity(archive.len()), comment: archive.comment().to_vec() };
        let mut left = limit;
        let mut seen = HashSet::with_capacity(archive.len());
        for index in 0..archive.len() {
            let entry = archive.by_index(index)?;
            let raw = entry.name_raw();
            let Ok(path) = std::str::from_utf8(raw).map(str::to_owned) else {
                return Err(PackageError::Path(String::from_utf8_lossy(raw).into_owned()));
            };
            if path.ends_with('/') {
                return Err(PackageError::Folder(path));
            }
            let mut content = Vec::new();
            let read = entry.take(left.saturating_add(1)).read_to_end(&mut content);
            read.map_err(|error| PackageError::Zip(format!("`{path}`: {error}")))?;
            left = match left.checked_sub(content.len() as u64) {
                Some(left) => left,
                None => return Err(PackageError::TooLarge { bytes: limit.saturating_add(1), limit }),
            };
            if !is_legal(&path) {
                return Err(PackageError::Path(path));
            }
            if !seen.insert(path.clone()) {
                return Err(PackageError::Twice(path));
            }
            package.files.push(File { path, content });
        }
        // The zip reader keeps one of two entries with the same name, and the daemon neither.
        let entries = entries_told(bytes);
        if entries.is_some_and(|entries| entries != package.files.len()) {
            return Err(PackageError::Zip("entries of it have the same name".to_owned()));
        }
        Ok(package)
    }

    /// The bytes of the zip file: always the same for the same package. Files are deflated, without times or modes, as the
    /// daemon's packager writes them.
    ///
    /// # Errors
    /// Only for what a zip file without extensions can't hold: 4 GiB.
    pub fn write(&self) -> Result<Vec<u8>, PackageError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(9))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for file in &self.files {
            writer.start_file(&*file.path, options)?;
            writer.write_all(&file.content).map_err(|error| PackageError::Zip(error.to_string()))?;
        }
        writer.set_raw_comment(self.comment.clone().into_boxed_slice())?;
        Ok(writer.finish()?.into_inner())
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

    /// The signature in the zip file's comment; none where there is none that can be read.
    pub fn signature(&self) -> Option<Signature> {
        Signature::read(&self.comment)
    }

    /// Adds a file at the end.
    pub(crate) fn push(&mut self, file: File) -> Result<(), PackageError> {
        if !is_legal(&file.path) {
            return Err(PackageError::Path(file.path));
        }
        if self.file(&file.path).is_some() {
            return Err(PackageError::Twice(file.path));
        }
        self.files.push(file);
        Ok(())
    }

    pub(crate) fn set_comment(&mut self, comment: Vec<u8>) {
        self.comment = comment;
    }

    /// Takes away what signing adds.
    pub(crate) fn strip(&mut self) {
        self.files.retain(|file| file.path != VERIFICATION_FILE);
        self.comment.clear();
    }
}

/// As Go's `fs.ValidPath`, and without what would be something else on Windows or in a message.
fn is_legal(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(is_name) && !path.contains('\\') && !path.chars().any(char::is_control)
}

/// How many entries the zip file's last record tells of.
fn entries_told(bytes: &[u8]) -> Option<usize> {
    const RECORD: &[u8] = b"PK\x05\x06";
    let at = bytes.windows(RECORD.len()).rposition(|window| window == RECORD)?;
    let count = bytes.get(at + 10..at + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    // All ones: the number is elsewhere.
    (count != u16::MAX).then_some(usize::from(count))
}
