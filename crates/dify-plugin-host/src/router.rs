//! Composes platforms.

use std::collections::HashMap;
use std::sync::Arc;

use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use serde_json::Value;

use crate::platform::{Platform, PlatformError, Reply, ReverseCall, one};

/// The id that stands for every app.
const ANY_APP: &str = "*";

/// A platform that passes each call to one of several others.
///
/// A call of an app (`app` or `fetch_app`) goes to the platform of its app, else to that of the app `*`. Any other call, and
/// one of an app that has no platform, goes to the platform of its type, else to the [fallback](Self::fallback).
///
/// ```
/// use dify_plugin_host::{Router, Script, ScriptedApp, Storage};
/// use dify_plugin_protocol::InvokeType;
/// use serde_json::json;
///
/// let script = Script::new().app("app-1", ScriptedApp::new().event(json!({"event": "message_end"})));
/// let router = Router::new()
///     .apps(script.app_ids(), script.clone())
///     .invoke_type(InvokeType::Storage, Storage::new("kept"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Router {
    apps: HashMap<String, Arc<dyn Platform>>,
    invoke_types: HashMap<InvokeType, Arc<dyn Platform>>,
    fallback: Option<Arc<dyn Platform>>,
}

impl Router {
    /// Creates a router without platforms, which refuses every call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the platform for calls of these apps; the id `*` stands for every app without a platform of its own. Replaces
    /// the platforms that were set for them before.
    pub fn apps(mut self, ids: impl IntoIterator<Item = impl Into<String>>, platform: impl Platform) -> Self {
        let platform: Arc<dyn Platform> = Arc::new(platform);
        self.apps.extend(ids.into_iter().map(|id| (id.into(), Arc::clone(&platform))));
        self
    }

    /// Sets the platform for calls of this type. Replaces the one that was set before.
    pub fn invoke_type(mut self, invoke_type: InvokeType, platform: impl Platform) -> Self {
        self.invoke_types.insert(invoke_type, Arc::new(platform));
        self
    }

    /// Sets the platform for all other calls. Without one they fail.
    pub fn fallback(mut self, platform: impl Platform) -> Self {
        self.fallback = Some(Arc::new(platform));
        self
    }

    fn find(&self, call: &ReverseCall) -> Option<&Arc<dyn Platform>> {
        let of_app = || match call.invoke_type {
            InvokeType::App | InvokeType::FetchApp => {
                let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
                self.apps.get(id).or_else(|| self.apps.get(ANY_APP))
            }
            _ => None,
        };
        of_app().or_else(|| self.invoke_types.get(&call.invoke_type)).or(self.fallback.as_ref())
    }
}

impl Platform for Router {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        match self.find(&call) {
            Some(platform) => platform.invoke(call),
            None => one(Err(PlatformError::unhandled("the router", &call))),
        }
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router")
            .field("apps", &self.apps.keys())
            .field("invoke_types", &self.invoke_types.keys())
            .finish_non_exhaustive()
    }
}
