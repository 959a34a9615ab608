//! The files that a plugin is built from, and whether they have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use walkdir::{DirEntry, WalkDir};

/// Files with these extensions are sources anywhere in the plugin's folder. Other files, which the plugin may write itself, are
/// sources only if cargo says that the binary was built from them.
const EXTENSIONS: [&str; 5] = ["rs", "py", "yaml", "yml", "toml"];

/// Folders without sources, besides those whose names begin with a dot.
const IGNORED: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Where to look for sources.
#[derive(Debug)]
pub(crate) struct Sources {
    dir: PathBuf,
    /// Single files, inside and outside of the folder.
    files: BTreeSet<PathBuf>,
}

/// The time of the last change and the length of each source.
pub(crate) type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Sources {
    /// The sources of the plugin in `dir`, of its `binary` if it has one, and the script if there is one.
    pub(crate) fn new(dir: &Path, binary: Option<&Path>, script: Option<&Path>) -> Self {
        let dependencies = binary.map(|binary| dependencies(&binary.with_extension("d"))).unwrap_or_default();
        let files = dependencies.into_iter().chain(script.map(Path::to_owned));
        let files = files.filter_map(|file| std::path::absolute(file).ok()).collect();
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()), files }
    }

    /// Returns whether a changed file may be a source, or a changed folder may hold one.
    pub(crate) fn may_include(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(&self.dir);
        let is_ignored = |path: &Path| path.iter().any(|name| is_ignored(name.as_ref()));
        self.files.contains(path)
            || inside.is_ok_and(|inside| !is_ignored(inside)) && (is_source(path) || path.is_dir())
    }

    /// Looks at all sources.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let own = self.walk().map(DirEntry::into_path).filter(|path| is_source(path));
        let look = |file: PathBuf| {
            let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((file, (metadata.modified().ok(), metadata.len())))
        };
        own.chain(self.files.iter().cloned()).filter_map(look).collect()
    }

    /// Returns the folders that hold sources.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let own = self.walk().filter(|entry| entry.file_type().is_dir()).map(DirEntry::into_path);
        let of_files = self.files.iter().filter_map(|file| file.parent()).map(Path::to_owned);
        own.chain(of_files).collect()
    }

    /// Walks the plugin's folder, without ignored files and folders.
    fn walk(&self) -> impl Iterator<Item = DirEntry> {
        let walk = WalkDir::new(&self.dir).into_iter();
        walk.filter_entry(|entry| entry.depth() == 0 || !is_ignored(entry.file_name().as_ref())).flatten()
    }
}

/// Returns the files that were changed, created or removed between two snapshots.
pub(crate) fn changed<'a>(before: &'a Snapshot, after: &'a Snapshot) -> BTreeSet<&'a Path> {
    let differ = |one: &'a Snapshot, other: &'a Snapshot| {
        one.iter().filter(|(path, state)| other.get(*path) != Some(state)).map(|(path, _)| path.as_path())
    };
    differ(before, after).chain(differ(after, before)).collect()
}

/// Returns a snapshot of `sources` in which the files of `before` are as they were then, so that changes since then are noticed.
/// `before` may be of other sources.
pub(crate) fn since(before: &Snapshot, sources: &Sources) -> Snapshot {
    let mut snapshot = sources.snapshot();
    for (path, state) in before {
        if snapshot.contains_key(path) || sources.may_include(path) {
            snapshot.insert(path.clone(), *state);
        }
    }
    snapshot
}

fn is_ignored(name: &Path) -> bool {
    let name = name.to_string_lossy();
    (name.starts_with('.') && name != ".env") || IGNORED.contains(&&*name)
}

/// Returns whether a file is named like a source, and not like an editor's copy of one.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    name == ".env" || !name.starts_with(['.', '#']) && EXTENSIONS.contains(&&*extension)
}

/// Reads the dependency file that cargo writes beside a binary: `binary: file file`, with spaces in names escaped.
fn dependencies(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let files = text.lines().next().and_then(|line| line.split_once(": ")).map_or("", |(_, files)| files);
    let files = files.replace("\\ ", "\0");
    files.split(' ').filter(|name| !name.is_empty()).map(|name| name.replace('\0', " ").into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_from_build_output_and_editor_files() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("duck");
        let write = |name: &str| {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "1").unwrap();
        };
        let sources = [
            "duck/src/main.rs",
            "duck/manifest.yaml",
            "duck/.env",
            "duck/page.html",
            "lib/a b.rs",
            "script.json",
        ];
        let others = [
            "duck/target/debug/build.rs",
            "duck/.git/x.rs",
            "duck/.dify/storage/a.yaml",
            "duck/src/.main.rs.swp",
            "duck/src/main.rs~",
            "duck/src/.#main.rs",
            "duck/src/#main.rs#",
            "duck/src/4913",
            "duck/log.txt",
            "lib/other.rs",
        ];
        sources.iter().chain(&others).for_each(|name| write(name));
        let path = |name: &str| root.path().join(name);
        let dependencies = format!(
            "{}: {} {} {}\n\nx:\n",
            path("target/duck").display(),
            path("duck/page.html").display(),
            path("duck/src/main.rs").display(),
            path("lib/a b.rs").display().to_string().replace(' ', "\\ ")
        );
        fs::create_dir_all(path("target")).unwrap();
        fs::write(path("target/duck.d"), dependencies).unwrap();
        let found = Sources::new(&dir, Some(&path("target/duck")), Some(&path("script.json")));
        let snapshot = found.snapshot();
        assert_eq!(
            snapshot.keys().cloned().collect::<BTreeSet<_>>(),
            sources.iter().map(|name| path(name)).collect()
        );
        for name in sources {
            assert!(found.may_include(&path(name)), "{name}");
        }
        for name in others {
            assert!(!found.may_include(&path(name)), "{name}");
        }
        let folders =
            ["duck", "duck/src", "lib", ""].map(|name| path(name).components().collect::<PathBuf>());
        assert_eq!(found.folders(), folders.into_iter().collect());

        fs::write(path("duck/src/main.rs"), "22").unwrap();
        fs::remove_file(path("duck/manifest.yaml")).unwrap();
        write("duck/src/new.rs");
        let after = found.snapshot();
        let expected = ["duck/manifest.yaml", "duck/src/main.rs", "duck/src/new.rs"].map(path);
        assert_eq!(changed(&snapshot, &after), expected.iter().map(PathBuf::as_path).collect());
        // A snapshot of fewer sources still shows what changed since.
        let first = Sources::new(&dir, None, None);
        let looked = first.snapshot();
        fs::write(path("duck/src/main.rs"), "333").unwrap();
        fs::remove_file(path("duck/src/new.rs")).unwrap();
        let expected = ["duck/src/main.rs", "duck/src/new.rs"].map(path);
        let (since, now) = (since(&looked, &found), found.snapshot());
        assert_eq!(changed(&since, &now), expected.iter().map(PathBuf::as_path).collect());
    }
}
