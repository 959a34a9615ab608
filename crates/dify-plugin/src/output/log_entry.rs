//! Entries of the execution log.

use dify_plugin_protocol::tool::message::{LogMessage, LogMetadata, LogStatus};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A step of a handler, which Dify's execution log shows as an entry of a tree.
///
/// Send it when the step begins, and send it again, changed, when the step is over: Dify updates the entry.
///
/// ```
/// # use dify_plugin::{LogEntry, Result, Output};
/// # use serde_json::json;
/// # async fn tool(out: &mut Output) -> Result<()> {
/// let search = LogEntry::new("search").data(json!({"query": "ducks"}));
/// out.log(&search).await?;
/// let rank = LogEntry::new("rank").child_of(&search);
/// out.log(&rank).await?;
/// out.log(&rank.failed("nothing to rank")).await?;
/// out.log(&search.succeeded().data(json!({"found": 0}))).await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct LogEntry(LogMessage);

impl LogEntry {
    /// Creates the entry of a step that begins.
    pub fn new(label: impl Into<String>) -> Self {
        Self(LogMessage::start(Uuid::new_v4().to_string(), label))
    }

    /// Makes the entry a child of another.
    #[must_use]
    pub fn child_of(mut self, parent: &Self) -> Self {
        self.0.parent_id.clone_from(&parent.0.id);
        self
    }

    /// Sets the input or the result of the step: an object. Any other value becomes an object with the key `value`.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.0.data = Some(match data {
            Value::Object(object) => object,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        });
        self
    }

    /// Sets the figures of the step: times, price, tokens.
    #[must_use]
    pub fn metadata(mut self, metadata: LogMetadata) -> Self {
        self.0.metadata = Some(Box::new(metadata));
        self
    }

    /// Marks the step as succeeded.
    #[must_use]
    pub fn succeeded(mut self) -> Self {
        self.0.status = Some(LogStatus::Success);
        self.0.error = None;
        self
    }

    /// Marks the step as failed.
    #[must_use]
    pub fn failed(mut self, error: impl Into<String>) -> Self {
        self.0.status = Some(LogStatus::Error);
        self.0.error = Some(error.into());
        self
    }

    /// Returns the entry in the form in which it is sent.
    pub fn message(&self) -> &LogMessage {
        &self.0
    }
}
