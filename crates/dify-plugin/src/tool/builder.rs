//! How tools are added to a plugin.

use std::collections::btree_map::Entry;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Tool;
use super::kind::RegisteredTool;
use crate::error::Result;
use crate::plugin::Plugin;
use crate::session::Session;

impl Plugin {
    /// Adds the tool `name` of the provider `provider`.
    ///
    /// # Panics
    ///
    /// If that provider has a tool of this name already.
    #[track_caller]
    pub fn tool(mut self, provider: impl Into<String>, name: impl Into<String>, tool: impl Tool) -> Self {
        let (provider, name) = (provider.into(), name.into());
        let full_name = format!("the tool {provider}/{name}").into();
        match self.handlers.kinds.tools.providers.entry(provider).or_default().tools.entry(name) {
            Entry::Vacant(free) => free.insert(RegisteredTool { name: full_name, tool: Arc::new(tool) }),
            Entry::Occupied(_) => panic!("{full_name} is registered twice"),
        };
        self
    }

    /// Adds the check of a tool provider's credentials, which Dify runs when a user fills them in. The credentials are
    /// good if it returns `Ok`; otherwise the text of the error tells the user why not.
    ///
    /// ```
    /// # use dify_plugin::{Error, Plugin, Result, Session};
    /// #[derive(serde::Deserialize)]
    /// struct Credentials {
    ///     api_key: String,
    /// }
    ///
    /// async fn check(_session: Session, credentials: Credentials) -> Result<()> {
    ///     match credentials.api_key.as_str() {
    ///         "" => Err(Error::new("EmptyKey", "the API key is empty")),
    ///         _ => Ok(()),
    ///     }
    /// }
    /// # let _ =
    /// Plugin::new().tool_credentials("greeter", check);
    /// ```
    ///
    /// # Panics
    ///
    /// If that provider has a check already.
    #[track_caller]
    pub fn tool_credentials<F, C, Fut>(mut self, provider: impl Into<String>, check: F) -> Self
    where
        F: Fn(Session, C) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
        C: DeserializeOwned,
    {
        let provider = provider.into();
        let message = format!("the check of {provider}'s credentials is registered twice");
        let check = Arc::new(check);
        let untyped = move |session: Session| {
            let check = check.clone();
            Box::pin(async move {
                let credentials = session.credentials()?;
                check(session, credentials).await
            }) as _
        };
        let provider = self.handlers.kinds.tools.providers.entry(provider).or_default();
        assert!(provider.check.replace(Arc::new(untyped)).is_none(), "{message}");
        self
    }
}
