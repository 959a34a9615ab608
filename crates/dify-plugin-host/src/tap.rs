//! A copy of every frame between the host and the plugin, for recorders and inspectors.

mod http;
mod json;
mod redact;
mod secret;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

/// Default of [`Tap::frame_bytes`].
const FRAME_BYTES: usize = 64 * 1024;

/// The most that waits for the reader of a tap, in bytes of memory.
const QUEUE_BYTES: usize = 16 * 1024 * 1024;

/// Copies every frame, in both directions, to a [`TappedFrames`]. Set it as [`HostConfig::tap`](crate::HostConfig::tap);
/// without one nothing is copied.
///
/// A tap never makes the host wait. The host copies at most [`frame_bytes`](Self::frame_bytes) of a frame and queues the
/// copy; if 16 MiB already wait to be read, the copy is dropped and [counted](TappedFrame::missed) instead.
///
/// Secrets are redacted before the copy is queued:
///
/// - in JSON, at any depth, the values of `credentials` and `settings`, and of keys named as an API, private, access,
///   signing, encryption, subscription, function, app or master key, or as a secret, token, password, cookie or
///   authorization;
/// - in the HTTP request of an endpoint, the headers, query parameters and body fields with such names or with any name that
///   ends in `key` or `signature`, and a multipart body as a whole;
/// - the bytes that a plugin stores.
///
/// What a plugin writes into a text, a log message or a frame that is not JSON is not redacted.
///
/// Clones share one queue, so that a plugin that is started again can be observed as one sequence of frames.
///
/// ```
/// use dify_plugin_host::{HostConfig, Tap};
///
/// let (tap, mut frames) = Tap::new();
/// let mut config = HostConfig::default();
/// config.tap = Some(tap);
/// tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
///     // Start a host with this configuration, then:
///     # drop(config);
///     while let Some(frame) = frames.recv().await {
///         println!("{:?} {}", frame.direction, frame.text);
///     }
/// });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Tap {
    sender: mpsc::UnboundedSender<TappedFrame>,
    queue: Arc<Queue>,
    frame_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// Bytes of memory that the waiting frames take.
    bytes: AtomicUsize,
    /// Frames that were dropped since the last one that was queued.
    missed: AtomicU64,
}

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// From the host to the plugin's stdin.
    ToPlugin,
    /// From the plugin's stdout to the host.
    FromPlugin,
}

/// A frame that a [`Tap`] observed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TappedFrame {
    /// Which way it went.
    pub direction: Direction,
    /// When the host read it, or passed it to stdin.
    pub at: Instant,
    /// Its text without the newline and with its secrets redacted. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub text: String,
    /// Whether `text` is only the beginning, because of [`Tap::frame_bytes`] or because the frame was too long for the host.
    pub truncated: bool,
    /// The length of the frame as it was on the pipe, in bytes without the newline. Of a frame that was too long for the
    /// host only the part that was kept.
    pub length: usize,
    /// How many frames before this one were dropped because the queue was full.
    pub missed: u64,
}

impl Tap {
    /// Creates a tap and the receiver of its frames.
    pub fn new() -> (Self, TappedFrames) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Arc::<Queue>::default();
        (
            Self { sender, queue: Arc::clone(&queue), frame_bytes: FRAME_BYTES },
            TappedFrames { receiver, queue },
        )
    }

    /// Sets how much of one frame is kept, in bytes of its redacted text. Default: 64 KiB.
    ///
    /// This also bounds the time that a tap takes from the host: beyond this length a frame is only checked for UTF-8 and
    /// searched for one word, apart from secrets that are skipped.
    pub fn frame_bytes(mut self, bytes: usize) -> Self {
        self.frame_bytes = bytes;
        self
    }

    /// Copies one frame. `cut_off` says that the frame itself goes on.
    pub(crate) fn observe(&self, direction: Direction, frame: &[u8], cut_off: bool) {
        if self.sender.is_closed() {
            return;
        }
        let (mut text, truncated) = redact::frame(
            direction == Direction::ToPlugin,
            &String::from_utf8_lossy(frame),
            self.frame_bytes,
        );
        // Redaction can leave little of a long frame.
        text.shrink_to_fit();
        let bytes = held_bytes(&text);
        let before = self.queue.bytes.fetch_add(bytes, Ordering::Relaxed);
        // One frame always fits an empty queue.
        if before > 0 && before + bytes > QUEUE_BYTES {
            self.queue.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.queue.missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let missed = self.queue.missed.swap(0, Ordering::Relaxed);
        let frame = TappedFrame {
            direction,
            at: Instant::now(),
            text,
            truncated: truncated || cut_off,
            length: frame.len(),
            missed,
        };
        // A reader that was dropped in between needs no frames.
        let _ = self.sender.send(frame);
    }
}

/// What a queued frame takes of the memory, also one without text.
fn held_bytes(text: &str) -> usize {
    text.len() + size_of::<TappedFrame>()
}

/// The frames that a [`Tap`] observed, in the order in which the host handled them.
#[derive(Debug)]
pub struct TappedFrames {
    receiver: mpsc::UnboundedReceiver<TappedFrame>,
    queue: Arc<Queue>,
}

impl TappedFrames {
    /// Receives the next frame, or `None` once every clone of the tap was dropped, which a host does some time after its
    /// plugin exited.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe: no frame is lost.
    pub async fn recv(&mut self) -> Option<TappedFrame> {
        let frame = self.receiver.recv().await?;
        self.queue.bytes.fetch_sub(held_bytes(&frame.text), Ordering::Relaxed);
        Some(frame)
    }
}
