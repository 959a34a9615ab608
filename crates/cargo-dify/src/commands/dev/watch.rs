//! Notifications about changed files.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use notify_debouncer_mini::notify::{self, RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer};
use tokio::sync::mpsc;

/// How long nothing must change before a notification: editors write a file in several steps, and several files at once.
const QUIET: Duration = Duration::from_millis(100);

/// Watches folders, without the folders inside them.
pub(crate) struct Watch {
    debouncer: Debouncer<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    events: mpsc::UnboundedReceiver<Vec<PathBuf>>,
}

impl Watch {
    /// # Errors
    ///
    /// Fails if the system can't watch files, or allows no more watchers.
    pub(crate) fn new() -> notify::Result<Self> {
        let (sender, events) = mpsc::unbounded_channel();
        let debouncer = notify_debouncer_mini::new_debouncer(QUIET, move |result: DebounceEventResult| {
            // After an error, such as too many events at once, any file may have changed.
            let paths = result.map(|events| events.into_iter().map(|event| event.path).collect());
            let _ = sender.send(paths.unwrap_or_default());
        })?;
        Ok(Self { debouncer, watched: BTreeSet::new(), events })
    }

    /// Also watches these folders. Folders that can't be watched are skipped.
    pub(crate) fn follow(&mut self, folders: BTreeSet<PathBuf>) {
        // A folder that was removed and created again has to be watched again.
        self.watched.retain(|folder| folder.is_dir());
        for folder in folders {
            if !self.watched.contains(&folder)
                && self.debouncer.watcher().watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder);
            }
        }
    }

    /// Waits for files that may have changed; an empty list stands for any file. Cancel safe.
    pub(crate) async fn changed(&mut self) -> Vec<PathBuf> {
        match self.events.recv().await {
            Some(paths) => paths,
            None => std::future::pending().await,
        }
    }
}
