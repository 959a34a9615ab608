//! Checks of a tool provider's credentials.

use std::future::Future;
use std::marker::PhantomData;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::Result;
use crate::payload::{CREDENTIALS, parse_object};
use crate::session::Session;

/// The name under which Dify expects a failed check, whatever failed.
const CHECK_FAILED: &str = "ToolProviderCredentialValidationError";

/// A check without the type of its credentials.
pub(crate) trait CheckCredentials: Send + Sync {
    fn check(&self, session: Session, credentials: Option<&RawValue>) -> BoxFuture<'static, Result<()>>;
}

pub(crate) struct TypedCheck<F, C> {
    check: F,
    credentials: PhantomData<fn(C)>,
}

impl<F, C> TypedCheck<F, C> {
    pub(crate) fn new(check: F) -> Self {
        Self { check, credentials: PhantomData }
    }
}

impl<F, C, Fut> CheckCredentials for TypedCheck<F, C>
where
    F: Fn(Session, C) -> Fut + Send + Sync,
    Fut: Future<Output = Result<()>> + Send + 'static,
    C: DeserializeOwned,
{
    fn check(&self, session: Session, credentials: Option<&RawValue>) -> BoxFuture<'static, Result<()>> {
        let checking = parse_object(CREDENTIALS, credentials).map(|typed| (self.check)(session, typed));
        Box::pin(async move {
            let checked = match checking {
                Ok(checking) => checking.await,
                Err(error) => Err(error),
            };
            checked.map_err(|error| error.named(CHECK_FAILED))
        })
    }
}
