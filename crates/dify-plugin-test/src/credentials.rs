//! The check of a provider's credentials.

use std::fmt;

use dify_plugin_host::{OpenSession, SessionFailure};
use dify_plugin_protocol::{AccessType, Action};
use serde_json::{Map, Value};

use crate::plugin::TestPlugin;
use crate::show::{fail, quoted};

/// A check of credentials, put together piece by piece.
#[must_use = "a check is made by `invoke`"]
pub struct CredentialsCheck<'a> {
    plugin: &'a TestPlugin,
    provider: String,
    credentials: Map<String, Value>,
}

impl<'a> CredentialsCheck<'a> {
    pub(crate) fn new(plugin: &'a TestPlugin, provider: &str) -> Self {
        Self { plugin, provider: provider.to_owned(), credentials: Map::new() }
    }

    /// Gives a credential.
    pub fn credential(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.credentials.insert(name.into(), value.into());
        self
    }

    /// Asks the plugin.
    pub async fn invoke(self) -> CredentialsAnswer {
        let provider = self.provider;
        let payload = Map::from_iter([
            ("provider".to_owned(), provider.clone().into()),
            ("credentials".to_owned(), self.credentials.into()),
        ]);
        let session = OpenSession::new(AccessType::Tool, Action::ValidateToolCredentials, payload);
        let mut answers = match self.plugin.host().await.open(session).await {
            Ok(answers) => answers,
            Err(error) => panic!("the check of {provider}'s credentials could not be asked for: {error}"),
        };
        let mut failure = None;
        while let Some(answer) = answers.next().await {
            failure = failure.or(answer.err());
        }
        CredentialsAnswer { provider, failure }
    }
}

impl fmt::Debug for CredentialsCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCheck").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// Whether credentials are good, and if not, what the user is told.
#[derive(Debug, Clone)]
#[must_use = "an answer that nobody looks at tests nothing"]
pub struct CredentialsAnswer {
    provider: String,
    failure: Option<SessionFailure>,
}

impl CredentialsAnswer {
    /// Why they are not good, if they are not.
    pub fn failure(&self) -> Option<&SessionFailure> {
        self.failure.as_ref()
    }

    /// Holds that the credentials are good.
    #[track_caller]
    pub fn assert_valid(&self) {
        if self.failure.is_some() {
            fail(&format!("the credentials of {} are refused", self.provider), &"good ones", self);
        }
    }

    /// Holds that the credentials are refused, and that this is somewhere in what the user is told.
    #[track_caller]
    pub fn assert_refused(&self, part: &str) {
        if !self.failure.as_ref().is_some_and(|failure| failure.to_string().contains(part)) {
            let what = format!("the credentials of {} are not refused like that", self.provider);
            fail(&what, &format!("an error with {}", quoted(Some(part))), self);
        }
    }
}

impl fmt::Display for CredentialsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => f.write_str("good"),
            Some(failure) => write!(f, "error {failure}"),
        }
    }
}
