//! Keeps a plugin running: rebuilds and restarts it when its sources change, and restarts it when it ends.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dify_plugin_host::{Host, HostConfig, PluginExit};
use dify_plugin_manifest::Plugin;
use futures_util::future::OptionFuture;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use super::generation::{Current, Generation};
use super::options::Dev;
use super::sources::{self, Snapshot, Sources};
use super::watch::Watch;
use super::{server, usage};
use crate::console::{Console, Tone};
use crate::endpoints::{self, Routes};
use crate::error::Error;
use crate::humanize::{count, seconds};
use crate::launch::{self, Ready};
use crate::narrator::{self, Detail};
use crate::platform::LocalPlatform;
use crate::stop::Stop;

/// The first and the longest pause before a plugin that has ended is restarted. The pause doubles each time.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// A plugin that ran for this long counts as stable, and the pause starts over.
const SETTLED: Duration = Duration::from_secs(10);

/// How many names of changed files are shown.
const NAMES: usize = 3;

/// How long our own Ctrl-C may take to arrive after the same Ctrl-C has ended the plugin.
const SAME_CTRL_C: Duration = Duration::from_millis(200);

/// A built plugin, as its folder was at one time.
struct Loaded {
    plugin: Plugin,
    /// The settings of the endpoints; `None` if the plugin declares none.
    settings: Option<Map<String, Value>>,
    ready: Ready,
    sources: Sources,
    /// The sources just before they were read.
    snapshot: Snapshot,
}

impl Loaded {
    /// Reads the declarations and builds the plugin, which blocks. `before` is the platform before a restart.
    ///
    /// # Errors
    ///
    /// Fails if the declarations, the script or the keys are wrong, or the plugin doesn't build.
    fn new(dev: &Dev, before: Option<&LocalPlatform>, console: &Console) -> Result<Self, Error> {
        let script = dev.launch.script.as_deref();
        let snapshot = Sources::new(&dev.dir, None, script).snapshot();
        let plugin = launch::read(&dev.dir, console)?;
        let settings = endpoints::settings(&plugin, &dev.settings, console)?;
        let ready = Ready::new(&plugin, &dev.launch, before, console)?;
        let sources = Sources::new(&dev.dir, ready.binary.as_deref(), script);
        let snapshot = sources::since(&snapshot, &sources);
        Ok(Self { plugin, settings, ready, sources, snapshot })
    }
}

/// Starts a new process in the background: of a new build, or of the same build again.
type Work = Pin<Box<dyn Future<Output = Result<(Option<Loaded>, Host), Error>>>>;

/// The process that serves calls, and the task that shows what it does.
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
    /// `None` while no process can serve calls.
    running: Option<Running>,
    /// What runs or ran last.
    loaded: Option<Loaded>,
    /// The sources at the last attempt to build a newer one.
    tried: Option<Snapshot>,
    watch: Option<Watch>,
    work: Option<Work>,
    /// Whether `work` reads and builds the sources.
    reloading: bool,
    pause: Duration,
    /// Replaced processes that still have open calls.
    retiring: Vec<Arc<Generation>>,
    retired: JoinSet<()>,
    /// Becomes true when those have to stop.
    ending: watch::Sender<bool>,
    server: Option<(std::net::SocketAddr, AbortHandle)>,
    usage: String,
}

impl<'a> Supervisor<'a> {
    /// Builds and starts the plugin, serves its endpoints, and prints how to call it.
    ///
    /// # Errors
    ///
    /// Fails if one of these steps fails.
    pub(super) async fn start(dev: &'a Dev, console: &'a Console, stop: &mut Stop) -> Result<Self, Error> {
        let watch = Watch::new();
        if let Err(error) = &watch {
            console.warning(&format!(
                "changes of the sources are not noticed, because files can't be watched: {error}"
            ));
        }
        let loaded = Loaded::new(dev, None, console)?;
        let mut supervisor = Self {
            dev,
            console,
            started: Instant::now(),
            current: Current::new(),
            running: None,
            loaded: None,
            tried: None,
            watch: watch.ok(),
            work: None,
            reloading: false,
            pause: PAUSES.0,
            retiring: Vec::new(),
            retired: JoinSet::new(),
            ending: watch::Sender::new(false),
            server: None,
            usage: String::new(),
        };
        // Before the start, so that a port in use is reported at once.
        supervisor.serve(&loaded).await?;
        let host = loaded.ready.clone().start(HostConfig::default(), console, stop).await?;
        supervisor.take_over(loaded, host);
        supervisor.show_usage();
        Ok(supervisor)
    }

    /// Makes a new process serve calls. The one before it finishes its calls and is then stopped.
    fn take_over(&mut self, loaded: Loaded, host: Host) {
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
            let text = format!("{} on the previous process", count(calls, "open call"));
            self.console.entry(Tone::Note, "Finishing", &text);
        }
        let mut ending = self.ending.subscribe();
        self.retired.spawn(async move {
            tokio::select! {
                () = generation.finished() => {}
                _ = ending.wait_for(|ending| *ending) => {}
            }
            generation.host.clone().shutdown().await;
            // The narrator shows everything up to the end, and can't fail.
            let _ = narrator.await;
        });
    }

    /// Serves the endpoints, unless there are none or they are served already.
    async fn serve(&mut self, loaded: &Loaded) -> Result<(), Error> {
        if loaded.settings.is_none() || self.server.is_some() {
            return Ok(());
        }
        let port = self.dev.port;
        let listener = TcpListener::bind(("127.0.0.1", port)).await;
        let server = listener.and_then(|listener| server::serve(listener, self.current.clone()));
        self.server = Some(server.map_err(|cause| {
            let error = Error::new(format!("cannot listen on 127.0.0.1:{port}")).caused_by(cause);
            error.with_help("choose another port with --port, or 0 for a free one")
        })?);
        Ok(())
    }

    /// Prints how to call the plugin, unless that was printed before.
    fn show_usage(&mut self) {
        let Some(loaded) = &self.loaded else { return };
        let address = self.server.as_ref().map(|(address, _)| *address);
        let text = usage::text(&loaded.plugin, self.dev, address);
        if text != self.usage {
            if let Some(address) = address {
                self.console.status("Serving", &format!("http://{address}"));
            }
            self.console.plain(&text);
            self.usage = text;
        }
    }

    /// Runs the plugin until the user stops it.
    pub(super) async fn run(&mut self, stop: &mut Stop) {
        loop {
            let ended = self.running.as_ref().map(|running| running.generation.host.wait());
            tokio::select! {
                biased;
                () = stop.asked() => return,
                Some(exit) = OptionFuture::from(ended) => {
                    // A terminal sends Ctrl-C to the plugin too, which may end before our own signal arrives.
                    if tokio::time::timeout(SAME_CTRL_C, stop.asked()).await.is_ok() {
                        return;
                    }
                    self.ended(&exit).await;
                }
                Some(done) = OptionFuture::from(self.work.as_mut()) => self.done(done).await,
                // Changes during a build are looked at after it.
                Some(paths) = OptionFuture::from(self.watch.as_mut().map(Watch::changed)), if !self.reloading => {
                    self.changed(&paths);
                }
            }
        }
    }

    /// The running process has ended by itself.
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
            format!("the plugin ended and is restarted in {}: {exit}", seconds(pause))
        };
        self.console.entry(Tone::Bad, "Ended", &text);
    }

    /// Starts the same build again after a pause, which is returned.
    fn restart(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        if let Some(loaded) = &self.loaded {
            let (ready, console, config) =
                (loaded.ready.clone(), self.console.clone(), HostConfig::default());
            self.work = Some(Box::pin(async move {
                tokio::time::sleep(pause).await;
                Ok((None, ready.launch(config, &console).await?))
            }));
        }
        pause
    }

    async fn done(&mut self, done: Result<(Option<Loaded>, Host), Error>) {
        self.work = None;
        self.reloading = false;
        match done {
            Ok((Some(loaded), host)) => {
                self.pause = PAUSES.0;
                // Endpoints may have been declared only now.
                if let Err(error) = self.serve(&loaded).await {
                    self.console.error(&error);
                }
                self.take_over(loaded, host);
                self.show_usage();
                self.console.status("Restarted", "new calls go to the new process");
            }
            Ok((None, host)) => {
                if let Some(loaded) = self.loaded.take() {
                    self.take_over(loaded, host);
                }
            }
            Err(error) if self.running.is_some() => {
                self.console.error(&error);
                let text = "the previous build continues; the next change triggers a new build";
                self.console.entry(Tone::Note, "Running", text);
            }
            Err(error) => {
                self.console.error(&error);
                self.current.refuse();
                let pause = seconds(self.restart());
                self.console.entry(
                    Tone::Note,
                    "Waiting",
                    &format!("{pause}, or for a change of the sources"),
                );
            }
        }
        // Sources may have changed meanwhile.
        self.look();
    }

    fn changed(&mut self, paths: &[PathBuf]) {
        let Some(loaded) = &self.loaded else { return };
        if paths.is_empty() || paths.iter().any(|path| loaded.sources.may_include(path)) {
            self.look();
        }
    }

    /// Rebuilds the plugin if its sources are not the ones that were built last.
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
        let platform = loaded.ready.platform.clone();
        self.tried = Some(now);
        self.reloading = true;
        self.work = Some(Box::pin(async move {
            let (sender, receiver) = oneshot::channel();
            let thread_console = console.clone();
            // Not on a thread of the runtime, which would wait for the build before it ends.
            std::thread::spawn(move || {
                let _ = sender.send(Loaded::new(&dev, Some(&platform), &thread_console));
            });
            let loaded = receiver.await.unwrap_or_else(|_| Err(Error::interrupted()))?;
            let host = loaded.ready.clone().launch(config, &console).await?;
            Ok((Some(loaded), host))
        }));
    }

    /// Stops all processes, at once if the user asks again. Returns how the running one ended.
    pub(super) async fn shut_down(mut self, stop: &mut Stop) -> Option<Arc<PluginExit>> {
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

/// Returns the names of some of the files, relative to `dir`.
fn names(files: &BTreeSet<&Path>, dir: &Path) -> String {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let name = |file: &&Path| file.strip_prefix(&dir).unwrap_or(file).display().to_string();
    let mut text = files.iter().take(NAMES).map(name).collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = files.len().checked_sub(NAMES) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
