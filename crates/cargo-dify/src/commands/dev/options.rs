//! The options of `cargo dify dev`.

use std::path::PathBuf;

use clap::Args;

use crate::args::Launch;
use crate::assignment::Assignment;

/// Run a plugin and restart it when its sources change
///
/// The plugin's endpoints are served on this machine, and its sessions, reverse invocations, logs and stderr are shown, until Ctrl-C.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  cargo dify dev
  cargo dify dev examples/duck --script examples/duck/script.yaml")]
pub(crate) struct Dev {
    /// Folder of the plugin, which holds manifest.yaml
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,

    /// Port to serve the endpoints on; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8787)]
    pub(super) port: u16,

    /// Setting of the endpoints, as name=value or name:=json; repeat it for several
    #[arg(long = "setting", value_name = "NAME=VALUE")]
    pub(super) settings: Vec<Assignment>,

    #[command(flatten)]
    pub(super) launch: Launch,
}
