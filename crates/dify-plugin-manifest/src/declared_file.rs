//! The files that declare a plugin.

use std::fs::{DirEntry, File};
use std::io::{self, Read};
use std::path::Path;

use crate::error::ManifestError;
use crate::finding::Location;
use crate::glob::Glob;
use crate::yaml::Source;

/// The largest declaration file that is read, in bytes: 4 MiB. The daemon limits only the whole package (50 MiB); the largest
/// declaration among Dify's own plugins has 200 kB.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// A file named by a declaration.
#[derive(Debug, Clone)]
pub(crate) struct DeclaredFile {
    /// The path from the plugin's root, `/` separated.
    pub(crate) path: String,
    /// Where the file is named.
    pub(crate) named_at: Location,
}

impl DeclaredFile {
    pub(crate) fn new(path: &str, named_at: Location) -> Self {
        Self { path: path.to_owned(), named_at }
    }

    /// Reads and parses the file.
    pub(crate) fn parse(&self, root: &Path) -> Result<Source, ManifestError> {
        if !is_package_path(&self.path) {
            let message = format!("`{}` is not a path inside the package", self.path);
            let help = "write it from the plugin's root, with `/` and without `.` or `..`, as in \
                        `provider/example.yaml`";
            return Err(ManifestError::new(self.named_at.clone(), "outside-package", message, help));
        }
        let unreadable = |source: io::Error| {
            let message = format!("the file `{}` cannot be read", self.path);
            let help = "create it, or correct the path";
            ManifestError::new(self.named_at.clone(), "no-such-file", message, help).caused_by(source)
        };
        let file = File::open(root.join(&self.path)).map_err(unreadable)?;
        parse_file(&self.path, file, unreadable)
    }

    /// Returns the files below `root` that match this path as a pattern, in the order of a package: sorted by path, byte by
    /// byte. Returns `None` if the pattern is invalid.
    pub(crate) fn matching(&self, root: &Path) -> Option<Vec<Self>> {
        let parts: Option<Vec<Glob>> = self.path.split('/').map(Glob::parse).collect();
        let parts = parts?;
        let fixed = self.path.split('/').take_while(|part| !part.contains(['*', '?', '[', '\\'])).count();
        let fixed = fixed.min(parts.len() - 1);
        let folder = self.path.split('/').take(fixed).collect::<Vec<_>>().join("/");
        if fixed > 0 && !is_package_path(&folder) {
            return Some(Vec::new());
        }
        let mut found = vec![folder];
        for (index, part) in parts.iter().enumerate().skip(fixed) {
            let last = index + 1 == parts.len();
            found = found.iter().flat_map(|folder| entries(root, folder, part, last)).collect();
        }
        found.sort_unstable();
        Some(found.iter().map(|path| Self::new(path, self.named_at.clone())).collect())
    }
}

/// Returns the files, or else the folders, in `folder` whose names match `name`.
fn entries(root: &Path, folder: &str, name: &Glob, files: bool) -> Vec<String> {
    let Ok(entries) = root.join(folder).read_dir() else { return Vec::new() };
    let path = |entry: &DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        Some(if folder.is_empty() { name } else { format!("{folder}/{name}") })
    };
    let wanted = |entry: &DirEntry| {
        let fits = entry.file_name().to_str().is_some_and(|text| name.matches(text));
        // A link to a file is packed as the file; one to a folder cannot be packed.
        fits && if files { entry.path().is_file() } else { entry.file_type().is_ok_and(|kind| kind.is_dir()) }
    };
    entries.flatten().filter(wanted).filter_map(|entry| path(&entry)).collect()
}

/// Reads and parses `manifest.yaml` in `root`.
pub(crate) fn parse_manifest(root: &Path) -> Result<Source, ManifestError> {
    const NAME: &str = "manifest.yaml";
    let no_manifest = |source: io::Error| {
        let message = format!("there is no readable {NAME} in {}", root.display());
        let help = "name the folder that holds the plugin's manifest.yaml";
        ManifestError::new(Location::new(NAME, 1, 1), ManifestError::NO_MANIFEST, message, help)
            .caused_by(source)
    };
    let file = File::open(root.join(NAME)).map_err(no_manifest)?;
    parse_file(NAME, file, no_manifest)
}

fn parse_file(
    name: &str,
    file: File,
    unreadable: impl Fn(io::Error) -> ManifestError,
) -> Result<Source, ManifestError> {
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let message = format!("the file is larger than {MAX_FILE_BYTES} bytes");
        let help = "a declaration never needs that much, so check the path";
        return Err(ManifestError::new(Location::new(name, 1, 1), "too-large", message, help));
    }
    let text = str::from_utf8(&bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        ManifestError::new(
            Location::after(name, &valid),
            "not-utf-8",
            "this is not UTF-8 text",
            "save the file as UTF-8",
        )
    })?;
    Source::parse(name, text)
}

/// Whether a package can contain a file with this path, which the daemon's zip reader decides by Go's `fs.ValidPath`
/// (`pkg/plugin_packager/decoder/zip.go`).
fn is_package_path(path: &str) -> bool {
    !path.split('/').any(|part| part.is_empty() || part == "." || part == "..") && !path.contains('\0')
}
