//! How large a package may be.

use std::cmp::Reverse;

/// Of files that are too large together, as many are named; the daemon's packager names as many.
const LARGEST: usize = 5;

/// Files that are too large together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unpacked the files have {bytes} bytes, of which {limit} are allowed")]
#[non_exhaustive]
pub struct TooLarge {
    /// How large they are, unpacked.
    pub bytes: u64,
    /// The limit.
    pub limit: u64,
    /// The five largest, the largest first, with their sizes in bytes.
    pub largest: Vec<(String, u64)>,
}

impl TooLarge {
    /// Checks files of these paths and sizes.
    pub(crate) fn check<'p>(
        files: impl Iterator<Item = (&'p str, u64)> + Clone,
        limit: u64,
    ) -> Result<(), Self> {
        let bytes = files.clone().fold(0u64, |bytes, (_, size)| bytes.saturating_add(size));
        if bytes <= limit {
            return Ok(());
        }
        let mut largest: Vec<_> = files.map(|(path, size)| (path.to_owned(), size)).collect();
        largest.sort_by_key(|(_, size)| Reverse(*size));
        largest.truncate(LARGEST);
        Err(Self { bytes, limit, largest })
    }
}
