//! The driver: moves bytes while it is asked for requests.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use dify_plugin_protocol::LogData;
use dify_plugin_protocol::frame::{Frame, FrameDecoder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Sleep;

use crate::config::Config;
use crate::core::{After, Draining, Inbound, Stats};
use crate::error::ConnectionError;
use crate::link::Link;
use crate::request::Request;
use crate::transport::{Io, Transport};

/// Bytes read at a time.
const READ_BYTES: usize = 64 * 1024;

/// The monotonic clock, as tokio sees it: tests may stop it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// `now + wait`, or a moment that nobody lives to see: `Duration::MAX` is how people write "no limit".
pub(crate) fn later(now: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    now + wait.min(FAR)
}

/// A plugin's connection to the daemon: it owns reader and writer, and everything else is a handle.
///
/// Nothing moves unless [`accept`](Connection::accept) is polled: it reads, hands replies to those who wait for them,
/// writes what handlers have said, watches the deadlines, and returns when a request has come. So call it again and
/// again, and let each request run in a task of its own.
///
/// ```
/// # use dify_plugin_session::{Config, Connection};
/// # async fn serve() -> Result<(), dify_plugin_session::ConnectionError> {
/// # let (reader, writer) = (tokio::io::empty(), tokio::io::sink());
/// let mut connection = Connection::new(reader, writer, Config::default());
/// while let Some(request) = connection.accept().await? {
///     tokio::spawn(async move {
///         let (payload, responder) = request.into_parts();
///         responder.send(&*payload).await?;
///         responder.finish()
///     });
/// }
/// # Ok(())
/// # }
/// ```
///
/// When the daemon closes the plugin's input, no more requests come and open calls fail. Handlers run on until their
/// deadline, and `accept` returns `Ok(None)` once everything they sent is written. When the daemon closes the plugin's
/// output, `accept` returns an error at once. Dropping the connection ends all sessions.
#[must_use = "a connection moves nothing unless `accept` is polled"]
pub struct Connection {
    link: Arc<Link>,
    transport: Box<dyn Transport>,
    decoder: FrameDecoder,
    buffer: Box<[u8]>,
    input_is_open: bool,
    /// Frames that were read since others had their turn.
    just_read: usize,
    deadlines: Alarm,
    heartbeat: Option<(Duration, Alarm)>,
    /// Requests that have come and have not been asked for.
    arrivals: VecDeque<Request>,
    after: After,
}

impl Connection {
    /// A connection over any reader and writer. Takes no descriptor, signal or thread.
    ///
    /// # Panics
    ///
    /// `accept` must be polled within a tokio runtime that has its time driver enabled.
    pub fn new(
        reader: impl AsyncRead + Send + 'static,
        writer: impl AsyncWrite + Send + 'static,
        config: Config,
    ) -> Self {
        Self::over(Link::new(config), Box::new(Io::new(reader, writer)))
    }

    /// A connection over the process's own stdin and stdout, which from now on belong to the protocol: descriptor 0 reads
    /// nothing, descriptor 1 leads to stderr. The first heartbeat goes out at once; further ones come from a thread.
    ///
    /// # Errors
    ///
    /// If the descriptors can't be moved or watched, or the process has taken them over before.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with its I/O and time drivers enabled.
    #[cfg(all(unix, feature = "stdio"))]
    pub fn stdio(config: Config) -> Result<Self, ConnectionError> {
        let link = Link::new(config);
        let transport = crate::transport::Stdio::take_over(&link)?;
        Ok(Self::over(link, Box::new(transport)))
    }

    fn over(link: Arc<Link>, transport: Box<dyn Transport>) -> Self {
        let beats = link.config.heartbeat_interval.filter(|_| !transport.beats_by_itself());
        Self {
            decoder: FrameDecoder::new(link.config.max_line_bytes),
            buffer: vec![0; READ_BYTES].into_boxed_slice(),
            input_is_open: true,
            just_read: 0,
            deadlines: Alarm::default(),
            heartbeat: beats.map(|interval| (interval, Alarm::at(now()))),
            arrivals: VecDeque::new(),
            after: After::default(),
            link,
            transport,
        }
    }

    /// Returns the next request, or `None` after an orderly end: the daemon closed the plugin's input between frames, or
    /// [`Handle::shutdown`] was called, every session has finished, and everything they sent is written.
    ///
    /// Once the connection is over, every further call returns the same.
    ///
    /// Cancel safe: usable as a branch of `select!`.
    ///
    /// # Errors
    ///
    /// If the connection broke. [`ConnectionError::OutputClosed`] and [`ConnectionError::Write`] come at once, since nothing
    /// can reach the daemon any more. [`ConnectionError::EndInsideFrame`] and [`ConnectionError::Read`] come like an orderly
    /// end, after open sessions have finished: what they send may still be read. [`ConnectionError::ShutdownIncomplete`] and
    /// [`ConnectionError::Unread`] mean that sessions or the daemon did not finish within
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace).
    pub async fn accept(&mut self) -> Result<Option<Request>, ConnectionError> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Polls for the next request, for futures written by hand. See [`accept`](Connection::accept).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Request>, ConnectionError>> {
        loop {
            while let Some(request) = self.arrivals.pop_front() {
                // It may have waited past its deadline, or the connection may have closed since.
                if !request.session().is_ended() {
                    return Poll::Ready(Ok(Some(request)));
                }
            }
            if let Some(end) = self.link.end() {
                return Poll::Ready(end.map(|()| None));
            }
            if self.just_read > 1 {
                // Handlers that were just woken run first. What they send then goes out in one write, and a daemon that
                // floods us can't keep them from running.
                self.just_read = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // Before the checks: whoever queues output after them must find whom to wake.
            let waker = cx.waker().clone();
            drop(self.link.quietly(|core| {
                core.watch_the_end(now);
                core.set_driver(waker)
            }));
            self.poll_clocks(cx);
            match self.transport.poll_flush(cx, &self.link) {
                Poll::Ready(Ok(())) => self.link.with(|core, after| core.close_if_done(after)),
                Poll::Ready(Err(error)) => self.link.close(Err(ConnectionError::writing(error))),
                Poll::Pending => {}
            }
            if let Some(end) = self.link.end() {
                return Poll::Ready(end.map(|()| None));
            }
            if !self.input_is_open {
                return Poll::Pending;
            }
            loop {
                match self.transport.poll_read(cx, &mut self.buffer) {
                    Poll::Ready(Ok(0)) => self.end_of_input(),
                    Poll::Ready(Ok(read)) => {
                        self.take_in(read);
                        if self.just_read == 1 && self.arrivals.is_empty() {
                            continue;
                        }
                    }
                    Poll::Ready(Err(error)) => {
                        self.input_is_open = false;
                        self.drain(Draining::Broken(ConnectionError::Read(Arc::new(error))));
                    }
                    Poll::Pending => {
                        // Frames trickle in. The handler that was woken by a single one wakes us when it sends; to wake
                        // ourselves would only keep a second worker thread busy.
                        self.just_read = 0;
                        return Poll::Pending;
                    }
                }
                break;
            }
        }
    }

    fn take_in(&mut self, read: usize) {
        let now = now();
        let limit = self.decoder.limit();
        let mut lines = self.decoder.feed(&self.buffer[..read]);
        while let Some(line) = lines.next() {
            let inbound = Inbound::read(line, limit);
            self.arrivals.extend(self.link.take_in(&inbound, now, &mut self.after));
            self.just_read += 1;
        }
        self.link.run(&mut self.after);
    }

    fn end_of_input(&mut self) {
        self.input_is_open = false;
        let limit = self.decoder.limit();
        let mut cut_off = None;
        match self.decoder.finish() {
            None => {}
            // Its beginning was reported when it became too long.
            Some(Frame::Whole(rest)) => {
                // As the daemon takes ours: a whole value without its newline counts.
                let inbound = Inbound::read(Frame::Whole(rest), limit);
                self.arrivals.extend(self.link.take_in(&inbound, now(), &mut self.after));
                if matches!(inbound, Inbound::Unreadable { .. }) && is_cut_off(rest) {
                    cut_off = Some(rest.len());
                }
            }
            Some(_) => cut_off = Some(limit),
        }
        self.link.run(&mut self.after);
        self.drain(match cut_off {
            Some(bytes) => Draining::Broken(ConnectionError::EndInsideFrame { bytes }),
            None => Draining::EndOfInput,
        });
    }

    fn drain(&mut self, cause: Draining) {
        self.link.with(|core, after| core.drain(cause, None, after));
    }

    /// Does what is due, and arranges to be woken for what is due next.
    fn poll_clocks(&mut self, cx: &mut Context<'_>) {
        if let Some((interval, alarm)) = &mut self.heartbeat {
            let interval = *interval;
            while let Some(due) = alarm.poll(cx) {
                self.transport.insert_heartbeat();
                *alarm = Alarm::at(later(due, interval).max(now()));
            }
        }
        while let Some(due) = self.link.quietly(|core| core.next_deadline()) {
            self.deadlines.bring_forward(due);
            if self.deadlines.poll(cx).is_none() {
                break;
            }
            self.link.with(|core, after| core.expire(now(), after));
        }
    }

    /// A handle to the connection's state; cheap to clone.
    pub fn handle(&self) -> Handle {
        Handle { link: self.link.clone() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.link.close(Ok(()));
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("stats", &self.handle().stats()).finish_non_exhaustive()
    }
}

/// A handle to a connection: its figures, its log, and its end.
#[derive(Clone)]
pub struct Handle {
    link: Arc<Link>,
}

impl Handle {
    /// What the connection holds now, and has dropped so far.
    pub fn stats(&self) -> Stats {
        self.link.quietly(|core| core.stats())
    }

    /// Takes no more requests and lets open sessions finish for
    /// [`Config::shutdown_grace`](crate::Config::shutdown_grace); those that have not by then are failed, and a second
    /// later the connection is over, whether or not the daemon has read all that was written. Called again, it can only
    /// shorten the time.
    pub fn shutdown(&self) {
        let grace = later(now(), self.link.config.shutdown_grace);
        self.link.with(|core, after| core.drain(Draining::Shutdown, Some(grace), after));
    }

    /// Sends a log record to the daemon, which writes it to its own log. Never waits: `false` says that it was dropped,
    /// because too much output is waiting.
    pub fn log(&self, log: &LogData) -> bool {
        self.link.log(log)
    }

    /// Waits until the connection is over, also while nobody polls it, and returns what
    /// [`accept`](Connection::accept) returns then. A dropped connection has ended orderly.
    ///
    /// Needs no particular runtime: a watchdog can wait on a thread of its own while handlers hold every worker. Cancel
    /// safe.
    ///
    /// # Errors
    ///
    /// If the connection broke.
    pub async fn closed(&self) -> Result<(), ConnectionError> {
        self.link.closed().await
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Whether a line is the beginning of a JSON value.
fn is_cut_off(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// One timer for any number of deadlines: it may ring early, and is then set anew.
#[derive(Default)]
struct Alarm {
    due: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn at(due: Instant) -> Self {
        Self { due: Some(due), sleep: None }
    }

    /// Sets it to `due`, unless it rings before that anyway.
    fn bring_forward(&mut self, due: Instant) {
        if self.due.is_none_or(|set| due < set) {
            self.due = Some(due);
            if let Some(sleep) = &mut self.sleep {
                sleep.as_mut().reset(due.into());
            }
        }
    }

    /// When it was set to, once that has passed; it is then unset.
    fn poll(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        let due = self.due?;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due.into())));
        if sleep.as_mut().poll(cx).is_pending() {
            return None;
        }
        self.sleep = None;
        self.due.take()
    }
}
