//! Keeps a plugin running: builds and starts it anew when its sources change, and starts it again when it has ended.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dify_plugin_host::{Host, HostConfig, PluginExit};
use dify_plugin_manifest::Plugin;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::answering::Answering;
use crate::args::Dev;
use crate::console::{Console, Tone};
use crate::error::Error;
use crate::hook;
use crate::launch::{self, Ready};
use crate::narrator::{self, Detail, seconds};
use crate::route::Routes;
use crate::stop::Stop;

use super::generation::{Current, Generation};
use super::server::Server;
use super::sources::{self, Snapshot, Sources};
use super::watch::Watch;
use super::{SAME_CTRL_C, listen, listen_failed, usage};

/// The pause before a plugin that has ended is started again: the first, and the longest. It doubles each time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A plugin that has run for so long is not one that ends again and again.
const SETTLED: Duration = Duration::from_secs(10);

/// How many names of changed files are told.
const NAMES: usize = 3;

/// A plugin as its folder has it at one time, built.
pub(crate) struct Loaded {
    plugin: Plugin,
    /// `None` if it has no endpoints.
    pub(crate) settings: Option<Map<String, Value>>,
    pub(crate) ready: Ready,
    sources: Sources,
    /// The sources as they were before they were read.
    snapshot: Snapshot,
}

impl Loaded {
    /// Reads the declarations and builds the plugin; `before` is what answered for Dify so far. Blocks for as long.
    ///
    /// # Errors
    ///
    /// If the declarations, the script or the keys are wrong, or the plugin doesn't build.
    pub(crate) fn new(dev: &Dev, before: Option<&Answering>, console: &Console) -> Result<Self, Error> {
        let script = dev.launch.script.as_deref();
        let snapshot = Sources::new(&dev.dir, None, script).snapshot();
        let plugin = launch::read(&dev.dir, console)?;
        let settings = hook::settings(&plugin, &dev.settings, console)?;
        let ready = launch::prepare_again(&plugin, &dev.launch, before, console)?;
        let sources = Sources::new(&dev.dir, ready.binary.as_deref(), script);
        let snapshot = sources::since(&snapshot, &sources);
        Ok(Self { plugin, settings, ready, sources, snapshot })
    }
}

/// What is being done besides running the plugin.
type Work = Pin<Box<dyn Future<Output = Done>>>;

enum Done {
    /// The plugin was read, built and started anew.
    Reloaded(Result<Box<(Loaded, Host)>, Error>),
    /// It was started again as it was.
    Restarted(Result<Host, Error>),
}

enum Event {
    Stop,
    Ended(Arc<PluginExit>),
    Done(Done),
    Written(BTreeSet<PathBuf>),
}

/// The process that answers, and what tells of it.
struct Running {
    generation: Arc<Generation>,
    narrator: JoinHandle<()>,
    since: Instant,
}

pub(crate) struct Supervisor<'a> {
    dev: &'a Dev,
    console: &'a Console,
    started: Instant,
    current: Current,
    /// `None` while there is no process that could answer.
    running: Option<Running>,
    /// What runs, or ran last.
    loaded: Option<Loaded>,
    /// What was looked at when it was tried to make something newer of it.
    tried: Option<Snapshot>,
    watch: Option<Watch>,
    work: Option<Work>,
    /// Whether the sources are being read and built.
    reloading: bool,
    pause: Duration,
    /// Processes that still have calls from before another took over.
    retiring: Vec<Arc<Generation>>,
    retired: JoinSet<()>,
    /// Turns true when those are to be ended.
    ending: watch::Sender<bool>,
    server: Option<(std::net::SocketAddr, AbortHandle)>,
    usage: String,
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(dev: &'a Dev, console: &'a Console) -> Self {
        let watch = match Watch::new() {
            Ok(watch) => Some(watch),
            Err(error) => {
                console.warning(&format!(
                    "changes of the sources are not seen, files can't be watched: {error}"
                ));
                None
            }
        };
        Self {
            dev,
            console,
            started: Instant::now(),
            current: Current::new(),
            running: None,
            loaded: None,
            tried: None,
            watch,
            work: None,
            reloading: false,
            pause: PAUSES.0,
            retiring: Vec::new(),
            retired: JoinSet::new(),
            ending: watch::Sender::new(false),
            server: None,
            usage: String::new(),
        }
    }

    /// Has a process answer from here on. The one before it finishes its calls, and is ended then.
    pub(crate) fn take_over(&mut self, loaded: Loaded, host: Host) {
        let (notes, receiver) = mpsc::unbounded_channel();
        let events = narrator::narrate(
            self.console.clone(),
            Detail::Sessions,
            loaded.ready.runner,
            host.events(),
            receiver,
            self.started,
        );
        let narrator = tokio::spawn(events);
        let routes = Routes::of(&loaded.plugin);
        let generation = Arc::new(Generation::new(host, loaded.settings.clone(), routes, notes));
        self.current.run(&generation);
        if let Some(watch) = &mut self.watch {
            watch.follow(loaded.sources.folders());
        }
        self.tried = None;
        self.loaded = Some(loaded);
        let before = self.running.replace(Running { generation, narrator, since: Instant::now() });
        if let Some(before) = before {
            self.retire(before);
        }
    }

    fn retire(&mut self, before: Running) {
        let Running { generation, narrator, .. } = before;
        self.retiring.retain(|other| other.host.pid().is_some());
        self.retiring.push(Arc::clone(&generation));
        let calls = generation.calls();
        if calls > 0 {
            let text =
                format!("the one before finishes {calls} open call{}", if calls == 1 { "" } else { "s" });
            self.console.entry(Tone::Note, "Finishing", &text);
        }
        let mut ending = self.ending.subscribe();
        self.retired.spawn(async move {
            tokio::select! {
                () = generation.finished() => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            generation.host.clone().shutdown().await;
            // It tells what came before the end, and can't fail.
            let _ = narrator.await;
        });
    }

    /// Serves the endpoints on `listener`, whichever process answers.
    pub(crate) fn serve(&mut self, listener: TcpListener) -> std::io::Result<()> {
        let server = Server::new(listener, self.current.clone())?;
        let address = server.address();
        self.console.status("Serving", &format!("http://{address}"));
        self.server = Some((address, tokio::spawn(server.run()).abort_handle()));
        Ok(())
    }

    /// Says how to call the plugin, if that isn't what was said last.
    pub(crate) fn tell_usage(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        let text = usage::text(&loaded.plugin, self.dev, self.server.as_ref().map(|(address, _)| *address));
        if text != self.usage {
            self.console.plain(&text);
            self.usage = text;
        }
    }

    /// Runs the plugin until the user wants an end.
    pub(crate) async fn run(&mut self, stop: &mut Stop) {
        loop {
            match self.next(stop).await {
                Event::Stop => return,
                Event::Ended(exit) => {
                    // A terminal sends Ctrl-C to the plugin too, which may be gone before we hear of it.
                    if tokio::time::timeout(SAME_CTRL_C, stop.asked()).await.is_ok() {
                        return;
                    }
                    self.ended(&exit).await;
                }
                Event::Done(done) => self.done(done).await,
                Event::Written(paths) => self.written(&paths),
            }
        }
    }

    async fn next(&mut self, stop: &mut Stop) -> Event {
        let ended = async {
            match &self.running {
                Some(running) => running.generation.host.wait().await,
                None => std::future::pending().await,
            }
        };
        let done = async {
            match &mut self.work {
                Some(work) => work.await,
                None => std::future::pending().await,
            }
        };
        let heard = async {
            match &mut self.watch {
                // What is written meanwhile is looked at afterwards.
                Some(watch) if !self.reloading => watch.heard().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.asked() => Event::Stop,
            exit = ended => Event::Ended(exit),
            done = done => Event::Done(done),
            paths = heard => Event::Written(paths.into_iter().collect()),
        }
    }

    /// The process that answered has ended by itself.
    async fn ended(&mut self, exit: &PluginExit) {
        let Some(running) = self.running.take() else { return };
        self.current.wait();
        let _ = running.narrator.await;
        if running.since.elapsed() >= SETTLED {
            self.pause = PAUSES.0;
        }
        let text = if self.reloading {
            format!("the plugin ended: {exit}")
        } else {
            let pause = self.restart();
            format!("the plugin ended and is started again in {}: {exit}", seconds(pause))
        };
        self.console.entry(Tone::Bad, "Ended", &text);
    }

    /// Starts the plugin again as it was, after a pause that is handed back.
    fn restart(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        if let Some(loaded) = &self.loaded {
            let (ready, console, config) =
                (loaded.ready.clone(), self.console.clone(), HostConfig::default());
            self.work = Some(Box::pin(async move {
                tokio::time::sleep(pause).await;
                Done::Restarted(ready.launch(config, &console).await)
            }));
        }
        pause
    }

    async fn done(&mut self, done: Done) {
        self.work = None;
        self.reloading = false;
        let failed = match done {
            Done::Reloaded(Ok(reloaded)) => {
                let (loaded, host) = *reloaded;
                self.pause = PAUSES.0;
                self.take_over(loaded, host);
                self.serve_at_last().await;
                self.tell_usage();
                self.console.status("Restarted", "calls go to the new one");
                None
            }
            Done::Restarted(Ok(host)) => {
                if let Some(loaded) = self.loaded.take() {
                    self.take_over(loaded, host);
                }
                None
            }
            Done::Reloaded(Err(error)) | Done::Restarted(Err(error)) => Some(error),
        };
        if let Some(error) = failed {
            self.console.error(&error);
            if self.running.is_some() {
                self.console.entry(
                    Tone::Note,
                    "Running",
                    "the plugin as it was; it is built anew at the next change",
                );
            } else {
                self.current.refuse();
                let pause = seconds(self.restart());
                self.console.entry(
                    Tone::Note,
                    "Waiting",
                    &format!("for a change of the sources, or {pause}"),
                );
            }
        }
        // What was written while that was done.
        self.look();
    }

    /// Serves endpoints that were declared after the start.
    async fn serve_at_last(&mut self) {
        let declared = self.loaded.as_ref().is_some_and(|loaded| loaded.settings.is_some());
        if !declared || self.server.is_some() {
            return;
        }
        let served = match listen(self.dev.port).await {
            Ok(listener) => self.serve(listener).map_err(listen_failed(self.dev.port)),
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            self.console.error(&error);
        }
    }

    fn written(&mut self, paths: &BTreeSet<PathBuf>) {
        let Some(loaded) = &self.loaded else { return };
        if paths.is_empty() || paths.iter().any(|path| loaded.sources.may_concern(path)) {
            self.look();
        }
    }

    /// Reads and builds the plugin anew if its sources are others than those that were read last.
    fn look(&mut self) {
        let (Some(loaded), Some(watch)) = (&self.loaded, &mut self.watch) else { return };
        watch.follow(loaded.sources.folders());
        let now = loaded.sources.snapshot();
        let changed = sources::changed(self.tried.as_ref().unwrap_or(&loaded.snapshot), &now);
        if changed.is_empty() {
            return;
        }
        self.console.entry(Tone::Note, "Changed", &names(&changed, &self.dev.dir));
        if self.running.is_none() {
            self.current.wait();
        }
        let (dev, console, config) = (self.dev.clone(), self.console.clone(), HostConfig::default());
        let answering = loaded.ready.answering.clone();
        self.tried = Some(now);
        self.reloading = true;
        self.work = Some(Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let thread_console = console.clone();
            // Not one of the runtime's threads, for which its end would wait.
            std::thread::spawn(move || {
                let _ = sender.send(Loaded::new(&dev, Some(&answering), &thread_console));
            });
            let reload = async {
                let loaded = receiver.await.unwrap_or(Err(Error::Interrupted))?;
                let host = loaded.ready.clone().launch(config, &console).await?;
                Ok(Box::new((loaded, host)))
            };
            Done::Reloaded(reload.await)
        }));
    }

    /// Ends all processes in peace, or at once when the user asks again. Hands back how the last one ended.
    pub(crate) async fn shut_down(mut self, stop: &mut Stop) -> Option<Arc<PluginExit>> {
        if let Some((_, server)) = self.server.take() {
            server.abort();
        }
        self.work = None;
        self.ending.send_replace(true);
        let running = self.running.take();
        let host = running.as_ref().map(|running| running.generation.host.clone());
        {
            let shutdown = async {
                if let Some(host) = host.clone() {
                    host.shutdown().await;
                }
                while self.retired.join_next().await.is_some() {}
            };
            tokio::select! {
                biased;
                () = shutdown => {}
                () = stop.asked() => {
                    host.iter().chain(self.retiring.iter().map(|other| &other.host)).for_each(Host::kill);
                }
            }
        }
        while self.retired.join_next().await.is_some() {}
        let exit = match &host {
            Some(host) => Some(host.wait().await),
            None => None,
        };
        if let Some(running) = running {
            let _ = running.narrator.await;
        }
        exit
    }
}

/// The names of some files, as from `dir`.
fn names(files: &BTreeSet<&Path>, dir: &Path) -> String {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let name = |file: &&Path| file.strip_prefix(&dir).unwrap_or(file).display().to_string();
    let mut text = files.iter().take(NAMES).map(name).collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = files.len().checked_sub(NAMES) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
