//! What a tool knows about its call.

use std::fmt;

use dify_plugin_app::Apps;
use dify_plugin_protocol::tool::request::CredentialType;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::Result;
use crate::payload::{CREDENTIALS, parse_object};
use crate::session::Session;

/// One call of a tool: on whose behalf, with which credentials, and the ways to call back into Dify.
#[derive(Clone)]
pub struct ToolContext {
    session: Session,
    credentials: Option<Box<RawValue>>,
    credential_type: Option<CredentialType>,
}

impl ToolContext {
    pub(crate) fn new(
        session: Session,
        credentials: Option<&RawValue>,
        credential_type: Option<CredentialType>,
    ) -> Self {
        Self { session, credentials: credentials.map(RawValue::to_owned), credential_type }
    }

    /// The session of this call.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Calls Dify's apps; see [`Session::app`].
    pub fn app(&self) -> Apps {
        self.session.app()
    }

    /// The provider's credentials as its YAML declares them, decrypted. An empty object if there are none.
    ///
    /// # Errors
    ///
    /// `InvalidRequest`, saying which field has what wrong with it, but not its value.
    pub fn credentials<T: DeserializeOwned>(&self) -> Result<T> {
        parse_object(CREDENTIALS, self.credentials.as_deref())
    }

    /// How the credentials were obtained, if Dify says so.
    pub fn credential_type(&self) -> Option<&CredentialType> {
        self.credential_type.as_ref()
    }

    /// The Dify user on whose behalf.
    pub fn user_id(&self) -> &str {
        self.session.user_id()
    }

    /// The conversation in which the caller works, if any.
    pub fn conversation_id(&self) -> Option<&str> {
        self.session.conversation_id()
    }

    /// The message the caller answers, if any.
    pub fn message_id(&self) -> Option<&str> {
        self.session.message_id()
    }

    /// The app the caller runs in, if any.
    pub fn app_id(&self) -> Option<&str> {
        self.session.app_id()
    }
}

impl fmt::Debug for ToolContext {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolContext")
            .field("session", &self.session)
            .field("credential_type", &self.credential_type)
            .finish_non_exhaustive()
    }
}
