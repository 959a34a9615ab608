//! Tools: a call, and what came of it.

use std::fmt;

use bytes::Bytes;
use dify_plugin_host::{OpenSession, SessionFailure, ToolMessages};
use dify_plugin_protocol::tool::blob;
use dify_plugin_protocol::tool::message::{ToolMessage, ToolMessageBody};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value};

use crate::plugin::TestPlugin;
use crate::show::{self, fail, quoted};

/// A call of a tool, put together piece by piece.
#[must_use = "a call is made by `invoke`"]
pub struct ToolCall<'a> {
    plugin: &'a TestPlugin,
    provider: String,
    tool: String,
    parameters: Map<String, Value>,
    credentials: Map<String, Value>,
    user_id: String,
}

impl<'a> ToolCall<'a> {
    pub(crate) fn new(plugin: &'a TestPlugin, provider: &str, tool: &str) -> Self {
        Self {
            plugin,
            provider: provider.to_owned(),
            tool: tool.to_owned(),
            parameters: Map::new(),
            credentials: Map::new(),
            user_id: "user-1".to_owned(),
        }
    }

    /// Gives a parameter: a text, a number, a boolean, or any JSON value.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Gives a credential of the tool's provider.
    pub fn credential(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.credentials.insert(name.into(), value.into());
        self
    }

    /// Names the Dify user who asks; `user-1` otherwise.
    pub fn user(mut self, id: impl Into<String>) -> Self {
        self.user_id = id.into();
        self
    }

    /// Runs the tool and waits for its end.
    pub async fn invoke(self) -> ToolAnswer {
        let name = format!("{}/{}", self.provider, self.tool);
        let payload = Map::from_iter([
            ("provider".to_owned(), self.provider.into()),
            ("tool".to_owned(), self.tool.into()),
            ("tool_parameters".to_owned(), self.parameters.into()),
            ("credentials".to_owned(), self.credentials.into()),
        ]);
        let mut session = OpenSession::new(AccessType::Tool, Action::InvokeTool, payload);
        session.user_id = self.user_id;
        let mut answer = ToolAnswer { name, messages: Vec::new(), failure: None };
        let mut answers = match self.plugin.host().await.open(session).await {
            Ok(answers) => ToolMessages::from(answers).join_blobs(),
            Err(error) => panic!("the tool {} could not be asked: {error}", answer.name),
        };
        while let Some(message) = answers.next().await {
            match message {
                Ok(message) => answer.messages.push(message),
                Err(failure) => answer.failure = Some(failure),
            }
        }
        answer
    }
}

impl fmt::Debug for ToolCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("provider", &self.provider)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

/// What a tool answered: its messages, and the error it ended with, if it did.
#[derive(Debug, Clone)]
#[must_use = "an answer that nobody looks at tests nothing"]
pub struct ToolAnswer {
    name: String,
    messages: Vec<ToolMessage>,
    failure: Option<SessionFailure>,
}

/// A file that a tool sent.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct File {
    /// Its bytes.
    pub bytes: Bytes,
    /// What is known about it, such as `mime_type` and `filename`.
    pub meta: Map<String, Value>,
}

impl ToolAnswer {
    /// All messages in their order; the pieces of a file are one.
    pub fn messages(&self) -> &[ToolMessage] {
        &self.messages
    }

    /// The texts, joined as Dify joins them.
    pub fn text(&self) -> String {
        let texts = self.messages.iter().filter_map(|message| match &message.body {
            ToolMessageBody::Text(text) => text.text.as_deref(),
            _ => None,
        });
        texts.collect()
    }

    /// The JSON objects and lists, one for each message.
    pub fn json(&self) -> Vec<Value> {
        let values = self.messages.iter().filter_map(|message| match &message.body {
            ToolMessageBody::Json(json) => json.json_object.clone(),
            _ => None,
        });
        values.collect()
    }

    /// An output variable: its last value, or all its pieces joined.
    pub fn variable(&self, name: &str) -> Option<Value> {
        let mut found = None;
        for message in &self.messages {
            let ToolMessageBody::Variable(variable) = &message.body else { continue };
            if variable.variable_name.as_deref() != Some(name) {
                continue;
            }
            let value = variable.variable_value.clone().unwrap_or_default();
            found = match (found, value) {
                (Some(Value::String(before)), Value::String(piece)) if variable.stream == Some(true) => {
                    Some(Value::String(before + &piece))
                }
                (_, value) => Some(value),
            };
        }
        found
    }

    /// The files whose bytes the tool sent.
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

    /// How it failed, if it did.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Holds that the tool ended without an error.
    #[track_caller]
    pub fn assert_ok(&self) -> &Self {
        if self.failure.is_some() {
            fail(&format!("the tool {} failed", self.name), &"an end without an error", self);
        }
        self
    }

    /// Holds that the tool's texts together are `expected`, and that it did not fail.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        if self.text() != expected || self.failure.is_some() {
            self.fail("another text", &quoted(Some(expected)));
        }
        self
    }

    /// Holds that `part` is somewhere in the tool's text, and that it did not fail.
    #[track_caller]
    pub fn assert_text_contains(&self, part: &str) -> &Self {
        if !self.text().contains(part) || self.failure.is_some() {
            self.fail("another text", &format!("a text with {}", quoted(Some(part))));
        }
        self
    }

    /// Holds that the tool sent this JSON, and no other, and that it did not fail.
    #[track_caller]
    pub fn assert_json(&self, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        if self.json() != [expected.clone()] || self.failure.is_some() {
            self.fail("something else", &format!("json {expected}"));
        }
        self
    }

    /// Holds that an output variable has this value in the end, and that the tool did not fail.
    #[track_caller]
    pub fn assert_variable(&self, name: &str, expected: impl Into<Value>) -> &Self {
        let expected = expected.into();
        if self.variable(name).as_ref() != Some(&expected) || self.failure.is_some() {
            self.fail("something else", &format!("the variable `{name}` = {expected}"));
        }
        self
    }

    /// Holds that the tool failed with an error of this name, such as `InvalidRequest`, or with one that has this in its
    /// text.
    #[track_caller]
    pub fn assert_error(&self, name_or_text: &str) -> &Self {
        if !self.failure.as_ref().is_some_and(|failure| is_meant(failure, name_or_text)) {
            self.fail("something else", &format!("an error with {}", quoted(Some(name_or_text))));
        }
        self
    }

    #[track_caller]
    fn fail(&self, what: &str, expected: &str) -> ! {
        fail(&format!("the tool {} answered {what}", self.name), &expected, self)
    }
}

/// Whether a failure has that name, or that in its text.
fn is_meant(failure: &SessionFailure, name_or_text: &str) -> bool {
    let named = match failure {
        SessionFailure::Plugin(error) | SessionFailure::Refused(error) => error.error_type == name_or_text,
        _ => false,
    };
    named || failure.to_string().contains(name_or_text)
}

/// What was answered, a message a line.
impl fmt::Display for ToolAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages = self.messages.iter().map(show::message);
        let failure = self.failure.iter().map(|failure| format!("error {failure}"));
        f.write_str(&show::lines(messages.chain(failure)))
    }
}
