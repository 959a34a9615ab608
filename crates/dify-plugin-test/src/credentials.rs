//! The check of a provider's credentials.

use std::fmt;

use dify_plugin_host::{OpenSession, SessionFailure};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value, json};

use crate::plugin::TestPlugin;
use crate::show::{Outcome, quoted};

impl TestPlugin {
    /// Creates a request to check a provider's credentials, as when a user fills them in.
    pub fn check_credentials(&self, provider: &str) -> CredentialsCheck<'_> {
        CredentialsCheck::new(self, provider)
    }
}

/// A request to check credentials.
#[derive(Debug)]
#[must_use = "the check runs with `invoke`"]
pub struct CredentialsCheck<'a> {
    plugin: &'a TestPlugin,
    provider: String,
    credentials: Map<String, Value>,
}

impl<'a> CredentialsCheck<'a> {
    pub(crate) fn new(plugin: &'a TestPlugin, provider: &str) -> Self {
        Self { plugin, provider: provider.to_owned(), credentials: Map::new() }
    }

    /// Adds a credential.
    pub fn credential(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.credentials.insert(name.into(), value.into());
        self
    }

    /// Runs the check.
    pub async fn invoke(self) -> CredentialsResult {
        let name = format!("the check of {}'s credentials", self.provider);
        let payload = Map::from_iter([
            ("provider".to_owned(), self.provider.into()),
            ("credentials".to_owned(), json!(self.credentials)),
        ]);
        let session = OpenSession::new(AccessType::Tool, Action::ValidateToolCredentials, payload);
        let mut messages = match self.plugin.host().await.open(session).await {
            Ok(messages) => messages,
            Err(error) => panic!("cannot open a session for {name}: {error}"),
        };
        let mut failure = None;
        while let Some(message) = messages.next().await {
            failure = failure.or(message.err());
        }
        CredentialsResult { name, failure }
    }
}

/// Whether credentials are valid, and if not, what the user is told.
#[derive(Debug, Clone)]
#[must_use = "a result that is not asserted tests nothing"]
pub struct CredentialsResult {
    name: String,
    failure: Option<SessionFailure>,
}

impl CredentialsResult {
    /// Returns why the credentials are refused, if they are.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Asserts that the credentials are valid.
    #[track_caller]
    pub fn assert_valid(&self) {
        self.expect(self.failure.is_none(), &"valid");
    }

    /// Asserts that the credentials are refused, and that the message for the user contains `part`.
    #[track_caller]
    pub fn assert_refused(&self, part: &str) {
        let is_refused = self.failure.as_ref().is_some_and(|failure| failure.to_string().contains(part));
        self.expect(is_refused, &format!("an error that contains {}", quoted(part)));
    }
}

impl Outcome for CredentialsResult {
    fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for CredentialsResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => f.write_str("valid"),
            Some(failure) => write!(f, "error {failure}"),
        }
    }
}
