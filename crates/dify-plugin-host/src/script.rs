//! A scripted Dify: apps with fixed answers.

mod app;
mod blocking;
mod file;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use serde_json::{Value, json};

pub use app::ScriptedApp;
pub use file::ScriptError;

use crate::platform::{Platform, PlatformError, Reply, ReverseCall, one};

/// The id of the app that answers for those that are not in the script.
const ANY_APP: &str = "*";

/// A platform whose apps answer from a script, built in Rust or read from a YAML or JSON file. The crate's documentation
/// describes the file.
///
/// An unknown app is refused as Dify refuses it; one more field, `script`, lists the known apps. Calls of other types than `app` and `fetch_app` are refused.
///
/// ```
/// use std::time::Duration;
/// use dify_plugin_host::{Script, ScriptedApp};
/// use serde_json::json;
///
/// let script = Script::new()
///     .app(
///         "app-1",
///         ScriptedApp::new()
///             .event(json!({"event": "message", "answer": "quack "}))
///             .wait(Duration::from_millis(200))
///             .event(json!({"event": "message", "answer": "{query}"}))
///             .event(json!({"event": "message_end"})),
///     )
///     .app("*", ScriptedApp::refusing(400, "invalid_param", "app not found"));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Script {
    apps: BTreeMap<String, Arc<ScriptedApp>>,
    /// The file it was read from.
    file: Option<String>,
}

impl Script {
    /// Creates a script without apps.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an app under its id, or under `*` for all other apps. Replaces the previous app with the same id, if any.
    pub fn app(mut self, id: impl Into<String>, app: ScriptedApp) -> Self {
        self.apps.insert(id.into(), Arc::new(app));
        self
    }

    /// Reads a script file: JSON if its name ends in `.json`, else YAML.
    ///
    /// # Errors
    ///
    /// Fails if the file can't be read, or is not a valid script.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ScriptError> {
        let path = path.as_ref();
        Ok(Self::of_file(&path.display().to_string(), file::read(path)?))
    }

    /// Reads a script from the text of a YAML file. Errors mention `name` as the file.
    ///
    /// # Errors
    ///
    /// Fails if the text is not a valid script.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, ScriptError> {
        Ok(Self::of_file(name, file::from_yaml(name, text)?))
    }

    fn of_file(name: &str, apps: BTreeMap<String, ScriptedApp>) -> Self {
        let apps = apps.into_iter().map(|(id, app)| (id, Arc::new(app))).collect();
        Self { apps, file: Some(name.to_owned()) }
    }

    /// Returns a warning for each app whose events lack the one that ends an answer, which a plugin reads as an answer that
    /// broke off. Apps without events, and those that fail, are not reported.
    pub fn warnings(&self) -> Vec<String> {
        let open = self.apps.iter().filter(|(_, app)| app.stays_open());
        let warning = |(id, _): (&String, _)| {
            format!(
                "the events of the app `{id}` end without `message_end` or `workflow_finished`; a plugin takes that for an \
                 answer that broke off"
            )
        };
        open.map(warning).collect()
    }

    /// Returns the ids of the apps, `*` among them if there is one for all others.
    pub fn app_ids(&self) -> impl Iterator<Item = &str> {
        self.apps.keys().map(String::as_str)
    }

    fn find(&self, id: &str) -> Option<&Arc<ScriptedApp>> {
        self.apps.get(id).or_else(|| self.apps.get(ANY_APP))
    }

    /// Returns Dify's refusal of an unknown app, with what to do about it here.
    fn not_found(&self, id: &str) -> PlatformError {
        let script = self.file.as_deref().unwrap_or("the script");
        let ids: Vec<_> = self.app_ids().map(|id| format!("`{id}`")).collect();
        let has = if ids.is_empty() { "no apps at all".to_owned() } else { ids.join(", ") };
        let hint = format!(
            "{script} has no app `{id}`; it has {has}. Add the app under `apps`, or `{ANY_APP}` for all others"
        );
        let body =
            json!({"code": "invalid_param", "message": "app not found", "script": hint, "status": 400});
        PlatformError::Refused { status: 400, body: format!("{body}\n") }
    }
}

impl Platform for Script {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
        match (&call.invoke_type, self.find(id)) {
            (InvokeType::App, Some(app)) => {
                let text = |name: &str| call.request.get(name).and_then(Value::as_str).unwrap_or_default();
                let query = text("query");
                if text("response_mode") == "blocking" {
                    blocking::answer(Arc::clone(app), query.to_owned()).into_stream().boxed()
                } else {
                    app::play(Arc::clone(app), query).map_ok(Reply::from).boxed()
                }
            }
            (InvokeType::FetchApp, Some(app)) => {
                one(app.parameters.as_ref().map(Reply::from).ok_or_else(|| self.not_found(id)))
            }
            (InvokeType::App | InvokeType::FetchApp, None) => one(Err(self.not_found(id))),
            _ => one(Err(PlatformError::unhandled("the script", &call))),
        }
    }
}
