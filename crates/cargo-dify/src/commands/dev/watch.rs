//! Hearing of files that are written.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use notify_debouncer_mini::notify::{self, RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer};
use tokio::sync::mpsc;

/// How long a file has to be left alone: an editor writes a file in several steps, and several files at once.
const QUIET: Duration = Duration::from_millis(100);

/// Watches folders; what is in the folders inside them is not heard of.
pub(crate) struct Watch {
    debouncer: Debouncer<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    heard: mpsc::UnboundedReceiver<Vec<PathBuf>>,
}

impl Watch {
    /// Errors where the system has no way to watch files, or no room for one more watcher.
    pub(crate) fn new() -> notify::Result<Self> {
        let (sender, heard) = mpsc::unbounded_channel();
        let debouncer = notify_debouncer_mini::new_debouncer(QUIET, move |heard: DebounceEventResult| {
            // After an error, such as too many events at once, anything may have been written.
            let paths = heard.map(|events| events.into_iter().map(|event| event.path).collect());
            let _ = sender.send(paths.unwrap_or_default());
        })?;
        Ok(Self { debouncer, watched: BTreeSet::new(), heard })
    }

    /// Watches these folders as well. One that can't be watched is left out.
    pub(crate) fn follow(&mut self, folders: BTreeSet<PathBuf>) {
        // One that was removed and made again is another one to the system.
        self.watched.retain(|folder| folder.is_dir());
        for folder in folders {
            if !self.watched.contains(&folder)
                && self.debouncer.watcher().watch(&folder, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(folder);
            }
        }
    }

    /// The files that were written since the last time, or only read; none if it could be any. Cancel safe.
    pub(crate) async fn heard(&mut self) -> Vec<PathBuf> {
        match self.heard.recv().await {
            Some(paths) => paths,
            None => std::future::pending().await,
        }
    }
}
