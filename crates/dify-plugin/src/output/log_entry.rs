//! Entries of a tool's execution log.

use dify_plugin_protocol::tool::message::{LogMessage, LogMetadata, LogStatus};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A step of a tool, shown in Dify's execution log as an entry of a tree.
///
/// Sent once when the step begins, and again, changed, when it is over: the same entry is then updated.
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
    /// A new entry of a step that begins.
    pub fn new(label: impl Into<String>) -> Self {
        Self(LogMessage::start(Uuid::new_v4().to_string(), label))
    }

    /// Puts the entry below another.
    #[must_use]
    pub fn child_of(mut self, parent: &Self) -> Self {
        self.0.parent_id.clone_from(&parent.0.id);
        self
    }

    /// What the step works on, or has found: an object. Anything else becomes one, under the key `value`.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.0.data = Some(match data {
            Value::Object(object) => object,
            Value::Null => Map::new(),
            other => Map::from_iter([("value".to_owned(), other)]),
        });
        self
    }

    /// Figures of the step: times, price, tokens.
    #[must_use]
    pub fn metadata(mut self, metadata: LogMetadata) -> Self {
        self.0.metadata = Some(Box::new(metadata));
        self
    }

    /// The same entry, for a step that went well.
    #[must_use]
    pub fn succeeded(mut self) -> Self {
        self.0.status = Some(LogStatus::Success);
        self.0.error = None;
        self
    }

    /// The same entry, for a step that failed.
    #[must_use]
    pub fn failed(mut self, error: impl Into<String>) -> Self {
        self.0.status = Some(LogStatus::Error);
        self.0.error = Some(error.into());
        self
    }

    /// As it travels.
    pub fn message(&self) -> &LogMessage {
        &self.0
    }
}
