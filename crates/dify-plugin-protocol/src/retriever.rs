//! Citations: the knowledge that an answer is based on.

use serde_json::{Map, Value};

use crate::wire_object::wire_object;

wire_object! {
    /// A citation, in the metadata of an app's answer and in a tool's `retriever_resources` message (the official SDK's
    /// `entities/invoke_message.py`).
    pub struct RetrieverResource {
        /// The id of the citation.
        id: String,
        /// The id of the message.
        message_id: String,
        /// The position among the citations, from 1.
        position: i64,
        /// The id of the knowledge base.
        dataset_id: String,
        /// The name of the knowledge base.
        dataset_name: String,
        /// The id of the document.
        document_id: String,
        /// The name of the document.
        document_name: String,
        /// The source of the document, such as `upload_file`.
        data_source_type: String,
        /// The id of the segment.
        segment_id: String,
        /// What retrieved the segment, such as `api` or `workflow`.
        retriever_from: String,
        /// The relevance score.
        score: f64,
        /// The number of times the segment was retrieved.
        hit_count: i64,
        /// The length of the segment, in words.
        word_count: i64,
        /// The position of the segment in its document.
        segment_position: i64,
        /// The hash of the segment in the index.
        index_node_hash: String,
        /// The text of the segment.
        content: String,
        /// The summary of the segment.
        summary: String,
        /// The page in the document.
        page: i64,
        /// The metadata of the document.
        doc_metadata: Map<String, Value>,
        /// The title of the document.
        title: String,
        /// The files of the segment.
        files: Vec<Value>,
        /// A Unix timestamp, in seconds.
        created_at: i64,
    }
}
