//! A tool that sends a message of every type.

use dify_plugin::{
    BlobMeta, LogEntry, LogMetadata, NoParameters, Output, Result, RetrieverResource, Tool, ToolContext,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) struct Kinds;

impl Tool for Kinds {
    type Parameters = NoParameters;

    async fn invoke(&self, _: &ToolContext, _: NoParameters, out: &mut Output) -> Result<()> {
        out.text("plain <b>text</b> & more, é 鴨 🦆").await?;
        let json = json!({"word": "duck", "count": 3, "ratio": 0.5, "none": null, "inner": {"yes": true}});
        out.json(&json).await?;
        out.json(&json!([1, "two", {"three": 3}])).await?;
        out.link("https://example.com/page").await?;
        out.image("https://example.com/image.png").await?;
        out.image_link("https://example.com/linked.png").await?;
        out.variable("answer", &json!({"value": 42, "list": [1, 2]})).await?;
        out.stream_variable("story", "once ").await?;
        out.stream_variable("story", "upon a time").await?;

        let outer = LogEntry::new("outer").data(json!({"step": 1}));
        out.log(&outer).await?;
        let inner = LogEntry::new("inner").child_of(&outer).data(json!({"step": 2}));
        out.log(&inner).await?;
        out.log(&inner.failed("inner went wrong").data(json!({"step": 3}))).await?;
        let took: LogMetadata = read(json!({
            "started_at": 1.5, "finished_at": 2.75, "elapsed_time": 1.25, "total_price": 0.25,
            "total_tokens": 7, "provider": "bench", "currency": "USD",
        }))?;
        out.log(&outer.succeeded().metadata(took)).await?;

        out.retriever_resources(resources()?, "ponds and ducks").await?;
        out.file(json!({"url": "https://example.com/a.txt", "filename": "a.txt"})).await?;
        out.blob("small blob", BlobMeta::new("text/plain").filename("small.txt")).await
    }
}

fn resources() -> Result<Vec<RetrieverResource>> {
    read(json!([
        {
            "position": 1, "dataset_id": "set-1", "dataset_name": "Ponds", "document_id": "doc-1",
            "document_name": "Ducks", "data_source_type": "file", "segment_id": "seg-1",
            "retriever_from": "bench", "score": 0.75, "hit_count": 2, "word_count": 4,
            "segment_position": 3, "index_node_hash": "abc", "content": "Ducks swim in ponds.", "page": 5,
            "doc_metadata": {"author": "Drake"},
        },
        {"position": 2, "content": "Second."},
    ]))
}

/// Reads a value from JSON, as an author would get it from a search service.
fn read<T: DeserializeOwned>(json: Value) -> Result<T> {
    Ok(serde_json::from_value(json)?)
}
