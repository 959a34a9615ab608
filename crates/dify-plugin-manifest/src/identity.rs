//! Author, name and version, which together identify a plugin.

use std::ops::RangeInclusive;

use crate::manifest::Manifest;

/// A part of a manifest that cannot be in a plugin's identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {part}; use {rule}")]
#[non_exhaustive]
pub struct IdentityError {
    /// The part: author, name or version.
    pub part: &'static str,
    /// What the manifest says.
    pub text: String,
    /// What is allowed.
    pub rule: &'static str,
}

impl Manifest {
    /// Returns the plugin's identity, `author/name:version`, or `name:version` if the author is empty
    /// (`pkg/entities/plugin_entities/identity.go`).
    ///
    /// # Errors
    ///
    /// Returns an error if a part cannot be in an identity. [`check`](crate::check()) is stricter: it requires an author, and
    /// a version of three numbers.
    pub fn identity(&self) -> Result<String, IdentityError> {
        let Self { author, name, version, .. } = self;
        let refuse = |part, text: &str, rule| Err(IdentityError { part, text: text.to_owned(), rule });
        if !author.is_empty() && !is_name(author, 64) {
            return refuse("author", author, "up to 64 of a-z, 0-9, `_` and `-`");
        }
        if !is_name(name, 255) {
            return refuse("name", name, "1 to 255 of a-z, 0-9, `_` and `-`");
        }
        if !is_version(version, 2..=4) {
            let rule = "2 to 4 numbers of up to 4 digits, as in 0.0.1, and perhaps -word";
            return refuse("version", version, rule);
        }
        Ok(if author.is_empty() { format!("{name}:{version}") } else { format!("{author}/{name}:{version}") })
    }
}

/// Whether a text is a valid author or name of at most `longest` characters.
pub(crate) fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(is_name_byte)
}

pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
}

/// Whether a text is a version: as many numbers of up to four digits as `numbers` allows, and perhaps a hyphen and a word.
pub(crate) fn is_version(text: &str, numbers: RangeInclusive<usize>) -> bool {
    let (dotted, word) = text.split_once('-').map_or((text, None), |(dotted, word)| (dotted, Some(word)));
    let is_number =
        |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |text: &str| {
        (1..=16).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    numbers.contains(&dotted.split('.').count())
        && dotted.split('.').all(is_number)
        && word.is_none_or(is_word)
}

/// Whether Go's `uuid.Parse` accepts a text: as a UUID in the usual form, in braces, after `urn:uuid:`, or without hyphens.
pub(crate) fn is_uuid(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let text = match text.len() {
        45 => text.strip_prefix("urn:uuid:").unwrap_or(text),
        38 => text.get(1..37).unwrap_or(text),
        32 => return digits(text),
        _ => text,
    };
    let parts: Vec<_> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| digits(part))
}
