//! The name under which a daemon keeps a package.

use std::fmt;

use dify_plugin_manifest::Manifest;

use crate::Package;

/// `author/name:version@checksum` (`pkg/entities/plugin_entities/identity.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIdentifier(String);

/// A part of a manifest that a unique identifier can't hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {part} {text:?} is not legal: {rule}")]
#[non_exhaustive]
pub struct IdentifierError {
    /// Which part: author, name or version.
    pub part: &'static str,
    /// What stands there.
    pub text: String,
    /// What may.
    pub rule: &'static str,
}

impl UniqueIdentifier {
    /// The identifier of a package with this manifest.
    ///
    /// # Errors
    /// If author, name or version are such that the daemon refuses to make one. An empty author is left out, as the daemon
    /// does; that [`Manifest::validate`] refuses it is another matter.
    pub fn new(manifest: &Manifest, package: &Package) -> Result<Self, IdentifierError> {
        let refuse = |part, text: &str, rule| Err(IdentifierError { part, text: text.to_owned(), rule });
        let Manifest { author, name, version, .. } = manifest;
        if author.len() > 64 || !author.bytes().all(is_of_a_name) {
            return refuse("author", author, "up to 64 of a-z, 0-9, _ and -");
        }
        if !(1..=255).contains(&name.len()) || !name.bytes().all(is_of_a_name) {
            return refuse("name", name, "1 to 255 of a-z, 0-9, _ and -");
        }
        if !is_version(version) {
            return refuse(
                "version",
                version,
                "2 to 4 numbers of up to 4 digits, as in 0.0.1, and perhaps -word",
            );
        }
        let author = if author.is_empty() { String::new() } else { format!("{author}/") };
        Ok(Self(format!("{author}{name}:{version}@{}", package.checksum())))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
}

/// `^[0-9]{1,4}(\.[0-9]{1,4}){1,3}(-\w{1,16})?$`
fn is_version(text: &str) -> bool {
    let (numbers, word) = match text.split_once('-') {
        Some((numbers, word)) => (numbers, Some(word)),
        None => (text, None),
    };
    let is_number =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |word: &str| {
        (1..=16).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let parts = numbers.split('.').count();
    (2..=4).contains(&parts) && numbers.split('.').all(is_number) && word.is_none_or(is_word)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn versions_are_those_of_the_daemon() {
        for legal in ["0.0.1", "1.2", "1.2.3.4", "1234.0.0", "0.0.1-beta", "0.0.1-a_1"] {
            assert!(is_version(legal), "{legal}");
        }
        for illegal in [
            "",
            "1",
            "1.2.3.4.5",
            "12345.0",
            "1.",
            ".1",
            "0.0.1-",
            "0.0.1-a-b",
            "0.0.1-12345678901234567",
            "v1.0",
            "1.0 ",
        ] {
            assert!(!is_version(illegal), "{illegal}");
        }
    }
}
