//! Reads zip files, strictly: whatever two readers could read in different ways is refused.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use memchr::memmem;

use super::{MAX_FILES, PackageError};

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const FILE: &[u8] = b"PK\x03\x04";
const FILE_BYTES: usize = 30;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;
const ENCRYPTED: u16 = 1;
const DESCRIBED: u16 = 1 << 3;

/// The directory at the end of a zip file, which lists its files.
pub(super) struct Directory<'b> {
    pub(super) entries: Vec<Entry<'b>>,
    /// The offset at which the directory starts, and so the files' data ends.
    pub(super) start: usize,
    pub(super) comment: &'b [u8],
}

/// A file's entry in the directory.
pub(super) struct Entry<'b> {
    pub(super) path: &'b str,
    /// The unpacked size in bytes.
    pub(super) size: u32,
    packed: u32,
    crc: u32,
    method: u16,
    flags: u16,
    at: u32,
}

impl<'b> Directory<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, PackageError> {
        // As in Go's reader, the last end record counts.
        let from = bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
        let at = from
            + memmem::rfind(&bytes[from..], END)
                .ok_or(PackageError::Zip("this is not a zip file, or it is truncated"))?;
        let record = bytes.get(at..at + END_BYTES).ok_or(PackageError::Zip("the zip file is truncated"))?;
        let comment = &bytes[at + END_BYTES..];
        if comment.len() != usize::from(u16_at(record, 20)) {
            return Err(PackageError::Zip("the zip file is truncated, or data follows it"));
        }
        let (entries, size, start) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
        if entries == u16::MAX || size == u32::MAX || start == u32::MAX {
            return Err(PackageError::Zip("the zip file uses large-file records, which no package needs"));
        }
        if record[4..8] != [0; 4] || u16_at(record, 8) != entries {
            return Err(PackageError::Zip("the zip file is one of several parts"));
        }
        let (size, start) = (size as usize, start as usize);
        if start.checked_add(size) != Some(at) {
            return Err(PackageError::Zip(
                "the archive directory is not where the zip file says, or data precedes the archive",
            ));
        }
        if usize::from(entries) > MAX_FILES {
            return Err(PackageError::TooManyFiles(entries.into()));
        }
        let mut rest = &bytes[start..at];
        let mut read = Vec::with_capacity(entries.into());
        while !rest.is_empty() {
            read.push(Entry::take(&mut rest)?);
        }
        if read.len() != usize::from(entries) {
            return Err(PackageError::Zip("the number of entries in the archive directory is wrong"));
        }
        Ok(Self { entries: read, start, comment })
    }
}

impl<'b> Entry<'b> {
    /// Reads the entry at the start of `directory` and advances past it.
    fn take(directory: &mut &'b [u8]) -> Result<Self, PackageError> {
        const BROKEN: PackageError = PackageError::Zip("the archive directory is damaged");
        let (record, rest) = directory.split_at_checked(ENTRY_BYTES).ok_or(BROKEN)?;
        if !record.starts_with(ENTRY) {
            return Err(BROKEN);
        }
        let (name, rest) = rest.split_at_checked(u16_at(record, 28).into()).ok_or(BROKEN)?;
        let other = usize::from(u16_at(record, 30)) + usize::from(u16_at(record, 32));
        *directory = rest.get(other..).ok_or(BROKEN)?;
        let path = str::from_utf8(name)
            .map_err(|_| PackageError::Path(String::from_utf8_lossy(name).into_owned()))?;
        let (packed, size, at) = (u32_at(record, 20), u32_at(record, 24), u32_at(record, 42));
        if packed == u32::MAX || size == u32::MAX || at == u32::MAX {
            return Err(PackageError::Zip("the zip file uses large-file records, which no package needs"));
        }
        Ok(Self {
            path,
            size,
            packed,
            crc: u32_at(record, 16),
            method: u16_at(record, 10),
            flags: u16_at(record, 8),
            at,
        })
    }

    /// Unpacks the file, whose data must end before `end`.
    pub(super) fn content(&self, bytes: &[u8], end: usize) -> Result<Vec<u8>, PackageError> {
        let damaged = |why| PackageError::Damaged { path: self.path.to_owned(), why };
        if self.flags & ENCRYPTED != 0 {
            return Err(damaged("it is encrypted"));
        }
        let record = bytes[..end]
            .get(self.at as usize..)
            .filter(|record| record.len() >= FILE_BYTES && record.starts_with(FILE));
        let record = record.ok_or_else(|| damaged("its data is not where the archive directory says"))?;
        let skipped = FILE_BYTES + usize::from(u16_at(record, 26)) + usize::from(u16_at(record, 28));
        let data = record.get(skipped..).and_then(|data| data.split_at_checked(self.packed as usize));
        let (packed, after) = data.ok_or_else(|| damaged("its data is truncated"))?;
        if self.flags & DESCRIBED != 0 && described_crc(after) != Some(self.crc) {
            return Err(damaged("the CRC after its data doesn't match the archive directory"));
        }
        let content = match self.method {
            STORED => packed.to_vec(),
            DEFLATED => {
                let mut content = Vec::with_capacity(self.size as usize);
                // One byte more shows that the stated size is too small.
                let mut reader = DeflateDecoder::new(packed).take(u64::from(self.size) + 1);
                reader.read_to_end(&mut content).map_err(|_| damaged("its compressed data is invalid"))?;
                content
            }
            _ => return Err(damaged("it is not compressed with deflate")),
        };
        if content.len() != self.size as usize {
            return Err(damaged("its size doesn't match the archive directory"));
        }
        let mut crc = Crc::new();
        crc.update(&content);
        if crc.sum() != self.crc {
            return Err(damaged("its CRC doesn't match the archive directory"));
        }
        Ok(content)
    }
}

/// Returns the CRC in the record that may follow a file's data. Go's reader checks it, but not the record's sizes, whose width
/// varies.
fn described_crc(after: &[u8]) -> Option<u32> {
    let record = after.strip_prefix(b"PK\x07\x08").unwrap_or(after);
    (record.len() >= 12).then(|| u32_at(record, 0))
}

/// Returns the number at `at` in a record that is long enough.
fn u16_at(record: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn u32_at(record: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]])
}
