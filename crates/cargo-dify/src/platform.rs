//! What replaces Dify for a plugin on this machine: the apps of a script or of a real Dify, and a folder for its storage.

use std::fs;
use std::path::Path;

use dify_plugin_host::{
    Platform, PlatformError, ReverseCall, Router, Script, ScriptError, ServiceApi, Storage,
};
use dify_plugin_manifest::Plugin;
use dify_plugin_protocol::InvokeType;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use crate::args::Launch;
use crate::console::Console;
use crate::error::Error;
use crate::{declared, keys};

/// The folder of `cargo dify` inside a plugin's folder.
const FOLDER: &str = ".dify";

/// Answers the reverse invocations of a plugin. Clones share what is stored.
#[derive(Debug, Clone)]
pub(crate) struct LocalPlatform {
    pub(crate) router: Router,
    storage: Storage,
    /// Where apps are answered, for people.
    pub(crate) title: String,
}

impl LocalPlatform {
    /// Reads the script and the keys, and keeps the storage of `before`.
    ///
    /// # Errors
    ///
    /// Fails if the script, the address of Dify or a key is wrong.
    pub(crate) fn new(
        plugin: &Plugin,
        launch: &Launch,
        before: Option<&Self>,
        console: &Console,
    ) -> Result<Self, Error> {
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
        let storage = storage.limit(permission.size);
        let mut router = Router::new().invoke_type(InvokeType::Storage, storage.clone());
        let mut title = String::new();
        router = match &launch.script {
            Some(file) => {
                let script = Script::read(file).map_err(|error| script_error(error, file, &plugin.root))?;
                for warning in script.warnings() {
                    console.warning(&format!("{}: {warning}", file.display()));
                }
                let others = if launch.dify.is_some() { "the others" } else { "apps" };
                title = format!("; {others} answer as in {}", file.display());
                router.apps(script.app_ids(), script.clone()).fallback(script)
            }
            None => router.fallback(failing(|call| {
                format!(
                    "no script or Dify can reply to the reverse invocation of type `{}`: start cargo dify with --script FILE, which says \
                     what apps answer, or with --dify URL and --app ID=KEY",
                    call.invoke_type
                )
            })),
        };
        if let Some(url) = &launch.dify {
            let api = api(url, plugin, launch, console)?;
            title = format!("; apps answer at {}{title}", api.url());
            // The apps that have a key come before those of the script.
            router = router.apps(api.app_ids(), api.clone());
            for (invoke_type, prefix) in
                [(InvokeType::App, "invoke app failed"), (InvokeType::FetchApp, "fetch app failed")]
            {
                router = router.invoke_type(invoke_type, failing(move |call| without_key(prefix, call)));
            }
        } else if !launch.apps.is_empty() {
            let error = Error::new("--app needs --dify, which says where the apps are");
            return Err(error.with_help("add --dify URL, such as https://api.dify.ai/v1"));
        }
        Ok(Self { router, storage, title })
    }
}

/// A platform that fails every call.
fn failing(text: impl Fn(&ReverseCall) -> String + Send + Sync + 'static) -> impl Platform {
    move |call: ReverseCall| stream::iter([Err(PlatformError::Other(text(&call)))]).boxed()
}

/// The error of a call to an app that has neither a key nor a place in the script.
fn without_key(prefix: &str, call: &ReverseCall) -> String {
    let id = call.request.get("app_id").and_then(Value::as_str).unwrap_or_default();
    format!(
        "{prefix}: there is no key for the app `{id}`: start cargo dify with --app {id}=KEY, or with --app {id}=@FILE if a \
         file holds the key"
    )
}

fn api(url: &str, plugin: &Plugin, launch: &Launch, console: &Console) -> Result<ServiceApi, Error> {
    let mut api = ServiceApi::new(url).map_err(|error| Error::new(error.to_string()))?;
    let keys = keys::gather(&launch.apps, &plugin.root, console)?;
    if keys.is_empty() {
        console.warning(&format!(
            "the apps of {} need keys: add --app ID=KEY, or set {}",
            api.url(),
            keys::VARIABLE
        ));
    }
    for (id, key) in keys {
        api = api.app(id, key).map_err(|error| Error::new(error.to_string()))?;
    }
    Ok(api)
}

/// Creates the folder with a .gitignore for all of it. Failures show when something is stored.
fn hide_from_git(folder: &Path) {
    let _ = fs::create_dir_all(folder);
    let file = folder.join(".gitignore");
    if !file.exists() {
        let _ = fs::write(file, "*\n");
    }
}

/// The script could not be read. If there is one of that name in the plugin's folder, it is suggested.
fn script_error(error: ScriptError, file: &Path, dir: &Path) -> Error {
    match error {
        ScriptError::Unreadable { source, .. } => {
            let in_plugin = Some(dir.join(file)).filter(|found| found.is_file() && !file.exists());
            let hint = in_plugin
                .map(|file| format!("; there is --script {}", declared::quoted(&file.to_string_lossy())))
                .unwrap_or_default();
            Error::new(format!("cannot read the script `{}`", file.display()))
                .caused_by(source)
                .with_help(format!("the path is relative to the current folder{hint}"))
        }
        error => Error::new(error.to_string()),
    }
}
