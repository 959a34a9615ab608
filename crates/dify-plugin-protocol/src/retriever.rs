//! Citations: the pieces of knowledge that an answer rests on.

use serde_json::{Map, Value};

use crate::wire_object::wire_object;

wire_object! {
    /// One cited piece of knowledge: in the metadata of an app's answer, and in a tool's `retriever_resources` message
    /// (the official SDK's `entities/invoke_message.py`). At run time any field may be missing.
    pub struct RetrieverResource {
        /// The citation's own id.
        id: String,
        /// The message that cites it.
        message_id: String,
        /// Its place among the citations, from 1.
        position: i64,
        /// The knowledge base.
        dataset_id: String,
        /// The knowledge base's name.
        dataset_name: String,
        /// The document.
        document_id: String,
        /// The document's name.
        document_name: String,
        /// Where the document came from, such as `upload_file`.
        data_source_type: String,
        /// The segment of the document.
        segment_id: String,
        /// Who retrieved it, such as `api` or `workflow`.
        retriever_from: String,
        /// How well it fits.
        score: f64,
        /// How often the segment was hit so far.
        hit_count: i64,
        /// The segment's length, in words.
        word_count: i64,
        /// The segment's place in its document.
        segment_position: i64,
        /// The hash under which the segment is indexed.
        index_node_hash: String,
        /// The segment's text.
        content: String,
        /// The segment's summary.
        summary: String,
        /// The page of the document.
        page: i64,
        /// The document's metadata.
        doc_metadata: Map<String, Value>,
        /// The document's title.
        title: String,
        /// Files that belong to the segment.
        files: Vec<Value>,
        /// Unix time, in seconds.
        created_at: i64,
    }
}
