//! The checksum that distinguishes packages.

use sha2::{Digest, Sha256};

use crate::archive::Package;

impl Package {
    /// Returns the package's checksum as 64 hexadecimal digits (`pkg/plugin_packager/decoder/checksum.go`).
    ///
    /// It covers the paths and contents of all files, but neither their order nor their compression. The file that signing
    /// adds is included, so signing changes the checksum.
    pub fn checksum(&self) -> String {
        let mut files: Vec<_> = self.files().iter().collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let mut whole = Sha256::new();
        for file in files {
            whole.update(Sha256::digest(&file.path));
            whole.update(Sha256::digest(&file.content));
        }
        const_hex::encode(whole.finalize())
    }
}
