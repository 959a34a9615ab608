//! A plugin as a process: environment, runtime, signals, exit.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dify_plugin_session::{Config, Connection, ConnectionError, Handle};
use tokio::runtime::{self, Builder, Runtime, RuntimeFlavor};

use crate::describe;
use crate::environment::{Environment, Settings, asks_for_description};
use crate::log;
use crate::plugin::Plugin;
use crate::text::truncate;

const BROKEN: u8 = 1;
const MISUSED: u8 = 2;

/// Most workers unless told otherwise: a plugin waits more than it computes, and each thread costs memory.
const DEFAULT_WORKERS: usize = 8;

/// The daemon keeps that much of stderr to tell why a plugin failed (`internal/core/local_runtime/instance.go`).
const LAST_WORDS_BYTES: usize = 1024;

/// How long the daemon has, after the grace, to read what sessions said at their end, as the session layer has it.
const LAST_WORDS_TIME: Duration = Duration::from_secs(1);

/// How long a connection that is over may take to be noticed by a busy runtime.
const NOTICE: Duration = Duration::from_millis(500);

pub(crate) fn run(plugin: Plugin) -> ExitCode {
    let read = Environment::load().and_then(|environment| {
        let var = |name: &str| environment.var(name);
        let settings = if asks_for_description(var)? { None } else { Some(Settings::from_vars(var)?) };
        Ok((settings, environment))
    });
    let (settings, environment) = match read {
        Ok((Some(settings), environment)) => (settings, environment),
        Ok((None, _)) => return describe(&plugin),
        Err(error) => {
            last_words(&with_source(&error));
            return MISUSED.into();
        }
    };
    if io::stdin().is_terminal() {
        last_words(&terminal_text());
        return MISUSED.into();
    }
    match serve(plugin, settings, &environment) {
        Ok(()) => {
            last_words(
                "the connection ended in order: the daemon closed the plugin's input, or a signal asked it to stop",
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            last_words(&with_source(&error));
            BROKEN.into()
        }
    }
}

/// Prints what the plugin has. Nothing else was done: stdout is still that of the process.
fn describe(plugin: &Plugin) -> ExitCode {
    // What panics while it is read is an author's type that is tried out, and left open.
    std::panic::set_hook(Box::new(|_| {}));
    let described = describe::describe(&plugin.handlers).map_err(io::Error::from);
    match described.and_then(|line| io::stdout().write_all(format!("{line}\n").as_bytes())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            last_words(&format!("the description could not be written: {error}"));
            BROKEN.into()
        }
    }
}

fn serve(mut plugin: Plugin, settings: Settings, environment: &Environment) -> Result<(), StartError> {
    let runtime = runtime(plugin.workers.or(settings.workers)).map_err(StartError::Runtime)?;
    plugin.end_delay = plugin.end_delay.or(settings.end_delay);
    #[cfg(feature = "files")]
    settings.files.install();
    let cause = runtime.block_on(async {
        // Before the first heartbeat: from then on the daemon, or a person, may end us.
        let signals = Signals::listen();
        let grace = settings.session.shutdown_grace;
        let connection = connect(settings.session)?;
        let handle = connection.handle();
        log::install(handle.clone(), settings.log);
        environment.warn();
        let guard = ExitGuard::new(handle.clone())?;
        signals.shut_down(handle, grace, guard.is_over.clone());
        Ok::<_, StartError>(drive(plugin.serve(connection)).await?)
    });
    // A handler that blocks its worker would be waited for otherwise.
    runtime.shutdown_background();
    cause
}

/// Runs the driver in its best place.
///
/// Where all runs on one thread that is a task: the runtime asks for events whenever its main future steps back, one system
/// call more for each batch. Elsewhere it is the main future: a task that is woken by a handler which then blocks its worker
/// would wait behind it, and with it every other session.
async fn drive<T: Send + 'static>(driver: impl Future<Output = T> + Send + 'static) -> T {
    if runtime::Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
        return driver.await;
    }
    match tokio::spawn(driver).await {
        Ok(end) => end,
        // Nobody aborts it, so it has panicked.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
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
        // One that is blocked must not stop the others.
        cpus.clamp(2, DEFAULT_WORKERS)
    });
    Builder::new_multi_thread().worker_threads(workers).thread_name("worker").enable_all().build()
}

/// The first SIGTERM or SIGINT lets open sessions finish; a second one ends at once. Both are heard on a thread of their own:
/// handlers may hold every worker.
#[cfg(unix)]
struct Signals(io::Result<signal_hook::iterator::Signals>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use signal_hook::consts::{SIGINT, SIGTERM};

        Self(signal_hook::iterator::Signals::new([SIGTERM, SIGINT]))
    }

    fn shut_down(self, handle: Handle, grace: Duration, is_over: Arc<AtomicBool>) {
        let heard =
            self.0.and_then(|signals| thread("signals", move || obey(signals, &handle, grace, &is_over)));
        if let Err(error) = heard {
            tracing::warn!(
                %error,
                "signals can't be listened to; SIGTERM and SIGINT end the plugin without a word"
            );
        }
    }
}

#[cfg(unix)]
fn obey(
    mut signals: signal_hook::iterator::Signals,
    handle: &Handle,
    grace: Duration,
    is_over: &Arc<AtomicBool>,
) {
    let mut signals = signals.forever();
    if signals.next().is_none() {
        return;
    }
    handle.shutdown();
    // The session layer ends everything in that time; if its driver gets no turn, this does.
    let patience = grace.saturating_add(LAST_WORDS_TIME).saturating_add(NOTICE);
    let ended = is_over.clone();
    let guard = thread("grace", move || {
        std::thread::sleep(patience);
        if ended.load(Ordering::Acquire) {
            return;
        }
        exit_now(
            "the plugin shut down before it was done: handlers held every worker past DIFY_PLUGIN_SHUTDOWN_GRACE",
        );
    });
    if let Err(error) = guard {
        tracing::warn!(%error, "no thread could be started to end the plugin if handlers hold every worker");
    }
    if signals.next().is_some() && !is_over.load(Ordering::Acquire) {
        exit_now("a second signal came while sessions were finishing");
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    fn shut_down(self, handle: Handle, _: Duration, _: Arc<AtomicBool>) {
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                handle.shutdown();
            }
        });
    }
}

/// Ends the process when nobody hears it and it does not notice, since handlers hold every worker.
struct ExitGuard {
    is_over: Arc<AtomicBool>,
}

impl ExitGuard {
    fn new(handle: Handle) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let noticed = is_over.clone();
        thread("exit", move || {
            // A runtime of its own: handlers may hold every worker of the other.
            let Ok(waiting) = Builder::new_current_thread().build() else { return };
            let Err(cause) = waiting.block_on(handle.closed()) else { return };
            std::thread::sleep(NOTICE);
            if !noticed.load(Ordering::Acquire) {
                exit_now(&format!("{}; handlers held every worker", with_source(&cause)));
            }
        })?;
        Ok(Self { is_over })
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
    }
}

/// Starts a thread that waits and does little else.
fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(128 * 1024).spawn(run).map(drop)
}

/// Ends the process from wherever it stands.
fn exit_now(why: &str) -> ! {
    #[cfg(unix)]
    dify_plugin_session::restore_stdio();
    last_words(why);
    std::process::exit(BROKEN.into());
}

fn terminal_text() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let program = std::path::Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    format!(
        "this is `{program}`, a Dify plugin: Dify's plugin daemon starts it and speaks JSON lines with it over stdin and \
         stdout. To try it here, run `cargo dify dev` in the plugin's folder; it also shows how to make a single call"
    )
}

fn with_source(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The last line on stderr: why the process ends. Short enough to be kept as a whole.
fn last_words(text: &str) {
    let mut line = format!("dify-plugin: {}", text.replace('\n', " "));
    truncate(&mut line, LAST_WORDS_BYTES - 1);
    line.push('\n');
    // If stderr is gone, so is whoever would read this.
    let _ = io::stderr().write_all(line.as_bytes());
}
