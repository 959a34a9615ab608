//! The limit on a package's size.

use std::cmp::Reverse;

/// The daemon's default limit for a package in bytes, both as a file and unpacked: 50 MiB
/// (`internal/types/app/default.go`).
///
/// A daemon's `MAX_PLUGIN_PACKAGE_SIZE` overrides it. Dify has the same limit under the name `PLUGIN_MAX_PACKAGE_SIZE`.
pub const MAX_PACKAGE_BYTES: u64 = 50 << 20;

/// How many of the largest files an error names; the daemon's packager names as many.
const LARGEST: usize = 5;

/// The error returned when a package's files are too large together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the unpacked files have {bytes} bytes, but at most {limit} are allowed")]
#[non_exhaustive]
pub struct TooLarge {
    /// The total size of the unpacked files in bytes.
    pub bytes: u64,
    /// The limit in bytes.
    pub limit: u64,
    /// The five largest files and their sizes in bytes, the largest first.
    pub largest: Vec<(String, u64)>,
}

impl TooLarge {
    /// Checks files given by path and size.
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
