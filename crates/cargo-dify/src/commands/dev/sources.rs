//! The files that a plugin is made of, and whether they have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files with these endings are sources wherever they are in the plugin's folder. Others, which may be what the plugin itself
/// writes, only if cargo says that the binary was made of them.
const ENDINGS: [&str; 5] = ["rs", "py", "yaml", "yml", "toml"];

/// Folders in which no sources are, besides those whose names begin with a dot.
const PASSED_OVER: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Where to look.
#[derive(Debug)]
pub(crate) struct Sources {
    dir: PathBuf,
    /// Single files, inside and outside of the folder.
    files: BTreeSet<PathBuf>,
}

/// What the sources were at one time: when each was written, and how long it was.
pub(crate) type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl Sources {
    /// Those of the plugin in `dir`, whose binary is `binary` if it has one, and the script if there is one.
    pub(crate) fn new(dir: &Path, binary: Option<&Path>, script: Option<&Path>) -> Self {
        let made_of = binary.map(|binary| made_of(&binary.with_extension("d"))).unwrap_or_default();
        let files = made_of.into_iter().chain(script.map(Path::to_owned));
        let files = files.filter_map(|file| std::path::absolute(file).ok()).collect();
        Self { dir: std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()), files }
    }

    /// Whether a file that was written may be one of them; of a folder that it may hold some.
    pub(crate) fn may_concern(&self, path: &Path) -> bool {
        self.files.contains(path)
            || path.starts_with(&self.dir)
                && !path
                    .strip_prefix(&self.dir)
                    .is_ok_and(|path| path.iter().any(|name| is_passed_over(name.as_ref())))
                && (is_source(path) || path.is_dir())
    }

    /// How they are now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut found = Snapshot::new();
        let mut take = |file: PathBuf| {
            if let Ok(about) = file.metadata() {
                found.insert(file, (about.modified().ok(), about.len()));
            }
        };
        for folder in self.own_folders() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let file = entry.path();
                if is_source(&file) && file.is_file() {
                    take(file);
                }
            }
        }
        self.files.iter().cloned().for_each(take);
        found
    }

    /// The folders in which they are.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let of_files = self.files.iter().filter_map(|file| file.parent()).map(Path::to_owned);
        self.own_folders().into_iter().chain(of_files).collect()
    }

    fn own_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.dir.clone()];
        let mut next = 0;
        while let Some(folder) = folders.get(next) {
            next += 1;
            let inside = fs::read_dir(folder).into_iter().flatten().flatten();
            let inside: Vec<_> = inside
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .filter(|entry| !is_passed_over(Path::new(&entry.file_name())))
                .map(|entry| entry.path())
                .collect();
            folders.extend(inside);
        }
        folders
    }
}

/// The files of which one was written, made or removed between two times.
pub(crate) fn changed<'a>(before: &'a Snapshot, after: &'a Snapshot) -> BTreeSet<&'a Path> {
    let differ = |one: &'a Snapshot, other: &'a Snapshot| {
        one.iter().filter(|(path, about)| other.get(*path) != Some(about)).map(|(path, _)| path.as_path())
    };
    differ(before, after).chain(differ(after, before)).collect()
}

/// How the sources in `now`, which may be others than those of `before`, were when those were looked at: what has been
/// written since then counts as changed.
pub(crate) fn since(before: &Snapshot, sources: &Sources) -> Snapshot {
    let mut snapshot = sources.snapshot();
    for (path, about) in before {
        if snapshot.contains_key(path) || sources.may_concern(path) {
            snapshot.insert(path.clone(), *about);
        }
    }
    snapshot
}

fn is_passed_over(name: &Path) -> bool {
    let name = name.to_string_lossy();
    (name.starts_with('.') && name != ".env") || PASSED_OVER.contains(&&*name)
}

/// Whether a file has the name of a source, and not that of an editor's copy of one.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == ".env" {
        return true;
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    !name.starts_with(['.', '#']) && ENDINGS.contains(&&*ending)
}

/// The files that cargo says, in a file beside a binary, it was made of: `binary: file file`, spaces in names after a
/// backslash.
fn made_of(file: &Path) -> Vec<PathBuf> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let Some((_, files)) = text.lines().next().unwrap_or_default().split_once(": ") else {
        return Vec::new();
    };
    let mut found = vec![String::new()];
    let mut letters = files.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.next_if_eq(&' ').is_some() => {
                if let Some(last) = found.last_mut() {
                    last.push(' ');
                }
            }
            ' ' => found.push(String::new()),
            _ => {
                if let Some(last) = found.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    found.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_from_what_is_built_and_from_editors_files() {
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
        let made_of = format!(
            "{}: {} {} {}\n\nx:\n",
            path("target/duck").display(),
            path("duck/page.html").display(),
            path("duck/src/main.rs").display(),
            path("lib/a b.rs").display().to_string().replace(' ', "\\ ")
        );
        fs::create_dir_all(path("target")).unwrap();
        fs::write(path("target/duck.d"), made_of).unwrap();
        let found = Sources::new(&dir, Some(&path("target/duck")), Some(&path("script.json")));
        let snapshot = found.snapshot();
        assert_eq!(
            snapshot.keys().cloned().collect::<BTreeSet<_>>(),
            sources.iter().map(|name| path(name)).collect()
        );
        for name in sources {
            assert!(found.may_concern(&path(name)), "{name}");
        }
        for name in others {
            assert!(!found.may_concern(&path(name)), "{name}");
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
        // What was written since a look at fewer files is seen by the next one.
        let first = Sources::new(&dir, None, None);
        let looked = first.snapshot();
        fs::write(path("duck/src/main.rs"), "333").unwrap();
        fs::remove_file(path("duck/src/new.rs")).unwrap();
        let expected = ["duck/src/main.rs", "duck/src/new.rs"].map(path);
        let (since, now) = (since(&looked, &found), found.snapshot());
        assert_eq!(changed(&since, &now), expected.iter().map(PathBuf::as_path).collect());
    }
}
