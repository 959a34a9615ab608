//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;

use crate::keys::AppKey;

/// How a plugin is started, and what answers its reverse invocations.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Launch options")]
pub(crate) struct Launch {
    /// YAML or JSON file with the answers of the apps that the plugin calls
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) script: Option<PathBuf>,

    /// Service API of a Dify whose apps answer, such as `https://api.dify.ai/v1`; every app needs a key
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) dify: Option<String>,

    /// API key of an app of that Dify, as ID=KEY, or as ID=@FILE if a file holds the key; repeat it for several apps
    ///
    /// Keys are also read from the variable DIFY_APP_KEYS, in the environment or the plugin's .env, as "ID=KEY ID=KEY". Apps
    /// without a key are answered by the script.
    #[arg(long = "app", value_name = "ID=KEY", global = true)]
    pub(crate) apps: Vec<AppKey>,

    /// Folder for what the plugin stores [default: .dify/storage in the plugin's folder]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) storage: Option<PathBuf>,

    /// Start the manifest's entrypoint with Python, as the daemon does, without building anything
    #[arg(long, global = true)]
    pub(crate) as_daemon: bool,

    /// Python that starts the entrypoint [default: the one in the plugin's .venv, else python3]
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) python: Option<PathBuf>,

    /// Build the plugin with optimizations
    #[arg(long, global = true)]
    pub(crate) release: bool,
}
