//! `cargo dify dev`: a plugin running on this machine, to be called and watched.

mod body;
mod server;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use dify_plugin_host::{Host, HostConfig, PluginExit};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::args::Dev;
use crate::console::Console;
use crate::error::Error;
use crate::hook;
use crate::launch;
use crate::narrator::{self, Detail};
use crate::route::Routes;
use crate::stop::Stop;

use self::server::Server;

/// How long a Ctrl-C may take to reach us after it has reached, and ended, the plugin.
const SAME_CTRL_C: Duration = Duration::from_millis(200);

/// Runs the plugin and serves its endpoints until Ctrl-C.
///
/// # Errors
///
/// If the plugin can't be started or its endpoints not be served, and if it ends by itself.
pub(crate) async fn run(dev: &Dev, console: &Console) -> Result<(), Error> {
    let plugin = launch::read(&dev.dir, console)?;
    let settings = hook::settings(&plugin, &dev.settings, console)?;
    let ready = launch::prepare(&plugin, &dev.launch, console)?;

    let mut stop = Stop::new().map_err(Error::Runtime)?;
    // Before the plugin is started: a port that is taken is soon known.
    let listener = match settings {
        Some(settings) => Some((listen(dev.port).await?, settings)),
        None => None,
    };
    let config = HostConfig::default();
    let grace = config.shutdown_grace;
    let runner = ready.runner;
    let host = ready.start(config, console, &mut stop).await?;
    let (notes, receiver) = mpsc::unbounded_channel();
    let events = narrator::narrate(console.clone(), Detail::Sessions, runner, host.events(), receiver);
    let narrator = tokio::spawn(events);

    let server = match listener {
        Some((listener, settings)) => {
            let server = Server::new(listener, host.clone(), settings, Routes::of(&plugin), notes)
                .map_err(listen_failed(dev.port))?;
            console.status("Serving", &format!("http://{}", server.address()));
            Some(server)
        }
        None => None,
    };
    console.plain(&usage::text(&plugin, dev, server.as_ref().map(Server::address)));

    let serve = async {
        match server {
            Some(server) => server.run().await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        biased;
        () = stop.asked() => None,
        exit = host.wait() => Some(exit),
        () = serve => None,
    };
    let ended = match ended {
        // A terminal sends Ctrl-C to the plugin too, which may be gone before we hear of it.
        Some(exit) if tokio::time::timeout(SAME_CTRL_C, stop.asked()).await.is_err() => Some(exit),
        _ => None,
    };
    let Some(exit) = ended else {
        let text = format!(
            "open calls have {0} s, then the plugin has {0} s to exit; Ctrl-C kills it",
            grace.as_secs()
        );
        console.status("Stopping", &text);
        let exit = shut_down(host, &mut stop).await;
        // It tells what came before the end, and can't fail.
        let _ = narrator.await;
        console.status("Stopped", &how(&exit));
        return Ok(());
    };
    let _ = narrator.await;
    Err(Error::PluginEnded(exit))
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

/// Ends the plugin in peace, or at once when the user asks again.
async fn shut_down(host: Host, stop: &mut Stop) -> Arc<PluginExit> {
    tokio::select! {
        biased;
        _ = host.clone().shutdown() => {}
        () = stop.asked() => host.kill(),
    }
    host.wait().await
}
