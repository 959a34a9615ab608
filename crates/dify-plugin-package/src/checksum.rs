//! The checksum by which a daemon tells packages apart.

use sha2::{Digest, Sha256};

use crate::archive::Package;

impl Package {
    /// 64 hexadecimal digits over the paths and the contents of all files (`pkg/plugin_packager/decoder/checksum.go`), so that
    /// neither the order nor the compression count. The file that signing adds does: a signed package has another checksum.
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
