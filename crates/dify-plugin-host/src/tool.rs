//! Tools: a call and its messages.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use dify_plugin_protocol::limits::{BLOB_CHUNK_BYTES, TOOL_BLOB_BYTES};
use dify_plugin_protocol::tool::blob::{self, BlobChunk};
use dify_plugin_protocol::tool::message::{BlobMessage, ToolMessage, ToolMessageBody};
use dify_plugin_protocol::{AccessType, Action};
use futures_core::Stream;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::chunk;
use crate::error::{HostError, SessionFailure};
use crate::host::{Host, OpenSession};
use crate::messages::Messages;

impl Host {
    /// Calls a tool. `provider` and `tool` are their names in the plugin. To set a user id or a context, use
    /// [`open`](Self::open) and [`ToolMessages::from`].
    ///
    /// # Errors
    ///
    /// Fails as [`open`](Self::open) does.
    pub async fn invoke_tool(
        &self,
        provider: &str,
        tool: &str,
        parameters: Map<String, Value>,
        credentials: Map<String, Value>,
    ) -> Result<ToolMessages, HostError> {
        let payload = Map::from_iter([
            ("provider".to_owned(), provider.into()),
            ("tool".to_owned(), tool.into()),
            ("tool_parameters".to_owned(), parameters.into()),
            ("credentials".to_owned(), credentials.into()),
        ]);
        let session = OpenSession::new(AccessType::Tool, Action::InvokeTool, payload);
        Ok(self.open(session).await?.into())
    }
}

/// The messages of a tool, in order, checked as the daemon checks them: a message that it refuses ends the session.
#[derive(Debug)]
#[must_use = "dropping this abandons the session; the plugin is not notified"]
pub struct ToolMessages {
    answers: Messages,
    joiner: Option<BlobJoiner>,
}

impl From<Messages> for ToolMessages {
    fn from(answers: Messages) -> Self {
        Self { answers, joiner: None }
    }
}

impl ToolMessages {
    /// Joins the chunks of a file to one `blob` message, as Dify does. The chunks themselves are then not returned.
    pub fn join_blobs(mut self) -> Self {
        self.joiner = Some(BlobJoiner::default());
        self
    }

    /// Returns the session's id.
    pub fn session_id(&self) -> &str {
        self.answers.session_id()
    }

    /// Receives the next message, or `None` after the end.
    ///
    /// # Errors
    ///
    /// Returns the failure that ended the session, once.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no message is lost.
    pub async fn next(&mut self) -> Option<Result<ToolMessage, SessionFailure>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn read(&mut self, answer: &RawValue) -> Result<Option<ToolMessage>, SessionFailure> {
        let message = ToolMessage::deserialize(chunk::tool(answer)?).map_err(|error| {
            SessionFailure::BadMessage(format!(
                "a tool message that the daemon passes on but Dify can't read: {error}"
            ))
        })?;
        match &mut self.joiner {
            Some(joiner) => joiner.take(message),
            None => Ok(Some(message)),
        }
    }
}

impl Stream for ToolMessages {
    type Item = Result<ToolMessage, SessionFailure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let answer = match ready!(Pin::new(&mut this.answers).poll_next(cx)) {
                Some(Ok(answer)) => answer,
                Some(Err(failure)) => return Poll::Ready(Some(Err(failure))),
                None => {
                    let unfinished = this.joiner.take().is_some_and(|joiner| !joiner.files.is_empty());
                    return Poll::Ready(unfinished.then(|| {
                        Err(SessionFailure::BadMessage(
                            "the session ended before the last chunk of a file, the one with `end` true"
                                .to_owned(),
                        ))
                    }));
                }
            };
            match this.read(&answer) {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Ok(None) => {}
                Err(failure) => return Poll::Ready(Some(Err(this.answers.fail(failure)))),
            }
        }
    }
}

/// Joins the chunks of files by their ids (Dify's `api/core/plugin/utils/chunk_merger.py`).
#[derive(Debug, Default)]
struct BlobJoiner {
    files: HashMap<String, Vec<u8>>,
}

impl BlobJoiner {
    /// Returns the message if it is not a chunk, and each file when its last chunk arrives.
    fn take(&mut self, message: ToolMessage) -> Result<Option<ToolMessage>, SessionFailure> {
        let ToolMessageBody::BlobChunk(BlobChunk { id, blob, end, .. }) = message.body else {
            return Ok(Some(message));
        };
        let id = id.unwrap_or_default();
        let bytes = blob::decode(blob.as_deref().unwrap_or_default())
            .map_err(|error| SessionFailure::BadMessage(format!("a chunk of the file `{id}`: {error}")))?;
        if bytes.len() > BLOB_CHUNK_BYTES {
            return Err(SessionFailure::BadMessage(format!(
                "a chunk of the file `{id}` has {} bytes; Dify accepts at most {BLOB_CHUNK_BYTES}",
                bytes.len()
            )));
        }
        let file = self.files.entry(id.clone()).or_default();
        file.extend_from_slice(&bytes);
        if file.len() > TOOL_BLOB_BYTES {
            return Err(SessionFailure::BadMessage(format!(
                "the file `{id}` has more than {TOOL_BLOB_BYTES} bytes, the most that Dify accepts from a tool"
            )));
        }
        if !end.unwrap_or_default() {
            return Ok(None);
        }
        let file = self.files.remove(&id).unwrap_or_default();
        let body = BlobMessage { blob: Some(blob::encode(&file)), ..BlobMessage::default() };
        Ok(Some(ToolMessage { body: ToolMessageBody::Blob(body), meta: message.meta }))
    }
}
