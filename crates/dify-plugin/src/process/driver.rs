//! Where the driver of the connection runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use tokio::sync::watch;

/// Runs `driver` as a task of the runtime, and on the calling thread while a handler blocks a worker, as `is_blocked` tells.
///
/// As a task it is cheap: the worker that gets an event from the system reads the frame, runs the handler that this wakes
/// and writes what the handler sends, and no other thread is woken. But that worker is then the only one that waits for
/// events, and a task that a handler wakes is queued behind the handler where no other worker can steal it. So if the
/// handler blocks, the calling thread drives until it yields.
pub(super) async fn drive<T: Send + 'static>(
    driver: impl Future<Output = T> + Send + 'static,
    mut is_blocked: watch::Receiver<bool>,
) -> T {
    let driver = Arc::new(Driver(Mutex::new(Turns { turn: 0, future: Box::pin(driver), end: None })));
    loop {
        let mut task = tokio::spawn(driver.clone().take_turn());
        tokio::select! {
            // It is not aborted while it is awaited, so an error is a panic.
            end = &mut task => if let Err(error) = end {
                std::panic::resume_unwind(error.into_panic());
            },
            _ = is_blocked.wait_for(|is| *is) => {}
        }
        let turn = driver.clone().take_turn();
        // The task may be queued behind the handler for long. Its turn is over, so it cannot touch the driver any more.
        task.abort();
        // A task that comes from outside the workers unparks one of them, which then waits for events.
        tokio::spawn(async {});
        tokio::select! {
            () = turn => {}
            _ = is_blocked.wait_for(|is| !*is) => {}
        }
        // Either turn may have reached the end, also just as the other one was taken.
        if let Some(end) = driver.lock().end.take() {
            return end;
        }
    }
}

/// A future that is polled in one place at a time: where the last turn was taken.
struct Driver<T>(Mutex<Turns<T>>);

struct Turns<T> {
    turn: u64,
    future: Pin<Box<dyn Future<Output = T> + Send>>,
    /// What the future has returned. It is not polled again after that.
    end: Option<T>,
}

impl<T> Driver<T> {
    fn lock(&self) -> MutexGuard<'_, Turns<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the future until it ends, or until another turn is taken. The turn begins with this call, not with the first
    /// poll.
    fn take_turn(self: Arc<Self>) -> impl Future<Output = ()> {
        let turn = {
            let mut turns = self.lock();
            turns.turn += 1;
            turns.turn
        };
        poll_fn(move |cx| {
            let mut turns = self.lock();
            if turns.turn != turn || turns.end.is_some() {
                return Poll::Ready(());
            }
            turns.future.as_mut().poll(cx).map(|end| turns.end = Some(end))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn while_a_worker_is_blocked_the_calling_thread_drives_and_then_gives_the_driver_back() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (blocked, is_blocked) = watch::channel(false);
        let (let_go, hold) = mpsc::channel::<()>();
        let (free, is_free) = oneshot::channel();
        let places = runtime.block_on(async move {
            let (blocking, is_blocking) = oneshot::channel();
            tokio::spawn(async move {
                blocking.send(()).unwrap();
                hold.recv().unwrap();
                free.send(()).unwrap();
            });
            is_blocking.await.unwrap();
            blocked.send(true).unwrap();
            let driver = async move {
                let while_blocked = thread::current().id();
                let_go.send(()).unwrap();
                is_free.await.unwrap();
                blocked.send(false).unwrap();
                while thread::current().id() == while_blocked {
                    tokio::task::yield_now().await;
                }
                (while_blocked, thread::current().id())
            };
            drive(driver, is_blocked).await
        });
        assert_eq!(places.0, thread::current().id());
        assert_ne!(places.1, thread::current().id());
    }
}
