//! RSA keys, in the files that the daemon and its CLI read.

use std::fmt;

use rsa::pkcs1::{
    DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding,
};
use rsa::sha2::Sha256;

/// As long as the daemon's CLI makes them (`cmd/commandline/signature/generate.go`).
const BITS: usize = 4096;

/// What signs packages. Neither `Debug` nor an error shows anything of it.
pub struct PrivateKey(rsa::PrivateKey);

/// What verifies signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(rsa::PublicKey);

/// Why a text is no key. It is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Another kind of PEM block, or none. The daemon reads PKCS#1 alone.
    #[error("there is no PEM block `{0}`, which is the only one the daemon reads")]
    NoBlock(&'static str),
    /// The daemon refuses a file that goes on after the block.
    #[error("something follows the PEM block `{0}`, which the daemon refuses")]
    Trailing(&'static str),
    /// The block's content is damaged.
    #[error("the PEM block `{0}` holds no RSA key")]
    Content(&'static str),
    /// No key could be made: there is no randomness.
    #[error("no key could be made")]
    Generate,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

impl PrivateKey {
    /// Makes a new key of 4096 bits. Takes a second or a few.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        rsa::PrivateKey::new(&mut getrandom::SysRng, BITS).map(Self).map_err(|_| KeyError::Generate)
    }

    /// Reads a PEM file with the block `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// If it isn't one, as the daemon sees it (`pkg/utils/encryption/rsa.go`).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const BLOCK: &str = "RSA PRIVATE KEY";
        let block = only_block(text, BLOCK)?;
        rsa::PrivateKey::from_pkcs1_pem(block).map(Self).map_err(|_| KeyError::Content(BLOCK))
    }

    /// The PEM file's text. Whoever has it signs in your name.
    pub fn to_pem(&self) -> String {
        // A key that exists can be written.
        self.0.to_pkcs1_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.to_public_key())
    }

    /// Signs, by PKCS#1 v1.5 over SHA-256.
    pub(crate) fn sign(&self, data: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        self.0.pkcs1v15_sign::<Sha256>(data)
    }
}

impl PublicKey {
    /// Reads a PEM file with the block `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    /// If it isn't one, as the daemon sees it.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const BLOCK: &str = "RSA PUBLIC KEY";
        let block = only_block(text, BLOCK)?;
        rsa::PublicKey::from_pkcs1_pem(block).map(Self).map_err(|_| KeyError::Content(BLOCK))
    }

    /// The PEM file's text.
    pub fn to_pem(&self) -> String {
        self.0.to_pkcs1_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Whether the signature is of this data.
    pub(crate) fn verifies(&self, data: &[u8], signature: &[u8]) -> bool {
        self.0.pkcs1v15_verify::<Sha256>(data, signature).is_ok()
    }
}

/// The text's first PEM block, which must be of this kind and the last thing in the text, but for one line end.
fn only_block<'t>(text: &'t str, kind: &'static str) -> Result<&'t str, KeyError> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let from = text
        .find("-----BEGIN ")
        .filter(|at| text[*at..].starts_with(&begin))
        .ok_or(KeyError::NoBlock(kind))?;
    let length = text[from..].find(&end).ok_or(KeyError::NoBlock(kind))? + end.len();
    let rest = &text[from + length..];
    // Go's decoder takes the rest of the line with the block.
    match rest.trim_start_matches([' ', '\t', '\r']) {
        "" | "\n" => Ok(&text[from..from + length]),
        _ => Err(KeyError::Trailing(kind)),
    }
}
