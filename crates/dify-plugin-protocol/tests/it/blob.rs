//! Files cut into chunks.

use dify_plugin_protocol::limits::BLOB_CHUNK_BYTES;
use dify_plugin_protocol::tool::blob::{BlobChunks, decode, encode};
use dify_plugin_protocol::tool::message::ToolMessage;
use serde_json::Map;

#[test]
fn chunks_join_to_the_file_and_the_last_is_empty() {
    for length in [0, 1, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 20_480] {
        let file: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let chunks = BlobChunks::new("f", &file, None);
        assert_eq!(chunks.len(), length.div_ceil(BLOB_CHUNK_BYTES) + 1);
        let pieces: Vec<_> = chunks.collect();
        let joined: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes).copied().collect();
        assert_eq!(joined, file);
        let (last, data) = pieces.split_last().unwrap();
        assert!(last.end && last.bytes.is_empty() && last.sequence as usize == data.len());
        assert!(data.iter().all(|piece| !piece.end && !piece.bytes.is_empty()));
        assert!(pieces.iter().enumerate().all(|(i, piece)| piece.sequence as usize == i));
    }
}

#[test]
fn a_chunk_and_its_owned_message_serialize_alike() {
    let meta = Map::from_iter([("mime_type".to_owned(), "image/png".into())]);
    for piece in BlobChunks::new("f", &[0xff; 10_000], Some(&meta)) {
        let written = serde_json::to_string(&piece).unwrap();
        assert_eq!(written, serde_json::to_string(&ToolMessage::from(piece)).unwrap());
        let read: ToolMessage = serde_json::from_str(&written).unwrap();
        assert_eq!(read, ToolMessage::from(piece));
    }
    assert_eq!(decode(&encode(&[0xff; 100])).unwrap(), [0xff; 100]);
    assert!(decode("_w").is_err());
}
