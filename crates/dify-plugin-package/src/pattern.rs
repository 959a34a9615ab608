//! The patterns of ignore files: gitignore patterns as the daemon's packager reads them with go-git
//! (`plumbing/format/gitignore`), each on its own.
//!
//! The `ignore` crate would decide differently: it honors exceptions (`!`) and knows `**` inside a name.

use dify_plugin_manifest::Glob;

/// A pattern that excludes files.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// The parts between the slashes.
    parts: Vec<Part>,
    only_folders: bool,
}

#[derive(Debug)]
enum Part {
    /// Nothing, as before a leading slash.
    Empty,
    /// `**`: any number of folders.
    Folders,
    Name(Glob),
    /// Invalid, as `[` or, in a path, `a**`: it matches nothing.
    Nothing,
}

impl Part {
    fn name(text: &str) -> Self {
        Glob::parse(text).map_or(Self::Nothing, Self::Name)
    }

    /// Reads one of several parts.
    fn of_path(text: &str) -> Self {
        match text {
            "" => Self::Empty,
            "**" => Self::Folders,
            _ if text.contains("**") => Self::Nothing,
            _ => Self::name(text),
        }
    }
}

impl Pattern {
    /// Reads a line. Returns `None` for lines that exclude nothing: blank lines, comments, and exceptions (`!`), which the
    /// daemon's packager reads but ignores.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', '!']) {
            return None;
        }
        let (line, only_folders) = match line.strip_suffix('/') {
            Some(line) => (line, true),
            None => (line, false),
        };
        // In a pattern without slashes, two stars mean the same as one.
        let parts = if line.contains('/') {
            line.split('/').map(Part::of_path).collect()
        } else {
            vec![Part::name(line)]
        };
        Some(Self { parts, only_folders })
    }

    /// Whether the pattern excludes the path of a folder or file.
    pub(crate) fn excludes(&self, path: &[&str], is_folder: bool) -> bool {
        let end = match &*self.parts {
            [Part::Name(name)] => path.iter().position(|part| name.matches(part)).map(|at| at + 1),
            [_] => None,
            _ => self.end_in(path),
        };
        // Everything below an excluded folder is excluded too.
        end.is_some_and(|end| !self.only_folders || is_folder || end < path.len())
    }

    /// Returns how many parts of the path, from the root on, the pattern matches. After `**` the first matching part counts.
    fn end_in(&self, path: &[&str]) -> Option<usize> {
        let (mut end, mut any_depth, mut matched) = (0, false, false);
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Empty => any_depth = false,
                Part::Folders if index + 1 == self.parts.len() => break,
                Part::Folders => any_depth = true,
                Part::Nothing => return None,
                Part::Name(name) => {
                    let places = if any_depth { &path[end..] } else { path[end..].get(..1)? };
                    end += 1 + places.iter().position(|part| name.matches(part))?;
                    (any_depth, matched) = (false, true);
                }
            }
        }
        matched.then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// Random lines with random paths, and the decision of the daemon's own pattern reader (go-git 5) for each pair.
    #[test]
    fn patterns_exclude_the_paths_that_the_daemon_excludes() {
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
