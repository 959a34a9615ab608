//! A plugin as a process: environment, runtime, log, signals, exit.

mod current;
mod driver;
mod environment;
mod exit;
mod guard;
mod log;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use dify_plugin_session::{Config, Connection, ConnectionError};
use tokio::runtime::{Builder, Runtime};

use self::current::Current;
use self::driver::drive;
use self::environment::{Environment, Settings, asks_for_description};
use self::exit::{BROKEN, MISUSED, decide_end, last_line};
use crate::describe::describe;
use crate::error::with_sources;
use crate::plugin::Plugin;
use crate::watchdog;

/// Most workers unless set otherwise: a plugin waits more than it computes, and each thread costs memory.
const DEFAULT_WORKERS: usize = 8;

impl Plugin {
    /// Runs the plugin as this process until the daemon closes it: the body of `main`.
    ///
    /// Reads the environment (see the table on the [front page](crate)), takes over stdin and stdout, sends `tracing`
    /// events to the daemon's log unless a subscriber is installed, and ends open sessions on SIGTERM and SIGINT. The last
    /// line on stderr says why the process ended, and so does the exit code: 0, an orderly end; 1, the connection broke;
    /// 2, the settings are wrong, or the plugin was started by hand in a terminal.
    ///
    /// With `DIFY_PLUGIN_DESCRIBE=1` it only prints its [description](crate#description) and exits.
    pub fn run(self) -> ExitCode {
        let read = Environment::load().and_then(|environment| {
            let var = |name: &str| environment.var(name);
            let settings = if asks_for_description(var)? { None } else { Some(Settings::from_vars(var)?) };
            Ok((settings, environment))
        });
        let (settings, environment) = match read {
            Ok((Some(settings), environment)) => (settings, environment),
            Ok((None, _)) => return print_description(&self),
            Err(error) => return end(MISUSED, &with_sources(&error)),
        };
        if io::stdin().is_terminal() {
            return end(MISUSED, &terminal_text());
        }
        match serve(self, settings, &environment) {
            Ok(()) => end(
                0,
                "the connection ended in order: the daemon closed the plugin's input, or a signal asked it to stop",
            ),
            Err(error) => end(BROKEN, &with_sources(&error)),
        }
    }
}

fn end(code: u8, why: &str) -> ExitCode {
    last_line(why);
    code.into()
}

/// Prints the description. Stdout still belongs to the process: nothing else was done.
fn print_description(plugin: &Plugin) -> ExitCode {
    let line = describe(plugin.handlers.kinds.iter()) + "\n";
    match io::stdout().write_all(line.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(BROKEN, &format!("writing the description failed: {error}")),
    }
}

fn serve(mut plugin: Plugin, settings: Settings, environment: &Environment) -> Result<(), StartError> {
    let runtime = runtime(plugin.workers.or(settings.workers)).map_err(StartError::Runtime)?;
    plugin.handlers.kinds.endpoints.end_delay = settings.end_delay;
    #[cfg(feature = "files")]
    settings.files.install();
    let end = runtime.block_on(async {
        let current = Current::default();
        // Before the first heartbeat: from then on the daemon, or a person, may send them.
        guard::watch_signals(current.clone(), settings.session.shutdown_grace);
        let connection = connect(settings.session)?;
        log::install(current.clone(), settings.log);
        environment.warn();
        let attached = current.attach(connection.handle());
        guard::watch_connection(connection.handle(), current.clone(), &attached)?;
        let served = drive(async move { plugin.serve(connection).await }, watchdog::is_blocked()).await;
        drop(attached);
        decide_end(&current);
        Ok(served?)
    });
    // Dropping the runtime would wait for a handler that blocks its worker.
    runtime.shutdown_background();
    end
}

#[cfg(unix)]
fn connect(config: Config) -> Result<Connection, StartError> {
    Ok(Connection::stdio(config)?)
}

#[cfg(not(unix))]
fn connect(_: Config) -> Result<Connection, StartError> {
    Err(StartError::System)
}

#[derive(Debug, thiserror::Error)]
enum StartError {
    #[cfg(not(unix))]
    #[error("plugins run on Linux and macOS; on this system they only compile")]
    System,
    #[error("starting the async runtime failed")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("starting a thread failed")]
    Thread(#[from] io::Error),
}

fn runtime(workers: Option<usize>) -> io::Result<Runtime> {
    if workers == Some(1) {
        return Builder::new_current_thread().enable_all().build();
    }
    let workers = workers.unwrap_or_else(|| {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        // At least two: one blocked worker must not stop the others.
        cpus.clamp(2, DEFAULT_WORKERS)
    });
    Builder::new_multi_thread().worker_threads(workers).thread_name("worker").enable_all().build()
}

fn terminal_text() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = std::path::Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    format!(
        "`{program}` is a Dify plugin: Dify's plugin daemon starts it and exchanges JSON frames with it over stdin and \
         stdout. To try it here, run `cargo dify dev` in the plugin's folder; it also shows how to make a single call"
    )
}
