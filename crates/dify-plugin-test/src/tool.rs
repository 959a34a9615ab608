//! Tools: a request, and its result.

use std::fmt;

use bytes::Bytes;
use dify_plugin_host::{OpenSession, SessionFailure, ToolMessages};
use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value, json};

use crate::plugin::TestPlugin;
use crate::show::{self, Outcome, quoted};

impl TestPlugin {
    /// Creates a request to run a tool, by the names under which the plugin registers its provider and the tool.
    pub fn tool(&self, provider: &str, tool: &str) -> ToolRequest<'_> {
        ToolRequest::new(self, provider, tool)
    }
}

/// A request to run a tool.
#[derive(Debug)]
#[must_use = "the tool runs with `invoke`"]
pub struct ToolRequest<'a> {
    plugin: &'a TestPlugin,
    name: String,
    payload: Map<String, Value>,
    user_id: String,
}

impl<'a> ToolRequest<'a> {
    pub(crate) fn new(plugin: &'a TestPlugin, provider: &str, tool: &str) -> Self {
        let payload = [
            ("provider", json!(provider)),
            ("tool", json!(tool)),
            ("tool_parameters", json!({})),
            ("credentials", json!({})),
        ];
        Self {
            plugin,
            name: format!("the tool {provider}/{tool}"),
            payload: payload.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
            user_id: "user-1".to_owned(),
        }
    }

    /// Adds a parameter: a text, a number, a boolean, or any JSON value.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.payload["tool_parameters"][name.into()] = value.into();
        self
    }

    /// Adds a credential of the tool's provider.
    pub fn credential(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.payload["credentials"][name.into()] = value.into();
        self
    }

    /// Sets the Dify user that makes the request. Default: `user-1`.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user_id = id.into();
        self
    }

    /// Runs the tool and waits for its end.
    pub async fn invoke(self) -> ToolResult {
        let mut session = OpenSession::new(AccessType::Tool, Action::InvokeTool, self.payload);
        session.user_id = self.user_id;
        let mut result = ToolResult { name: self.name, messages: Vec::new(), failure: None };
        let mut messages = match self.plugin.host().await.open(session).await {
            Ok(messages) => ToolMessages::from(messages).join_blobs(),
            Err(error) => panic!("cannot open a session for {}: {error}", result.name),
        };
        while let Some(message) = messages.next().await {
            match message {
                Ok(message) => result.messages.push(message),
                Err(failure) => result.failure = Some(failure),
            }
        }
        result
    }
}

/// The messages that a tool sent, and the error it ended with, if it failed.
#[derive(Debug, Clone)]
#[must_use = "a result that is not asserted tests nothing"]
pub struct ToolResult {
    name: String,
    messages: Vec<ToolMessage>,
    failure: Option<SessionFailure>,
}

/// A file that a tool sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// The bytes.
    pub bytes: Bytes,
    /// The metadata, such as `mime_type` and `filename`.
    pub meta: Map<String, Value>,
}

impl ToolResult {
    /// Returns all messages in order; the chunks of a file are one message.
    pub fn messages(&self) -> &[ToolMessage] {
        &self.messages
    }

    /// Returns the texts, joined as Dify joins them.
    pub fn text(&self) -> String {
        let texts = self.messages.iter().filter_map(|message| match &message.body {
            ToolMessageBody::Text(text) => text.text.as_deref(),
            _ => None,
        });
        texts.collect()
    }

    /// Returns the JSON objects and lists, one for each message.
    pub fn json(&self) -> Vec<Value> {
        let values = self.messages.iter().filter_map(|message| match &message.body {
            ToolMessageBody::Json(json) => json.json_object.clone(),
            _ => None,
        });
        values.collect()
    }

    /// Returns an output variable: its last value, or all its chunks joined.
    pub fn variable(&self, name: &str) -> Option<Value> {
        let mut found = None;
        for message in &self.messages {
            let ToolMessageBody::Variable(variable) = &message.body else { continue };
            if variable.variable_name.as_deref() != Some(name) {
                continue;
            }
            let value = variable.variable_value.clone().unwrap_or_default();
            found = match (found, value) {
                (Some(Value::String(before)), Value::String(chunk)) if variable.stream == Some(true) => {
                    Some(Value::String(before + &chunk))
                }
                (_, value) => Some(value),
            };
        }
        found
    }

    /// Returns the files whose bytes the tool sent.
    pub fn files(&self) -> Vec<File> {
        let files = self.messages.iter().filter_map(|message| match &message.body {
            ToolMessageBody::Blob(file) => {
                let bytes = blob::decode(file.blob.as_deref()?).ok()?;
                Some(File { bytes: bytes.into(), meta: message.meta.clone().unwrap_or_default() })
            }
            _ => None,
        });
        files.collect()
    }

    /// Returns the error that the tool ended with, if it failed.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Asserts that the tool did not fail.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        self.expect(self.failure.is_none(), &"an end without an error")
    }

    /// Asserts that the tool's texts, joined, are `expected`, and that it did not fail.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        self.expect(self.failure.is_none() && self.text() == expected, &quoted(expected))
    }

    /// Asserts that the tool's text contains `part`, and that it did not fail.
    #[track_caller]
    pub fn assert_text_contains(&self, part: &str) -> &Self {
        let contains = self.failure.is_none() && self.text().contains(part);
        self.expect(contains, &format!("a text that contains {}", quoted(part)))
    }

    /// Asserts that the tool sent this JSON and no other, and that it did not fail.
    #[track_caller]
    pub fn assert_json(&self, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        let is_equal = self.failure.is_none() && self.json() == std::slice::from_ref(&expected);
        self.expect(is_equal, &format!("json {expected}"))
    }

    /// Asserts that an output variable has this value in the end, and that the tool did not fail.
    #[track_caller]
    pub fn assert_variable(&self, name: &str, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        let is_equal = self.failure.is_none() && self.variable(name).as_ref() == Some(&expected);
        self.expect(is_equal, &format!("the variable `{name}` = {expected}"))
    }

    /// Asserts that the tool failed with an error of this name, such as `InvalidRequest`, or one whose text contains it.
    #[track_caller]
    pub fn assert_error(&self, name_or_text: &str) -> &Self {
        let matches = self.failure.as_ref().is_some_and(|failure| failure.to_string().contains(name_or_text));
        self.expect(matches, &format!("an error that contains {}", quoted(name_or_text)))
    }
}

impl Outcome for ToolResult {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Prints the messages and the error, each on its own line.
impl fmt::Display for ToolResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = self.messages.iter().map(show::message);
        let failure = self.failure.iter().map(|failure| format!("error {failure}"));
        f.write_str(&show::lines(messages.chain(failure)))
    }
}
