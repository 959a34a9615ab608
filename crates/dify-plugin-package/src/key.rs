//! RSA keys in the file format of the daemon and its CLI.

use std::fmt;

use rsa::pkcs1::{
    DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey, EncodeRsaPublicKey, LineEnding,
};
use rsa::sha2::Sha256;

/// The length of generated keys, as in the daemon's CLI (`cmd/commandline/signature/generate.go`).
const BITS: usize = 4096;

/// A key that signs packages. Neither `Debug` output nor errors reveal any of it.
pub struct PrivateKey(rsa::PrivateKey);

/// A key that verifies signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(rsa::PublicKey);

/// The error returned when a text is not a key. It never contains any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no PEM block, or one of another kind. The daemon reads only PKCS#1.
    #[error("there is no PEM block `{0}`, the only kind that the daemon reads")]
    NoBlock(&'static str),
    /// Text follows the block, which the daemon refuses.
    #[error("text follows the PEM block `{0}`, which the daemon refuses; remove it")]
    Trailing(&'static str),
    /// The block's content is damaged.
    #[error("the PEM block `{0}` does not hold a valid RSA key")]
    Content(&'static str),
    /// The system has no randomness to generate a key from.
    #[error("the system provides no randomness for a key")]
    Generate,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

impl PrivateKey {
    /// Generates a key of 4096 bits, which takes a few seconds.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        rsa::PrivateKey::new(&mut getrandom::SysRng, BITS).map(Self).map_err(|_| KeyError::Generate)
    }

    /// Reads a private key from the text of a PEM file with the block `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// Returns an error if the daemon would not read the key (`pkg/utils/encryption/rsa.go`).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const BLOCK: &str = "RSA PRIVATE KEY";
        let block = only_block(text, BLOCK)?;
        rsa::PrivateKey::from_pkcs1_pem(block).map(Self).map_err(|_| KeyError::Content(BLOCK))
    }

    /// Returns the text of a PEM file. Keep it secret: anyone who has it can sign in your name.
    pub fn to_pem(&self) -> String {
        // Encoding cannot fail for a valid key.
        self.0.to_pkcs1_pem(LineEnding::LF).map(|pem| pem.to_string()).unwrap_or_default()
    }

    /// Returns the public key that verifies what this key signs.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.to_public_key())
    }

    /// Signs data with PKCS#1 v1.5 over SHA-256.
    pub(crate) fn sign(&self, data: &[u8]) -> Result<Vec<u8>, rsa::Error> {
        self.0.pkcs1v15_sign::<Sha256>(data)
    }
}

impl PublicKey {
    /// Reads a public key from the text of a PEM file with the block `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// Returns an error if the daemon would not read the key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        const BLOCK: &str = "RSA PUBLIC KEY";
        let block = only_block(text, BLOCK)?;
        rsa::PublicKey::from_pkcs1_pem(block).map(Self).map_err(|_| KeyError::Content(BLOCK))
    }

    /// Returns the text of a PEM file.
    pub fn to_pem(&self) -> String {
        self.0.to_pkcs1_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Whether the signature matches the data.
    pub(crate) fn verifies(&self, data: &[u8], signature: &[u8]) -> bool {
        self.0.pkcs1v15_verify::<Sha256>(data, signature).is_ok()
    }
}

/// Returns the text's first PEM block, which must be of this kind and end the text, except for a line end.
fn only_block<'t>(text: &'t str, kind: &'static str) -> Result<&'t str, KeyError> {
    let (begin, end) = (format!("-----BEGIN {kind}-----"), format!("-----END {kind}-----"));
    let from = text
        .find("-----BEGIN ")
        .filter(|at| text[*at..].starts_with(&begin))
        .ok_or(KeyError::NoBlock(kind))?;
    let length = text[from..].find(&end).ok_or(KeyError::NoBlock(kind))? + end.len();
    let rest = &text[from + length..];
    // Go's decoder counts the rest of the line as part of the block.
    match rest.trim_start_matches([' ', '\t', '\r']) {
        "" | "\n" => Ok(&text[from..from + length]),
        _ => Err(KeyError::Trailing(kind)),
    }
}
