//! Bytes in hex, as endpoints and storage carry them.

/// Encodes bytes in lower-case hex.
pub fn encode_hex(bytes: &[u8]) -> String {
    const_hex::encode(bytes)
}

/// Decodes hex of either case.
///
/// # Errors
///
/// If the text has an odd length or contains anything but hex digits, including a prefix `0x`.
pub fn decode_hex(text: &str) -> Result<Vec<u8>, HexError> {
    if text.starts_with("0x") {
        // `const_hex` would skip the prefix, the daemon does not.
        return Err(HexError("invalid character 'x' at position 1".to_owned()));
    }
    const_hex::decode(text).map_err(|error| HexError(error.to_string()))
}

/// A text that is not hex.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an even number of hex digits: {0}")]
pub struct HexError(String);
