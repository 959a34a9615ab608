//! Lines of an ignore file, as the daemon's packager takes them: gitignore patterns in the reading of go-git
//! (`plumbing/format/gitignore`), of which each stands for itself.

use dify_plugin_manifest::Glob;

/// A pattern that leaves files out.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// What stands between the slashes.
    parts: Vec<Part>,
    only_folders: bool,
}

#[derive(Debug)]
enum Part {
    /// Nothing, as before a slash at the beginning.
    Empty,
    /// `**`: any number of folders.
    Folders,
    Name(Glob),
    /// Not legal, as `[` or, in a path, `a**`: nothing has such a name.
    Nothing,
}

impl Part {
    fn name(text: &str) -> Self {
        Glob::parse(text).map_or(Self::Nothing, Self::Name)
    }

    /// A part of several.
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
        // In a name alone two stars are as good as one.
        let parts = if line.contains('/') {
            line.split('/').map(Part::of_path).collect()
        } else {
            vec![Part::name(line)]
        };
        Some(Self { parts, only_folders })
    }

    /// Whether it leaves out this path, of a folder or a file.
    pub(crate) fn excludes(&self, path: &[&str], is_folder: bool) -> bool {
        let end = match &*self.parts {
            [Part::Name(name)] => path.iter().position(|part| name.matches(part)).map(|at| at + 1),
            [_] => None,
            _ => self.end_in(path),
        };
        // What is below a folder that is left out is left out too.
        end.is_some_and(|end| !self.only_folders || is_folder || end < path.len())
    }

    /// How many parts of the path the pattern stands for, which begins at the root. Of several places for a name after `**`
    /// the first one counts.
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
