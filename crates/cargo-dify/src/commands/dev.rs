//! `cargo dify dev`: a plugin running on this machine, to be called and watched, and started anew when it is changed.

mod body;
mod generation;
mod server;
mod sources;
mod supervisor;
mod usage;
mod watch;

use std::time::Duration;

use dify_plugin_host::{HostConfig, PluginExit};
use tokio::net::TcpListener;

use crate::args::Dev;
use crate::console::Console;
use crate::error::Error;
use crate::stop::Stop;

use self::supervisor::{Loaded, Supervisor};

/// How long a Ctrl-C may take to reach us after it has reached, and ended, the plugin.
const SAME_CTRL_C: Duration = Duration::from_millis(200);

/// Runs the plugin and serves its endpoints until Ctrl-C.
///
/// # Errors
///
/// If the plugin can't be started the first time, or its endpoints not be served.
pub(crate) async fn run(dev: &Dev, console: &Console) -> Result<(), Error> {
    let loaded = Loaded::new(dev, None, console)?;
    let mut stop = Stop::new().map_err(Error::Runtime)?;
    let mut supervisor = Supervisor::new(dev, console);
    // Before the plugin is started: a port that is taken is soon known.
    let listener = match loaded.settings {
        Some(_) => Some(listen(dev.port).await?),
        None => None,
    };
    let host = loaded.ready.clone().start(HostConfig::default(), console, &mut stop).await?;
    supervisor.take_over(loaded, host);
    if let Some(listener) = listener {
        supervisor.serve(listener).map_err(listen_failed(dev.port))?;
    }
    supervisor.tell_usage();
    supervisor.run(&mut stop).await;
    let text = format!(
        "open calls have {0} s, then the plugin has {0} s to exit; Ctrl-C kills it",
        HostConfig::default().shutdown_grace.as_secs()
    );
    console.status("Stopping", &text);
    let exit = supervisor.shut_down(&mut stop).await;
    console
        .status("Stopped", &exit.map_or_else(|| "the plugin was not running".to_owned(), |exit| how(&exit)));
    Ok(())
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(listen_failed(port))
}

fn listen_failed(port: u16) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Listen { port, source }
}

/// How a plugin that was asked to end did so.
fn how(exit: &PluginExit) -> String {
    match exit.status {
        Some(status) if status.code().is_none() => {
            format!("the plugin did not exit and was killed ({status})")
        }
        Some(status) => format!("the plugin has exited ({status})"),
        None => "the plugin has ended".to_owned(),
    }
}
