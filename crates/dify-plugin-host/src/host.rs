//! The handle on a running plugin.

use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin_manifest::Permission;
use dify_plugin_protocol::{AccessType, Action, IncomingEvent};
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast;

use crate::command::PluginCommand;
use crate::config::HostConfig;
use crate::error::{ExitCause, HostError, PluginExit};
use crate::event::{HostEvent, HostEvents, KEPT_EVENTS};
use crate::messages::Messages;
use crate::pipe;
use crate::platform::{Platform, SessionInfo};
use crate::process;
use crate::session::{self, Session};
use crate::shared::Shared;

/// A running plugin.
///
/// Clones are handles to the same plugin; when the last one is dropped, the process is killed.
#[derive(Clone)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
    pid: Option<u32>,
    /// A receiver of all events since the start, for the first caller of `events`.
    first_watcher: Arc<Mutex<Option<broadcast::Receiver<HostEvent>>>>,
    _kill_on_drop: Arc<KillOnDrop>,
}

struct KillOnDrop(Arc<Shared>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill.order(ExitCause::Killed);
    }
}

/// A session to open.
#[derive(Clone)]
#[non_exhaustive]
pub struct OpenSession {
    /// The session's id. Default: a new version 4 UUID.
    pub session_id: Option<String>,
    /// The Dify user the session runs for. Default: empty.
    pub user_id: String,
    /// The conversation in which the caller works, if any.
    pub conversation_id: Option<String>,
    /// The message that the caller responds to, if any.
    pub message_id: Option<String>,
    /// The app that the caller belongs to, if any.
    pub app_id: Option<String>,
    /// The endpoint that is called, for endpoint sessions.
    pub endpoint_id: Option<String>,
    /// The caller's context, if any.
    pub context: Option<Map<String, Value>>,
    /// The part of the plugin to call.
    pub access_type: AccessType,
    /// The action to perform.
    pub action: Action,
    /// The fields of the action.
    pub payload: Map<String, Value>,
}

impl OpenSession {
    /// Creates a session that performs `action` with the fields of `payload`. The other fields can be set afterwards.
    pub fn new(access_type: AccessType, action: Action, payload: Map<String, Value>) -> Self {
        Self {
            session_id: None,
            user_id: String::new(),
            conversation_id: None,
            message_id: None,
            app_id: None,
            endpoint_id: None,
            context: None,
            access_type,
            action,
            payload,
        }
    }
}

impl std::fmt::Debug for OpenSession {
    /// Omits the payload and the context, which hold credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenSession")
            .field("session_id", &self.session_id)
            .field("access_type", &self.access_type)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// Counters of a host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostStats {
    /// Sessions open now.
    pub open_sessions: usize,
    /// Bytes of messages that are queued for readers of sessions.
    pub queued_bytes: usize,
    /// Frames read from stdout.
    pub frames: u64,
    /// Heartbeats among the frames.
    pub heartbeats: u64,
    /// Frames that were ignored because the daemon ignores them too.
    pub junk_frames: u64,
    /// Frames of sessions that are not open, such as an `end` after an `error`.
    pub unknown_sessions: u64,
    /// Well-formed reverse calls, including refused ones.
    pub reverse_calls: u64,
}

impl Host {
    /// Starts a plugin and waits for its first heartbeat. Needs a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    ///
    /// Fails if the program can't be started, exits before its first heartbeat, or sends none in time. In the last two cases
    /// the error holds the end of its stderr.
    pub async fn start(
        mut command: PluginCommand,
        config: HostConfig,
        platform: impl Platform,
    ) -> Result<Self, HostError> {
        let child = command.build().spawn().map_err(|source| HostError::Spawn {
            program: command.program(),
            directory: command.directory(),
            source: Arc::new(source),
        })?;
        let host = Self::new(child.id(), command.take_permission(), config, platform);
        process::serve(&host.shared, child);
        host.wait_until_ready().await?;
        Ok(host)
    }

    /// Connects to a plugin that has no process of its own, such as one that runs in this program, and waits for its first
    /// heartbeat. Reads the plugin's frames from `output` and writes its input to `input`. If there is a `permission`, the
    /// plugin's reverse calls are checked against it. Needs a tokio runtime with time enabled.
    ///
    /// Such a plugin has no [`pid`](Self::pid) and no stderr. Instead of being killed, it finds both streams closed.
    ///
    /// ```
    /// # use dify_plugin_host::{Host, HostConfig, Script};
    /// # use tokio::io::AsyncWriteExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), dify_plugin_host::HostError> {
    /// let (ours, mut plugins) = tokio::io::duplex(64 * 1024);
    /// let (output, input) = tokio::io::split(ours);
    /// // Stands for the plugin, which would serve `plugins`.
    /// plugins.write_all(b"{\"event\":\"heartbeat\"}\n").await.unwrap();
    /// let host = Host::over(output, input, None, HostConfig::default(), Script::new()).await?;
    /// # drop((host, plugins)); Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if `output` ends before the first heartbeat, or if none arrives in time.
    pub async fn over(
        output: impl AsyncRead + Unpin + Send + 'static,
        input: impl AsyncWrite + Unpin + Send + 'static,
        permission: Option<Permission>,
        config: HostConfig,
        platform: impl Platform,
    ) -> Result<Self, HostError> {
        let host = Self::new(None, permission, config, platform);
        pipe::serve(&host.shared, output, input);
        host.wait_until_ready().await?;
        Ok(host)
    }

    fn new(
        pid: Option<u32>,
        permission: Option<Permission>,
        config: HostConfig,
        platform: impl Platform,
    ) -> Self {
        let (events, first_watcher) = broadcast::channel(KEPT_EVENTS);
        let shared = Arc::new(Shared::new(config, permission, platform, events));
        Self {
            shared: Arc::clone(&shared),
            pid,
            first_watcher: Arc::new(Mutex::new(Some(first_watcher))),
            _kill_on_drop: Arc::new(KillOnDrop(shared)),
        }
    }

    async fn wait_until_ready(&self) -> Result<(), HostError> {
        let limit = self.shared.config.ready_timeout;
        let mut ready = self.shared.ready.subscribe();
        tokio::select! {
            biased;
            // The senders live as long as `self`, so both futures return only with a value.
            _ = ready.wait_for(|ready| *ready) => Ok(()),
            exit = self.wait() => Err(HostError::FailedToStart(exit)),
            () = tokio::time::sleep(limit) => {
                self.kill();
                Err(HostError::NotReady { limit, junk: self.shared.early_junk(), stderr: self.shared.stderr_tail() })
            }
        }
    }

    /// Opens a session and writes its request as the daemon does. Waits while the plugin's stdin is full.
    ///
    /// # Errors
    ///
    /// Fails if the plugin exited or is being shut down, or if a session with that id is open.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: a session whose opening is canceled is removed.
    pub async fn open(&self, request: OpenSession) -> Result<Messages, HostError> {
        let id = request.session_id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let info = Arc::new(SessionInfo {
            session_id: Arc::from(id),
            user_id: request.user_id,
            conversation_id: request.conversation_id,
            message_id: request.message_id,
            app_id: request.app_id,
            endpoint_id: request.endpoint_id,
            context: request.context,
            access_type: request.access_type,
            action: request.action,
        });
        let frame = request_frame(&info, request.payload);
        let (session, receiver, queued) = Session::new(Arc::clone(&info));
        if !self.shared.sessions.insert(Arc::clone(&session)) {
            return Err(HostError::SessionOpen(info.session_id.to_string()));
        }
        // Checked after the insert: a shutdown either waits for this session or is seen here.
        if self.shared.kill.is_near() {
            self.shared.sessions.remove(&info.session_id);
            return Err(HostError::PluginExited(self.wait().await));
        }
        self.shared.publish(HostEvent::SessionOpened {
            session_id: Arc::clone(&info.session_id),
            access_type: info.access_type.clone(),
            action: info.action.clone(),
        });
        let answers = Messages::new(Arc::clone(&self.shared), session, receiver, queued);
        // An exit is recorded before it fails the open sessions, so a session that is inserted in between fails here.
        if self.shared.outbox.send(&frame).await.is_err() || self.shared.exited().is_some() {
            return Err(HostError::PluginExited(self.wait().await));
        }
        Ok(answers)
    }

    /// Returns the events from now on. The first call also returns those since the start, up to the latest 4,096.
    pub fn events(&self) -> HostEvents {
        let first = self.first_watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        HostEvents(first.unwrap_or_else(|| self.shared.subscribe()))
    }

    /// Returns the id of the process while it runs. `None` for a plugin that is connected [over](Self::over) two streams.
    pub fn pid(&self) -> Option<u32> {
        self.pid.filter(|_| self.shared.exited().is_none())
    }

    /// Returns the counters.
    pub fn stats(&self) -> HostStats {
        let counters = &self.shared.counters;
        HostStats {
            open_sessions: self.shared.sessions.len(),
            queued_bytes: counters.queued_bytes.load(Ordering::Relaxed),
            frames: counters.frames.load(Ordering::Relaxed),
            heartbeats: counters.heartbeats.load(Ordering::Relaxed),
            junk_frames: counters.junk_frames.load(Ordering::Relaxed),
            unknown_sessions: counters.unknown_sessions.load(Ordering::Relaxed),
            reverse_calls: counters.reverse_calls.load(Ordering::Relaxed),
        }
    }

    /// Returns the resident memory of the process in bytes. Reads Linux's `/proc`, and returns `None` on other systems.
    pub fn rss_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?)).ok()?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(kib.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }

    /// Kills the process immediately. Open sessions fail.
    pub fn kill(&self) {
        self.shared.kill.order(ExitCause::Killed);
    }

    /// Waits until the process exits.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn wait(&self) -> Arc<PluginExit> {
        let mut exit = self.shared.exit.subscribe();
        loop {
            if let Some(exit) = exit.borrow_and_update().clone() {
                return exit;
            }
            // The sender lives as long as `self`.
            let _ = exit.changed().await;
        }
    }

    /// Shuts the plugin down and returns its exit status if the system reports one.
    ///
    /// From now on no session can be opened. Open sessions have [`HostConfig::shutdown_grace`] to finish, and their reverse
    /// calls are still answered. Then stdin is closed, and a process that does not exit within the same time again is killed.
    /// (The official Python SDK ignores that stdin is closed, and is always killed.)
    pub async fn shutdown(self) -> Option<ExitStatus> {
        let grace = self.shared.config.shutdown_grace;
        self.shared.kill.expect(ExitCause::Shutdown);
        // The remaining sessions fail when the process exits.
        let _ = tokio::time::timeout(grace, self.shared.sessions.all_closed()).await;
        self.shared.outbox.close();
        match tokio::time::timeout(grace, self.wait()).await {
            Ok(exit) => exit.status,
            Err(_) => {
                self.kill();
                self.wait().await.status
            }
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("pid", &self.pid()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Encodes a request as the daemon does: the three base fields and the payload form one object, in which a field of the
/// payload replaces a base field of the same name (`internal/core/io_tunnel/mapping.go`).
fn request_frame(info: &SessionInfo, payload: Map<String, Value>) -> Vec<u8> {
    let mut data = Map::new();
    data.insert("user_id".to_owned(), info.user_id.clone().into());
    data.insert("type".to_owned(), info.access_type.as_str().into());
    data.insert("action".to_owned(), info.action.as_str().into());
    data.extend(payload);
    let mut frame = Vec::new();
    session::write_frame(&mut frame, info, IncomingEvent::Request, data);
    frame
}
