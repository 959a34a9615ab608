//! Which files of a plugin's folder go into its package.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => secret.fmt(f),
            Self::VersionControl => f.write_str("version control"),
            Self::BuildOutput => f.write_str("build output"),
            Self::Package => f.write_str("a package"),
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
    /// Paths in packages are UTF-8.
    #[error("the name of `{}` is not UTF-8", .0.display())]
    Name(PathBuf),
}

impl Selection {
    /// Looks through the folder.
    ///
    /// # Errors
    /// The first file that can't be read, or has no name for a package.
    pub fn of(dir: impl AsRef<Path>) -> Result<Self, SelectionError> {
        let dir = dir.as_ref();
        let ignored = fs::read(dir.join(".difyignore")).or_else(|_| fs::read(dir.join(".gitignore")));
        let text = ignored.unwrap_or_default();
        let patterns = String::from_utf8_lossy(&text).lines().filter_map(Pattern::parse).collect();
        let mut walk = Walk { patterns, files: Vec::new(), left_out: Vec::new() };
        walk.folder(dir, &mut Vec::new())?;
        let Walk { mut files, left_out, .. } = walk;
        files.sort();
        Ok(Self { files, left_out })
    }

    /// The files as path and content, sorted by path.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        self.files
    }

    /// What is not packed though no ignore file names it.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

struct Walk {
    patterns: Vec<Pattern>,
    files: Vec<(String, Vec<u8>)>,
    left_out: Vec<LeftOut>,
}

impl Walk {
    /// Takes what is in the folder `dir`, whose path from the root has these names.
    fn folder(&mut self, dir: &Path, names: &mut Vec<String>) -> Result<(), SelectionError> {
        let unreadable = |path: &Path, source| SelectionError::Unreadable { path: path.to_owned(), source };
        let mut entries = Vec::new();
        for entry in fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
            entries.push(entry.map_err(|source| unreadable(dir, source))?);
        }
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().into_string().map_err(|_| SelectionError::Name(path.clone()))?;
            let is_folder = entry.file_type().map_err(|source| unreadable(&path, source))?.is_dir();
            names.push(name);
            let parts: Vec<&str> = names.iter().map(String::as_str).collect();
            if !self.patterns.iter().any(|pattern| pattern.excludes(&parts, is_folder)) {
                if is_folder {
                    match folder_reason(&path, &names[names.len() - 1]) {
                        Some(reason) => self.leave_out(format!("{}/", names.join("/")), reason),
                        None => self.folder(&path, names)?,
                    }
                } else {
                    self.file(&path, names)?;
                }
            }
            names.pop();
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, names: &[String]) -> Result<(), SelectionError> {
        let (name, inside) = (&names[names.len() - 1], names.join("/"));
        if let Some(secret) = Secret::of_name(name) {
            self.leave_out(inside, Reason::Secret(secret));
        } else if name.ends_with(".difypkg") {
            self.leave_out(inside, Reason::Package);
        } else {
            let content = fs::read(path)
                .map_err(|source| SelectionError::Unreadable { path: path.to_owned(), source })?;
            match Secret::of_content(&content) {
                Some(secret) => self.leave_out(inside, Reason::Secret(secret)),
                None => self.files.push((inside, content)),
            }
        }
        Ok(())
    }

    fn leave_out(&mut self, path: String, reason: Reason) {
        self.left_out.push(LeftOut { path, reason });
    }
}

fn folder_reason(path: &Path, name: &str) -> Option<Reason> {
    match name {
        ".git" | ".hg" | ".svn" | ".jj" => Some(Reason::VersionControl),
        "__pycache__" => Some(Reason::BuildOutput),
        _ if path.join("CACHEDIR.TAG").is_file() || path.join("pyvenv.cfg").is_file() => {
            Some(Reason::BuildOutput)
        }
        _ => None,
    }
}
