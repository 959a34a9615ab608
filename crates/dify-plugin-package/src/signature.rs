//! Signing and verifying packages (`pkg/plugin_packager/signer`, `pkg/plugin_packager/decoder/verifier.go`).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::archive::{File, Package, VERIFICATION_FILE};
use crate::key::{PrivateKey, PublicKey};

/// A package's signature, which is stored as JSON in the zip file's comment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Signature {
    /// The signature in base64.
    #[serde(default)]
    pub signature: String,
    /// The time of signing, in seconds since 1970.
    #[serde(default)]
    pub time: i64,
}

/// On whose behalf a package is signed. The daemon treats a signed package without a category as
/// [`Langgenius`](Self::Langgenius).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// LangGenius, the makers of Dify.
    Langgenius,
    /// A partner of LangGenius.
    Partner,
    /// Anyone else.
    Community,
}

/// The error returned when a package's signature is missing or invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The zip file's comment holds no signature.
    #[error("the package is not signed")]
    NotSigned,
    /// [`VERIFICATION_FILE`] is not what signing writes.
    #[error("`{VERIFICATION_FILE}` in the package has no category")]
    Category,
    /// The package was signed with another key or modified after signing.
    #[error("the package was signed with another key or modified after signing")]
    Mismatch,
}

/// The error returned when a key is too short to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is too short to sign with; generate one with 2048 bits or more")]
#[non_exhaustive]
pub struct SignError;

/// The file that signing adds.
#[derive(Deserialize)]
struct Verification {
    authorized_category: String,
}

impl Category {
    /// Returns the category as it is written in a package.
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

    /// Signs the package. `time` is the time of signing in seconds since 1970.
    ///
    /// An earlier signature is replaced, as a package with two would not verify. Signing adds a file and so changes the
    /// checksum.
    ///
    /// # Errors
    ///
    /// Returns an error if the key is too short to sign with. The package is then unchanged.
    pub fn sign(&mut self, key: &PrivateKey, category: Category, time: i64) -> Result<(), SignError> {
        let content = format!(r#"{{"authorized_category":"{}"}}"#, category.as_str()).into_bytes();
        let verification = File { path: VERIFICATION_FILE.to_owned(), content };
        let others = self.files().iter().filter(|file| file.path != VERIFICATION_FILE);
        let data = signed_data(others.chain([&verification]), time);
        let signature = BASE64_STANDARD.encode(key.sign(&data).map_err(|_| SignError)?);
        // Compact and with sorted keys, as Go writes it.
        let comment = format!(r#"{{"signature":"{signature}","time":{time}}}"#);
        self.seal(verification, comment.into_bytes());
        Ok(())
    }

    /// Verifies the signature.
    ///
    /// File names are not signed: the daemon accepts a package in which a file was renamed, under another checksum.
    ///
    /// # Errors
    ///
    /// Returns an error if the package is not signed, or not with this key over these files.
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

    /// Returns the category that the package claims, usually the name of a [`Category`]. The signature is not verified.
    pub fn category(&self) -> Option<String> {
        let verification: Verification = serde_json::from_slice(self.file(VERIFICATION_FILE)?).ok()?;
        Some(verification.authorized_category)
    }
}

/// Returns the signed data: the digests of the contents in the zip file's order, and the time in decimal.
fn signed_data<'f>(files: impl IntoIterator<Item = &'f File>, time: i64) -> Vec<u8> {
    let mut data = Vec::new();
    for file in files {
        data.extend_from_slice(&Sha256::digest(&file.content));
    }
    data.extend_from_slice(time.to_string().as_bytes());
    data
}
