//! `cargo dify dev`: a plugin that runs on this machine and is restarted when its sources change.

mod body;
mod generation;
mod options;
mod server;
mod sources;
mod supervisor;
mod usage;
mod watch;

use dify_plugin_host::{HostConfig, PluginExit};

pub(crate) use self::options::Dev;
use self::supervisor::Supervisor;
use crate::console::Console;
use crate::error::Error;
use crate::stop::Stop;

/// Runs the plugin and serves its endpoints until Ctrl-C.
///
/// # Errors
///
/// Fails if the plugin can't be started the first time, or its endpoints can't be served.
pub(crate) async fn run(dev: &Dev, console: &Console) -> Result<(), Error> {
    let mut stop = Stop::new()?;
    let mut supervisor = Supervisor::start(dev, console, &mut stop).await?;
    supervisor.run(&mut stop).await;
    let text = format!(
        "open calls have {0} s to finish, then the plugin has {0} s to exit; press Ctrl-C to kill it",
        HostConfig::default().shutdown_grace.as_secs()
    );
    console.status("Stopping", &text);
    let exit = supervisor.shut_down(&mut stop).await;
    console.status(
        "Stopped",
        &exit.map_or_else(|| "the plugin was not running".to_owned(), |exit| describe(&exit)),
    );
    Ok(())
}

/// Describes how a plugin ended that was asked to.
fn describe(exit: &PluginExit) -> String {
    match exit.status {
        Some(status) if status.code().is_none() => {
            format!("the plugin did not exit and was killed ({status})")
        }
        Some(status) => format!("the plugin exited ({status})"),
        None => "the plugin ended".to_owned(),
    }
}
