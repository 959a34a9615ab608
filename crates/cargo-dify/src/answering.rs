//! What stands in for Dify while a plugin runs here: apps of a script, apps of a real Dify, and a folder for its storage.

use std::fs;
use std::path::Path;

use dify_plugin_host::{
    Platform, PlatformError, Reply, ReverseCall, Script, ScriptError, ServiceApi, Storage,
};
use dify_plugin_manifest::Plugin;
use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::args::Launch;
use crate::console::Console;
use crate::error::Error;
use crate::keys;

/// Our own folder in that of a plugin.
const FOLDER: &str = ".dify";

/// Answers what a plugin asks. Clones share what is stored.
#[derive(Debug, Clone)]
pub(crate) struct Answering {
    script: Option<Script>,
    api: Option<ServiceApi>,
    storage: Storage,
}

impl Answering {
    /// Reads the script and the keys. Of `before`, which answered so far, the storage stays.
    ///
    /// # Errors
    ///
    /// If the script, the address of Dify or a key is wrong.
    pub(crate) fn new(
        plugin: &Plugin,
        launch: &Launch,
        before: Option<&Self>,
        console: &Console,
    ) -> Result<Self, Error> {
        let script = match &launch.script {
            Some(file) => {
                let script = Script::read(file).map_err(|error| script_error(error, file, &plugin.root))?;
                for warning in script.warnings() {
                    console.warning(&format!("{}: {warning}", file.display()));
                }
                Some(script)
            }
            None => None,
        };
        let api = launch.dify.as_deref().map(|url| api(url, plugin, launch, console)).transpose()?;
        if api.is_none() && !launch.apps.is_empty() {
            return Err(Error::AppsWithoutDify);
        }
        let permission = &plugin.manifest.resource.permission.storage;
        let storage = match before {
            Some(before) => before.storage.clone(),
            None => Storage::new(match &launch.storage {
                Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.clone()),
                None => {
                    if permission.enabled {
                        hide_from_git(&plugin.root.join(FOLDER));
                    }
                    plugin.root.join(FOLDER).join("storage")
                }
            }),
        };
        Ok(Self { script, api, storage: storage.limit(permission.size) })
    }

    /// Who answers for apps, to be told after what is run.
    pub(crate) fn title(&self, launch: &Launch) -> String {
        let mut title = String::new();
        if let Some(api) = &self.api {
            title.push_str(&format!("; apps answer at {}", api.url()));
        }
        if let Some(file) = &launch.script {
            let others = if self.api.is_some() { "the others" } else { "apps" };
            title.push_str(&format!("; {others} answer as in {}", file.display()));
        }
        title
    }

    /// What a plugin reads that calls an app for which nobody answers.
    fn nobody(&self, kind: &InvokeType, id: &str) -> PlatformError {
        let prefix = if *kind == InvokeType::App { "invoke app failed" } else { "fetch app failed" };
        PlatformError::Other(format!(
            "{prefix}: there is no key for the app `{id}`: start cargo dify with --app {id}=KEY, or with --app {id}=@FILE \
             for a key that is in a file"
        ))
    }
}

impl Platform for Answering {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        let kind = &call.invoke_type;
        if *kind == InvokeType::Storage {
            return self.storage.invoke(call);
        }
        if matches!(kind, InvokeType::App | InvokeType::FetchApp)
            && let Some(api) = &self.api
        {
            let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
            if api.has_app(id) {
                return api.invoke(call);
            }
            if !self.script.as_ref().is_some_and(|script| script.has_app(id)) {
                return stream::iter([Err(self.nobody(kind, id))]).boxed();
            }
        }
        match &self.script {
            Some(script) => script.invoke(call),
            None => {
                let text = format!(
                    "nobody answers a reverse invocation of type `{kind}`: start cargo dify with --script FILE, a file that \
                     says what apps answer, or with --dify URL and --app ID=KEY"
                );
                stream::iter([Err(PlatformError::Other(text))]).boxed()
            }
        }
    }
}

fn api(url: &str, plugin: &Plugin, launch: &Launch, console: &Console) -> Result<ServiceApi, Error> {
    let mut api = ServiceApi::new(url).map_err(Error::ServiceApi)?;
    let keys = keys::gather(&launch.apps, &plugin.root, console)?;
    if keys.is_empty() {
        console.warning(&format!(
            "no app of {} can answer without a key: give one with --app ID=KEY, or in {}",
            api.url(),
            keys::VARIABLE
        ));
    }
    for (id, key) in keys {
        api = api.app(id, key).map_err(Error::ServiceApi)?;
    }
    Ok(api)
}

/// Makes the folder, with a file in it that keeps all of it out of git. Whether that works is seen when something is stored.
fn hide_from_git(folder: &Path) {
    let _ = fs::create_dir_all(folder);
    let file = folder.join(".gitignore");
    if !file.exists() {
        let _ = fs::write(file, "*\n");
    }
}

/// A script that isn't there is often one in the plugin's folder.
fn script_error(error: ScriptError, file: &Path, dir: &Path) -> Error {
    match error {
        ScriptError::Unreadable { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            // `join` with an absolute path is that path, which isn't there.
            let in_plugin = Some(dir.join(file)).filter(|file| file.is_file());
            Error::NoScript { file: file.to_owned(), in_plugin, source }
        }
        error => Error::Script(error),
    }
}
