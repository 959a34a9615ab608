//! What a plugin and its author may be called: Dify and cargo have rules.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A plugin's name, which is also its package's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// Names that cargo refuses, or that would hide a package which the plugin needs.
const TAKEN: [&str; 15] = [
    "alloc",
    "axum",
    "build",
    "core",
    "deps",
    "dify_plugin",
    "dify_plugin_test",
    "examples",
    "incremental",
    "proc_macro",
    "serde",
    "std",
    "test",
    "tests",
    "tokio",
];

/// Words that Rust keeps for itself.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield", "union",
];

impl Name {
    /// The name of the folder that a plugin is to be in.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub(super) fn of_folder(dir: &Path) -> Result<Self, String> {
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            return Err(format!("`{name}` is no name for a plugin; use 1 to 64 of a-z, 0-9, `-` and `_`"));
        }
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(format!("`{name}` is no name for a package of cargo's; begin with a letter"));
        }
        let in_code = name.replace('-', "_");
        if TAKEN.contains(&&*in_code) || KEYWORDS.contains(&name) {
            return Err(format!(
                "`{name}` means something else to cargo or Rust; use another name, as in `{name}-plugin`"
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in Rust code.
    pub(super) fn crate_name(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The name for people: `my-plugin` is My plugin.
    pub(super) fn label(&self) -> String {
        let words = self.0.replace(['-', '_'], " ");
        let mut letters = words.trim().chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A plugin's author, as Dify has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Author(String);

impl Author {
    /// Whoever is logged in, as far as that makes a name.
    pub(super) fn of_this_machine() -> Self {
        let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Self::from_user(&user.unwrap_or_default())
    }

    fn from_user(user: &str) -> Self {
        let user = user.to_lowercase();
        let letters = user.chars().map(|letter| match letter {
            'a'..='z' | '0'..='9' | '_' | '-' => letter,
            _ => '-',
        });
        let name: String = letters.take(64).collect();
        name.trim_matches('-').parse().unwrap_or_else(|_| Self("author".to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Author {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(legal) {
            return Err(format!("`{name}` is no name for an author; use 1 to 64 of a-z, 0-9, `-` and `_`"));
        }
        // The daemon takes an author that is a UUID for a plugin under remote debugging.
        let digits = name.bytes().filter(u8::is_ascii_hexdigit).count();
        if digits == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(format!("`{name}` looks like a UUID, which Dify refuses as an author; use a word"));
        }
        Ok(Self(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_for_dify_and_for_cargo() {
        for (path, label) in [("duck", "Duck"), ("a/b/my-plugin_2", "My plugin 2"), ("x", "X")] {
            assert_eq!(Name::of_folder(Path::new(path)).unwrap().label(), label, "{path}");
        }
        assert_eq!(Name::of_folder(Path::new("my-plugin")).unwrap().crate_name(), "my_plugin");
        for path in [
            "",
            ".",
            "..",
            "Duck",
            "my plugin",
            "2duck",
            "-duck",
            "test",
            "match",
            "serde",
            "dify-plugin",
            "dify_plugin",
            "ente-ü",
        ] {
            let problem = Name::of_folder(Path::new(path)).unwrap_err();
            assert!(problem.contains("; "), "{problem}");
        }
    }

    #[test]
    fn authors_are_legal_for_dify() {
        for (user, author) in
            [("ada", "ada"), ("Ada Lovelace", "ada-lovelace"), ("ü", "author"), ("", "author")]
        {
            assert_eq!(Author::from_user(user).as_str(), author);
        }
        for name in
            ["", "Ada", "a b", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"]
        {
            assert!(name.parse::<Author>().is_err(), "{name}");
        }
    }
}
