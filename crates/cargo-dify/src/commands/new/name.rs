//! Valid names for plugins and authors: Dify and cargo have rules.

use std::fmt;
use std::path::Path;

/// A plugin's name, which is also its package's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// Names that cargo refuses, that would hide a package the plugin needs, or that are Rust keywords.
const RESERVED: &str = "alloc axum build core deps dify_plugin dify_plugin_test examples incremental proc_macro serde std \
    test tests tokio \
    abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl \
    in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof \
    unsafe unsized use virtual where while yield union";

/// Replaces the characters that Dify doesn't allow in names.
fn slug(text: &str) -> String {
    let letters = text.to_lowercase();
    let letters = letters.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' | '_' | '-' => letter,
        _ => '-',
    });
    letters.take(64).collect::<String>().trim_matches('-').to_owned()
}

/// Returns why Dify refuses `name` for `what`, if it does.
fn refusal(name: &str, what: &str) -> Option<String> {
    let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(valid) {
        return None;
    }
    let advice = match slug(name) {
        slug if slug.is_empty() => "use 1 to 64 characters of a-z, 0-9, `-` and `_`".to_owned(),
        slug => format!("try `{slug}`"),
    };
    Some(format!("`{name}` is not a valid {what} name; {advice}"))
}

impl Name {
    /// Returns the name of the folder that a plugin will be in.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to use instead.
    pub(super) fn of_folder(dir: &Path) -> Result<Self, String> {
        let name = dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(refusal) = refusal(name, "plugin") {
            return Err(refusal);
        }
        if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(format!("`{name}` is not a valid package name; start with a letter"));
        }
        if RESERVED.split_whitespace().any(|reserved| reserved == name.replace('-', "_")) {
            return Err(format!(
                "`{name}` is reserved by Rust or cargo; use another name, such as `{name}-plugin`"
            ));
        }
        Ok(Self(name.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name in Rust code.
    pub(super) fn crate_name(&self) -> String {
        self.0.replace('-', "_")
    }

    /// Returns the name for people: `My plugin` for `my-plugin`.
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

/// Returns the name of the user who is logged in, as a valid author.
pub(super) fn user() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    author(&slug(&user.unwrap_or_default())).unwrap_or_else(|_| "author".to_owned())
}

/// Returns `name` if a plugin's author may be called that.
///
/// # Errors
///
/// What is wrong with it, and what to use instead.
pub(super) fn author(name: &str) -> Result<String, String> {
    if let Some(refusal) = refusal(name, "author") {
        return Err(refusal);
    }
    // The daemon takes a UUID for the author of a plugin under remote debugging.
    let digits = name.bytes().filter(u8::is_ascii_hexdigit).count();
    if digits == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Err(format!("`{name}` is a UUID, which Dify refuses as an author name"));
    }
    Ok(name.to_owned())
}
