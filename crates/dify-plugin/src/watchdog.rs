//! Names handlers that hold a worker thread.
//!
//! A handler that computes, sleeps or reads a file without awaiting keeps its worker from all other sessions. Each poll
//! of a handler leaves its name and the time in its thread's slot; one thread for the whole process looks at the slots,
//! so that a handler that never comes back is named too. The thread sleeps while it sees no handler running.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Most handlers that are named. An endpoint is named with its path, of which there is no end.
const NAMED: usize = 100;

/// How long one poll may take before it is named.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the slots are looked at, and how long a poll may take before its worker counts as held. Other sessions may
/// have to wait that long for the driver to leave the worker.
const TICK: Duration = Duration::from_millis(20);
/// Looks without any handler running before the watchdog goes to sleep: at most some ten wake-ups a second, whatever the
/// load.
const IDLE_TICKS: u32 = 4;

static WATCHDOG: LazyLock<Watchdog> = LazyLock::new(Watchdog::default);

thread_local! {
    static SLOT: Arc<Slot> = WATCHDOG.new_slot();
}

/// What one worker thread is doing.
#[derive(Default)]
struct Slot {
    running: Mutex<Option<Running>>,
}

struct Running {
    handler: Arc<str>,
    since: Instant,
    told: bool,
}

impl Slot {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Watchdog {
    slots: Mutex<Vec<Arc<Slot>>>,
    asleep: AtomicBool,
    /// Whether some handler holds its worker.
    held: watch::Sender<bool>,
    thread: OnceLock<Thread>,
}

impl Watchdog {
    fn new_slot(&self) -> Arc<Slot> {
        let slot = Arc::new(Slot::default());
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).push(slot.clone());
        self.thread.get_or_init(|| {
            let started = std::thread::Builder::new()
                .name("watchdog".to_owned())
                .stack_size(128 * 1024)
                .spawn(|| WATCHDOG.watch());
            match started {
                Ok(thread) => thread.thread().clone(),
                Err(error) => {
                    tracing::warn!(%error, "handlers that block a worker won't be named: no thread for the watchdog");
                    std::thread::current()
                }
            }
        });
        slot
    }

    fn wake(&self) {
        // Pairs with the fence in `watch`: either we see it asleep, or it sees our slot.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed)
            && self.asleep.swap(false, Ordering::Relaxed)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    fn watch(&self) {
        let mut named = HashSet::new();
        let mut idle_ticks = 0;
        loop {
            idle_ticks = if self.look(&mut named) { 0 } else { idle_ticks + 1 };
            if idle_ticks < IDLE_TICKS {
                std::thread::park_timeout(TICK);
                continue;
            }
            self.asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            if !self.look(&mut named) {
                std::thread::park();
            }
            self.asleep.store(false, Ordering::Relaxed);
            idle_ticks = 0;
        }
    }

    /// Names those that run for too long, each handler once. Whether any handler runs.
    fn look(&self, named: &mut HashSet<Arc<str>>) -> bool {
        let (mut any, mut any_held) = (false, false);
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours alone: its thread has ended.
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        for slot in &*slots {
            let mut running = slot.running();
            let Some(running) = &mut *running else { continue };
            any = true;
            let held = running.since.elapsed();
            any_held |= held > TICK;
            if held > PATIENCE && !running.told {
                running.told = true;
                if named.len() < NAMED && named.insert(running.handler.clone()) {
                    tracing::warn!(
                        handler = &*running.handler,
                        "the handler has held a worker thread for over {} s and keeps it from other sessions; move what \
                         blocks into tokio::task::spawn_blocking, and await between steps of long work",
                        PATIENCE.as_secs()
                    );
                }
            }
        }
        self.held.send_if_modified(|held| std::mem::replace(held, any_held) != any_held);
        any
    }
}

/// Tells whether some handler has held its worker for a while.
pub(crate) fn held() -> watch::Receiver<bool> {
    WATCHDOG.held.subscribe()
}

/// A handler whose polls are watched.
pub(crate) struct Watched<F> {
    handler: Arc<str>,
    future: F,
}

impl<F> Watched<F> {
    pub(crate) fn new(handler: Arc<str>, future: F) -> Self {
        Self { handler, future }
    }
}

impl<F: Future + Unpin> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let _running = Mark::new(&self.handler);
        Pin::new(&mut self.future).poll(cx)
    }
}

/// Keeps the thread's slot filled while it lives.
struct Mark;

impl Mark {
    fn new(handler: &Arc<str>) -> Self {
        // Without a slot, in a thread that is ending, nothing is watched.
        let _ = SLOT.try_with(|slot| {
            *slot.running() = Some(Running { handler: handler.clone(), since: Instant::now(), told: false });
            WATCHDOG.wake();
        });
        Self
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = SLOT.try_with(|slot| *slot.running() = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_that_holds_its_thread_is_named_once() {
        let watchdog = Watchdog::default();
        let slot = Arc::new(Slot::default());
        watchdog.slots.lock().unwrap().push(slot.clone());
        let mut named = HashSet::new();
        assert!(!watchdog.look(&mut named), "nobody runs");

        let runs_since = |since| Some(Running { handler: "the tool a/b".into(), since, told: false });
        *slot.running() = runs_since(Instant::now());
        assert!(watchdog.look(&mut named) && named.is_empty(), "it may still be quick");
        assert!(!*watchdog.held.borrow());
        *slot.running() = runs_since(Instant::now().checked_sub(2 * PATIENCE).unwrap());
        assert!(watchdog.look(&mut named) && watchdog.look(&mut named));
        assert_eq!(named.len(), 1);
        assert!(*watchdog.held.borrow());

        drop(slot);
        assert!(!watchdog.look(&mut named), "its thread is gone");
        assert!(watchdog.slots.lock().unwrap().is_empty() && !*watchdog.held.borrow());
    }

    #[tokio::test]
    async fn a_poll_fills_its_threads_slot_and_leaves_it_empty() {
        let running = || SLOT.with(|slot| slot.running().as_ref().map(|running| running.handler.clone()));
        let seen =
            Watched::new("the tool a/b".into(), std::future::poll_fn(|_| Poll::Ready(running()))).await;
        assert_eq!(seen.as_deref(), Some("the tool a/b"));
        assert_eq!(running(), None);
    }
}
