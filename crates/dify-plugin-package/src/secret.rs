//! Files that should never be published.

use std::fmt;

use memchr::memmem;

/// Why a file is considered secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Secret {
    /// Local settings: `.env` and similar files, except for examples.
    Environment,
    /// A private key, recognized by content or name.
    PrivateKey,
    /// Passwords or tokens of a program that stores them in a file of this name.
    Credentials,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "local settings",
            Self::PrivateKey => "a private key",
            Self::Credentials => "credentials",
        })
    }
}

impl Secret {
    /// Recognizes a secret by the file's name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if name == ".env" || name == ".envrc" {
            return Some(Self::Environment);
        }
        if let Some(kind) = name.strip_prefix(".env.") {
            let is_example = ["example", "sample", "template", "dist"].iter().any(|word| kind.contains(word));
            return (!is_example).then_some(Self::Environment);
        }
        match &*name {
            "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => Some(Self::PrivateKey),
            ".netrc" | ".pypirc" | ".npmrc" | ".git-credentials" | ".htpasswd" | ".pgpass" => {
                Some(Self::Credentials)
            }
            _ if [".p12", ".pfx", ".jks", ".private.pem"].iter().any(|end| name.ends_with(end)) => {
                Some(Self::PrivateKey)
            }
            _ => None,
        }
    }

    /// Recognizes a secret by the file's content: the PEM block of a private key, not only text about one.
    pub(crate) fn of_content(content: &[u8]) -> Option<Self> {
        const END_OF_BEGIN: &[u8] = b"PRIVATE KEY-----";
        // Encrypted keys have headers between the marker and the key.
        const NEAR: usize = 256;
        const DIGITS: usize = 40;
        memmem::find_iter(content, END_OF_BEGIN).find_map(|at| {
            let line = content[..at].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            if !line.windows(11).any(|window| window == b"-----BEGIN ") {
                return None;
            }
            let rest = &content[at + END_OF_BEGIN.len()..];
            let near = &rest[..rest.len().min(NEAR)];
            let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
            near.split(|byte| !is_digit(byte)).any(|run| run.len() >= DIGITS).then_some(Self::PrivateKey)
        })
    }
}
