//! Lines of an ignore file, as the daemon's packager takes them: gitignore patterns in the reading of go-git
//! (`plumbing/format/gitignore`), of which each stands for itself.

use crate::glob;

/// A pattern that leaves files out.
#[derive(Debug)]
pub(crate) struct Pattern {
    parts: Vec<String>,
    only_folders: bool,
}

impl Pattern {
    /// Reads a line. `None` where it leaves nothing out: blank lines, comments, and exceptions (`!`), which the daemon's packager
    /// reads and doesn't heed.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '!']) {
            return None;
        }
        let (line, only_folders) = match line.strip_suffix('/') {
            Some(line) => (line, true),
            None => (line, false),
        };
        Some(Self { parts: line.split('/').map(str::to_owned).collect(), only_folders })
    }

    /// Whether it leaves out this path, of a folder or a file.
    pub(crate) fn excludes(&self, path: &[&str], is_folder: bool) -> bool {
        match &*self.parts {
            [name] => self.excludes_name(name, path, is_folder),
            _ => self.excludes_path(path, is_folder),
        }
    }

    /// A pattern without `/` stands for a name anywhere.
    fn excludes_name(&self, pattern: &str, path: &[&str], is_folder: bool) -> bool {
        for (index, name) in path.iter().enumerate() {
            match glob::matches(pattern, name) {
                None => return false,
                Some(false) => {}
                Some(true) => return !self.only_folders || is_folder || index + 1 < path.len(),
            }
        }
        false
    }

    /// A pattern with `/` stands for a path from the root, and all below it.
    fn excludes_path(&self, mut path: &[&str], is_folder: bool) -> bool {
        let (mut matched, mut any_depth) = (false, false);
        for (index, part) in self.parts.iter().enumerate() {
            match &**part {
                "" => any_depth = false,
                "**" if index + 1 == self.parts.len() => break,
                "**" => any_depth = true,
                part if part.contains("**") => return false,
                part => loop {
                    let Some((name, rest)) = path.split_first() else { return false };
                    match glob::matches(part, name) {
                        None => return false,
                        Some(true) => {
                            path = rest;
                            matched = true;
                            any_depth = false;
                            break;
                        }
                        Some(false) if any_depth => {
                            path = rest;
                            if path.is_empty() {
                                matched = false;
                                any_depth = false;
                                break;
                            }
                        }
                        Some(false) => return false,
                    }
                },
            }
        }
        matched && !(self.only_folders && !is_folder && path.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_pattern_leaves_out_what_it_leaves_out_to_the_daemon() {
        let excludes = |line: &str, path: &str, is_folder: bool| {
            let path: Vec<_> = path.split('/').collect();
            Pattern::parse(line).is_some_and(|pattern| pattern.excludes(&path, is_folder))
        };
        for (line, path) in [
            ("*.log", "a/b.log"),
            (" target/ ", "target/debug/x"),
            ("a/b", "a/b/c"),
            ("/src", "src/main.rs"),
            ("**/x", "a/b/x"),
            ("a/**", "a/b"),
            ("a/**/c", "a/b/b/c"),
            ("doc/*.txt", "doc/a.txt"),
        ] {
            assert!(excludes(line, path, false), "{line} {path}");
        }
        for (line, path) in [
            ("# *.log", "b.log"),
            ("!keep", "keep"),
            ("/src", "a/src"),
            ("target/", "target"),
            ("doc/*.txt", "doc/a/b.txt"),
            ("a**/b", "ab/b"),
            ("[", "["),
            ("a/b", "b"),
        ] {
            assert!(!excludes(line, path, false), "{line} {path}");
        }
        assert!(excludes("target/", "target", true));
    }

    /// Random lines with random paths, and what the daemon's own pattern reader (go-git 5) says of each pair.
    #[test]
    fn a_pattern_means_what_it_means_to_the_daemon() {
        let mut left = 0;
        for line in include_str!("../tests/fixtures/patterns.tsv").lines() {
            let fields: Vec<_> = line.split('\t').collect();
            let [pattern, path, kind, verdict] = fields[..] else { panic!("{line}") };
            let path: Vec<_> = path.split('/').collect();
            let excludes = Pattern::parse(pattern).is_some_and(|read| read.excludes(&path, kind == "folder"));
            assert_eq!(excludes, verdict == "left", "{line}");
            left += usize::from(excludes);
        }
        assert!(left > 500, "{left}");
    }
}
