//! Signatures of packages (`pkg/plugin_packager/signer`, `pkg/plugin_packager/decoder/verifier.go`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::archive::{File, Package, VERIFICATION_FILE};
use crate::key::{PrivateKey, PublicKey};

/// What signing leaves in the zip file's comment, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Signature {
    /// In base64.
    #[serde(default)]
    pub signature: String,
    /// When it was made, in seconds since 1970.
    #[serde(default)]
    pub time: i64,
}

/// In whose name a package is signed. The daemon takes a signed package that says nothing as [`Langgenius`](Self::Langgenius).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// Dify's makers.
    Langgenius,
    /// A partner of theirs.
    Partner,
    /// Anybody.
    Community,
}

/// Why a signature doesn't hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The zip file's comment is empty or not a signature's.
    #[error("the package is not signed")]
    NotSigned,
    /// [`VERIFICATION_FILE`] isn't what signing writes.
    #[error("`{VERIFICATION_FILE}` in the package says in nobody's name that it is signed")]
    Category,
    /// Signed with another key, or changed since.
    #[error("the package was signed with another key, or was changed since")]
    Mismatch,
}

/// The key is too short for a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is too short to sign with; make one with 2048 bits or more")]
#[non_exhaustive]
pub struct SignError;

/// The file that signing adds.
#[derive(Deserialize)]
struct Verification {
    authorized_category: String,
}

impl Category {
    /// As it is written in a package.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Langgenius => "langgenius",
            Self::Partner => "partner",
            Self::Community => "community",
        }
    }
}

impl Package {
    /// Returns the signature in the zip file's comment, or `None` if there is none that can be read.
    pub fn signature(&self) -> Option<Signature> {
        let signature: Signature = serde_json::from_slice(self.comment()).ok()?;
        (!signature.signature.is_empty()).then_some(signature)
    }

    /// Signs the package as of `time`, in seconds since 1970. An earlier signature goes: a second one beside it would verify
    /// nowhere. The checksum changes, because signing adds a file.
    ///
    /// # Errors
    /// If the key is too short to sign with; the package is as it was.
    pub fn sign(&mut self, key: &PrivateKey, category: Category, time: i64) -> Result<(), SignError> {
        let content = format!(r#"{{"authorized_category":"{}"}}"#, category.as_str()).into_bytes();
        let verification = File { path: VERIFICATION_FILE.to_owned(), content };
        let others = self.files().iter().filter(|file| file.path != VERIFICATION_FILE);
        let data = signed_data(others.chain([&verification]), time);
        let signature = BASE64_STANDARD.encode(key.sign(&data).map_err(|_| SignError)?);
        // Compact, and in the order of Go's sorted keys.
        let comment = format!(r#"{{"signature":"{signature}","time":{time}}}"#);
        self.seal(verification, comment.into_bytes());
        Ok(())
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// If there is none, or it isn't by this key over these files. Their names aren't signed: the daemon takes a package in which
    /// a file was renamed (under another checksum).
    pub fn verify(&self, key: &PublicKey) -> Result<(), VerifyError> {
        let signature = self.signature().ok_or(VerifyError::NotSigned)?;
        if self.file(VERIFICATION_FILE).is_some() && self.category().is_none() {
            return Err(VerifyError::Category);
        }
        let bytes = BASE64_STANDARD.decode(&signature.signature).map_err(|_| VerifyError::Mismatch)?;
        if key.verifies(&signed_data(self.files(), signature.time), &bytes) {
            Ok(())
        } else {
            Err(VerifyError::Mismatch)
        }
    }

    /// In whose name the package says to be signed, whether or not a signature holds: one of [`Category`]'s words as a rule.
    pub fn category(&self) -> Option<String> {
        let verification: Verification = serde_json::from_slice(self.file(VERIFICATION_FILE)?).ok()?;
        Some(verification.authorized_category)
    }
}

/// The digests of the contents in the zip file's order, and the time in decimal.
fn signed_data<'f>(files: impl IntoIterator<Item = &'f File>, time: i64) -> Vec<u8> {
    let mut data = Vec::new();
    for file in files {
        data.extend_from_slice(&Sha256::digest(&file.content));
    }
    data.extend_from_slice(time.to_string().as_bytes());
    data
}
