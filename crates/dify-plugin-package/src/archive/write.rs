//! Writes zip files: the same files give the same bytes on every machine.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use super::{File, PackageError};

pub(super) fn zip(files: &[File], comment: &[u8]) -> Result<Vec<u8>, PackageError> {
    let mut zip = Vec::new();
    let mut entries = Vec::with_capacity(files.len());
    for file in files {
        let at = u32_of(zip.len())?;
        let packed = deflated(&file.content);
        let fields = common(file, packed.len())?;
        zip.extend_from_slice(b"PK\x03\x04");
        zip.extend_from_slice(&fields);
        zip.extend_from_slice(file.path.as_bytes());
        zip.extend_from_slice(&packed);
        entries.push((file, fields, at));
    }
    let start = u32_of(zip.len())?;
    for (file, fields, at) in entries {
        zip.extend_from_slice(b"PK\x01\x02");
        // Made by version 2.0 on FAT, like the daemon's packager: such entries have no modes.
        zip.extend_from_slice(&20u16.to_le_bytes());
        zip.extend_from_slice(&fields);
        // No comment, first part, binary, no attributes.
        zip.extend_from_slice(&[0; 10]);
        zip.extend_from_slice(&at.to_le_bytes());
        zip.extend_from_slice(file.path.as_bytes());
    }
    let size = u32_of(zip.len())? - start;
    let count = u16_of(files.len())?.to_le_bytes();
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    zip.extend_from_slice(&count);
    zip.extend_from_slice(&count);
    zip.extend_from_slice(&size.to_le_bytes());
    zip.extend_from_slice(&start.to_le_bytes());
    zip.extend_from_slice(&u16_of(comment.len())?.to_le_bytes());
    zip.extend_from_slice(comment);
    Ok(zip)
}

/// Returns the fields that a file's own record and its entry in the directory share.
fn common(file: &File, packed: usize) -> Result<Vec<u8>, PackageError> {
    const UTF_8: u16 = 1 << 11;
    const DEFLATED: u16 = 8;
    // 1 January 1980, the first day that zip files can express. The daemon's packager writes day 0 of month 0.
    const DATE: u16 = 1 << 5 | 1;
    let mut crc = Crc::new();
    crc.update(&file.content);
    let flags = if file.path.is_ascii() { 0 } else { UTF_8 };
    let mut fields = Vec::with_capacity(26);
    for field in [20, flags, DEFLATED, 0, DATE] {
        fields.extend_from_slice(&field.to_le_bytes());
    }
    fields.extend_from_slice(&crc.sum().to_le_bytes());
    fields.extend_from_slice(&u32_of(packed)?.to_le_bytes());
    fields.extend_from_slice(&u32_of(file.content.len())?.to_le_bytes());
    fields.extend_from_slice(&u16_of(file.path.len())?.to_le_bytes());
    // No extra fields.
    fields.extend_from_slice(&[0; 2]);
    Ok(fields)
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(content);
    encoder.finish().unwrap_or_default()
}

// In both fields, a value of all ones means that the number is in a large-file record.
fn u32_of(number: usize) -> Result<u32, PackageError> {
    let fits = u32::try_from(number).ok().filter(|number| *number != u32::MAX);
    fits.ok_or(PackageError::Zip("the zip file would have 4 GiB or more"))
}

fn u16_of(number: usize) -> Result<u16, PackageError> {
    u16::try_from(number)
        .ok()
        .filter(|number| *number != u16::MAX)
        .ok_or(PackageError::Zip("a path, the comment or the number of files is too large for a zip file"))
}
