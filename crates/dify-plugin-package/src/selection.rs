//! Which files of a plugin's folder go into its package.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::limits::TooLarge;
use crate::pattern::Pattern;
use crate::secret::Secret;

/// The files of a folder that belong in its package, with their content.
///
/// As the daemon's packager (`pkg/plugin_packager/decoder/fs.go`) this leaves out what `.difyignore` in the root says, or if
/// there is none `.gitignore` there. Beyond that it leaves out what nobody wants in a package and that packager takes along:
/// secrets, version control, cargo's output and other packages; and says so.
#[derive(Debug)]
pub struct Selection {
    files: Vec<(String, Vec<u8>)>,
    left_out: Vec<LeftOut>,
}

/// Something that no ignore file names, and yet is not packed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its path from the plugin's root, `/` separated; a folder's ends with `/`.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

/// Why something is not packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It must not get to others.
    Secret(Secret),
    /// `.git` and its like.
    VersionControl,
    /// Cargo's output, by the tag that cargo puts there, or a Python's virtual environment.
    BuildOutput,
    /// A `.difypkg`.
    Package,
    /// `.dify`, where `cargo dify dev` keeps what the plugin stores.
    Storage,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => secret.fmt(f),
            Self::VersionControl => f.write_str("version control"),
            Self::BuildOutput => f.write_str("build output"),
            Self::Package => f.write_str("a package"),
            Self::Storage => f.write_str("what the plugin stored here"),
        }
    }
}

/// A file or a folder that could not be read, or can't be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// It can't be read; also a link to a folder, which the daemon's packager can't read either.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A pipe, a socket or a device, which has no content to pack.
    #[error("`{}` is not a file", .0.display())]
    Special(PathBuf),
    /// Paths in packages are UTF-8.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    Name(PathBuf),
    /// None of them was read.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl Selection {
    /// Looks through the folder for files of `limit` bytes at most, [`MAX_PACKAGE_BYTES`](crate::MAX_PACKAGE_BYTES) as a rule.
    ///
    /// # Errors
    /// The first file that can't be read, or has no name for a package; or if they are too large together.
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

    /// The files as path and content, sorted by path.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        self.files
    }

    /// What is not packed though no ignore file names it, sorted by path.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

/// A file that no pattern leaves out.
struct Found {
    /// Its path from the root.
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
    /// Takes what is in the folder `dir`, whose path from the root has these names.
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

    /// Links are followed, as the daemon's packager does; one to a folder is an error as there.
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

/// Reads a file that may have grown since its size was asked, but not beyond the limit.
fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    Ok(content)
}

/// Why something is left out for its name or for what is in it, be it a folder, a file, or a link to either.
fn reason(path: &Path, names: &[String]) -> Option<Reason> {
    let name = &*names[names.len() - 1];
    match name {
        // In a worktree or a submodule it is a file.
        ".git" | ".hg" | ".svn" | ".jj" => Some(Reason::VersionControl),
        ".dify" => Some(Reason::Storage),
        "__pycache__" => Some(Reason::BuildOutput),
        // Cargo's, also where its tag was taken off.
        "target" if path.with_file_name("Cargo.toml").is_file() => Some(Reason::BuildOutput),
        _ if name.ends_with(".difypkg") => Some(Reason::Package),
        _ if path.is_dir() => {
            let has = |file: &str| path.join(file).is_file();
            (has("CACHEDIR.TAG") || has("pyvenv.cfg")).then_some(Reason::BuildOutput)
        }
        _ => Secret::of_name(name).map(Reason::Secret),
    }
}
