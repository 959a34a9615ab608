//! What a tool knows about its request.

use std::fmt;
use std::ops::Deref;

use dify_plugin_protocol::tool::request::CredentialType;

use crate::session::Session;

/// One run of a tool. Dereferences to its [`Session`], and so to [`RequestContext`](crate::RequestContext).
#[derive(Clone)]
pub struct ToolContext {
    session: Session,
    credential_type: Option<CredentialType>,
}

impl ToolContext {
    pub(super) fn new(session: Session, credential_type: Option<CredentialType>) -> Self {
        Self { session, credential_type }
    }

    /// Returns how the credentials were obtained, if Dify says so.
    pub fn credential_type(&self) -> Option<&CredentialType> {
        self.credential_type.as_ref()
    }
}

impl Deref for ToolContext {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl fmt::Debug for ToolContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolContext")
            .field("session", &self.session)
            .field("credential_type", &self.credential_type)
            .finish()
    }
}
