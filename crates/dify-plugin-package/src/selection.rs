//! The selection of files that go into a package.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::limits::TooLarge;
use crate::pattern::Pattern;
use crate::secret::Secret;

/// The files of a plugin's folder that go into its package, with their content.
///
/// Like the daemon's packager (`pkg/plugin_packager/decoder/fs.go`), this excludes what `.difyignore` in the root names, or
/// `.gitignore` there if the former doesn't exist. In addition it leaves out, and lists in [`left_out`](Self::left_out),
/// what that packager includes but does not belong in a package: secrets, version control, build output and other packages.
#[derive(Debug)]
pub struct Selection {
    files: Vec<(String, Vec<u8>)>,
    left_out: Vec<LeftOut>,
}

/// A file or folder that is not packed although no ignore file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The path from the plugin's root, `/` separated; a folder's path ends with `/`.
    pub path: String,
    /// Why it is not packed.
    pub reason: Reason,
}

/// Why a file or folder is not packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is secret.
    Secret(Secret),
    /// `.git` or the folder of another version control system.
    VersionControl,
    /// Cargo's build output, a Python virtual environment, or another folder with a `CACHEDIR.TAG`.
    BuildOutput,
    /// A `.difypkg`.
    Package,
    /// `.dify`, where `cargo dify dev` keeps the plugin's storage.
    Storage,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => secret.fmt(f),
            Self::VersionControl => f.write_str("version control"),
            Self::BuildOutput => f.write_str("build output"),
            Self::Package => f.write_str("a package"),
            Self::Storage => f.write_str("the plugin's local storage"),
        }
    }
}

/// The error returned when a file or folder cannot be read or packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// It cannot be read. Links to folders belong here too: the daemon's packager cannot read them either.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// It is a pipe, a socket or a device, which has no content to pack.
    #[error("`{}` is not a regular file", .0.display())]
    Special(PathBuf),
    /// Its name is not UTF-8, as paths in packages must be.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    Name(PathBuf),
    /// The files are too large together; none was read.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl Selection {
    /// Selects and reads the files in `dir`, which may have at most `limit` bytes together; usually the limit is
    /// [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES).
    ///
    /// # Errors
    ///
    /// Returns an error for the first file that cannot be read or packed, or if the files are too large together.
    pub fn of(dir: impl AsRef<Path>, limit: u64) -> Result<Self, SelectionError> {
        let dir = dir.as_ref();
        let ignored = fs::read(dir.join(".difyignore")).or_else(|_| fs::read(dir.join(".gitignore")));
        let text = ignored.unwrap_or_default();
        let patterns = String::from_utf8_lossy(&text).lines().filter_map(Pattern::parse).collect();
        let mut walk = Walk { patterns, found: Vec::new(), left_out: Vec::new() };
        walk.folder(dir, &mut Vec::new())?;
        let Walk { mut found, mut left_out, .. } = walk;
        TooLarge::check(found.iter().map(|found| (&*found.inside, found.bytes)), limit)?;

        found.sort_by(|one, other| one.inside.cmp(&other.inside));
        let mut files = Vec::with_capacity(found.len());
        for Found { inside, path, .. } in found {
            let content = read(&path, limit).map_err(|source| SelectionError::Unreadable { path, source })?;
            match Secret::of_content(&content) {
                Some(secret) => left_out.push(LeftOut { path: inside, reason: Reason::Secret(secret) }),
                None => files.push((inside, content)),
            }
        }
        left_out.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self { files, left_out })
    }

    /// Returns the files as path and content, sorted by path.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        self.files
    }

    /// Returns what is not packed although no ignore file names it, sorted by path.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// A file that no pattern excludes.
struct Found {
    /// The path from the plugin's root.
    inside: String,
    path: PathBuf,
    bytes: u64,
}

struct Walk {
    patterns: Vec<Pattern>,
    found: Vec<Found>,
    left_out: Vec<LeftOut>,
}

impl Walk {
    /// Collects the files in the folder `dir`; `names` are the components of its path from the root.
    fn folder(&mut self, dir: &Path, names: &mut Vec<String>) -> Result<(), SelectionError> {
        let unreadable = |path: &Path, source| SelectionError::Unreadable { path: path.to_owned(), source };
        for entry in fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
            let entry = entry.map_err(|source| unreadable(dir, source))?;
            let path = entry.path();
            let is_folder = entry.file_type().map_err(|source| unreadable(&path, source))?.is_dir();
            let name = entry.file_name();
            names.push(name.to_string_lossy().into_owned());
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            if !self.patterns.iter().any(|pattern| pattern.excludes(&parts, is_folder)) {
                if name.to_str().is_none() {
                    return Err(SelectionError::Name(path));
                }
                match reason(&path, names) {
                    Some(reason) => {
                        let end = if is_folder { "/" } else { "" };
                        self.left_out.push(LeftOut { path: names.join("/") + end, reason });
                    }
                    None if is_folder => self.folder(&path, names)?,
                    None => self.file(path, names)?,
                }
            }
            names.pop();
        }
        Ok(())
    }

    /// Adds a file. Links are followed, as by the daemon's packager; there, too, one to a folder is an error.
    fn file(&mut self, path: PathBuf, names: &[String]) -> Result<(), SelectionError> {
        let about = match fs::metadata(&path) {
            Ok(about) if about.is_file() => about,
            Ok(about) if about.is_dir() => {
                return Err(SelectionError::Unreadable { path, source: io::ErrorKind::IsADirectory.into() });
            }
            Ok(_) => return Err(SelectionError::Special(path)),
            Err(source) => return Err(SelectionError::Unreadable { path, source }),
        };
        self.found.push(Found { inside: names.join("/"), path, bytes: about.len() });
        Ok(())
    }
}

/// Reads a file, but not beyond the limit if it has grown since its size was checked.
fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    Ok(content)
}

/// Returns why a file, a folder, or a link to either is left out.
fn reason(path: &Path, names: &[String]) -> Option<Reason> {
    let name = &*names[names.len() - 1];
    match name {
        // In a worktree or submodule, `.git` is a file.
        ".git" | ".hg" | ".svn" | ".jj" => Some(Reason::VersionControl),
        ".dify" => Some(Reason::Storage),
        "__pycache__" => Some(Reason::BuildOutput),
        // Cargo's output, even without its tag.
        "target" if path.with_file_name("Cargo.toml").is_file() => Some(Reason::BuildOutput),
        _ if name.ends_with(".difypkg") => Some(Reason::Package),
        _ if path.is_dir() => {
            let has = |file: &str| path.join(file).is_file();
            (has("CACHEDIR.TAG") || has("pyvenv.cfg")).then_some(Reason::BuildOutput)
        }
        _ => Secret::of_name(name).map(Reason::Secret),
    }
}
