//! A plugin's storage, in a folder (`internal/core/persistence/persistence.go`).

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin_protocol::InvokeType;
use dify_plugin_protocol::hex::{decode_hex, encode_hex};
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value, json};

use crate::platform::{Platform, PlatformError, Reply, ReverseCall, one};

/// The most that the daemon keeps for one plugin in one workspace, in bytes (`internal/types/app/default.go`,
/// `PERSISTENCE_STORAGE_MAX_SIZE`).
const DAEMON_BYTES: u64 = 100 * 1024 * 1024;

/// The longest key that can be set, in bytes.
const KEY_BYTES: usize = 256;

/// A platform that keeps a plugin's stored values as files in a folder, with the key as the path.
///
/// It answers calls of type `storage` and refuses all others; combine it with other platforms in a
/// [`Router`](crate::Router). Clones share the folder and the count of its bytes.
///
/// It decides as the daemon does, even where that is surprising: a value over the limit is refused *after* it was written,
/// `get` of a missing key is an error, and `deleted_num` says whether the value had been read since it was set, not whether it
/// existed. Unlike at the daemon, a refused value counts from the next start on.
#[derive(Clone)]
#[must_use]
pub struct Storage {
    folder: Arc<Path>,
    limit: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The bytes of all values as the daemon counts them. `None` until they are counted.
    bytes: Option<i64>,
    /// The keys that the daemon would have in its cache.
    cached: HashSet<String>,
}

impl Storage {
    /// Creates a storage in `folder`, which is created when the first value is set.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into(), limit: DAEMON_BYTES, state: Arc::default() }
    }

    /// Sets how much may be kept, in bytes: `resource.permission.storage.size` of the manifest. The daemon's own limit of
    /// 100 MiB, which is the default, cannot be raised.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes.min(DAEMON_BYTES);
        self
    }

    /// Returns where the values are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn act(&self, request: &Map<String, Value>) -> Result<Value, String> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = text("key");
        let path = self.path(key)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match text("opt") {
            "get" => {
                let value = fs::read(&path).map_err(|error| {
                    format!(
                        "load data failed, please check if the key is correct or you have not set it: {error}"
                    )
                })?;
                state.cached.insert(key.to_owned());
                Ok(json!({"data": encode_hex(&value)}))
            }
            "set" => {
                let value =
                    decode_hex(text("value")).map_err(|error| format!("decode data failed: {error}"))?;
                self.save(&mut state, key, &path, &value)
                    .map_err(|error| format!("save data failed: {error}"))?;
                Ok(json!({"data": "ok"}))
            }
            "del" => {
                let deleted = state.cached.remove(key);
                self.delete(&mut state, &path).map_err(|error| format!("delete data failed: {error}"))?;
                Ok(json!({"data": "ok", "deleted_num": u8::from(deleted)}))
            }
            // `exist`: the host has refused everything else.
            _ => {
                let exists = path.exists();
                Ok(json!({"data": exists, "exist_num": u8::from(exists)}))
            }
        }
    }

    fn save(&self, state: &mut State, key: &str, path: &Path, value: &[u8]) -> Result<(), String> {
        if key.len() > KEY_BYTES {
            return Err(format!("the key is longer than {KEY_BYTES} bytes"));
        }
        let kept = state.kept(&self.folder);
        let old = path.metadata().map_or(0, |about| size(about.len()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| error.to_string())?;
        }
        fs::write(path, value).map_err(|error| error.to_string())?;
        let sum = kept + size(value.len() as u64) - old;
        if sum > size(self.limit) {
            return Err("allocated size is greater than max storage size".to_owned());
        }
        state.bytes = Some(sum);
        state.cached.remove(key);
        Ok(())
    }

    fn delete(&self, state: &mut State, path: &Path) -> std::io::Result<()> {
        let kept = state.kept(&self.folder);
        let about = path.metadata()?;
        if about.is_dir() {
            fs::remove_dir_all(path)?
        } else {
            fs::remove_file(path)?
        }
        state.bytes = Some(kept - size(about.len()));
        Ok(())
    }

    /// Refuses a key that leads out of the folder.
    fn path(&self, key: &str) -> Result<PathBuf, String> {
        let key = clean(key);
        if key.contains("..") || key.contains("//") || key.contains('\\') {
            return Err("invalid key: path traversal attempt detected".to_owned());
        }
        Ok(self.folder.join(key.trim_start_matches('/')))
    }
}

impl State {
    fn kept(&mut self, folder: &Path) -> i64 {
        *self.bytes.get_or_insert_with(|| bytes_below(folder))
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("folder", &self.folder)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Platform for Storage {
    fn invoke(&self, call: ReverseCall) -> BoxStream<'static, Result<Reply, PlatformError>> {
        if call.invoke_type != InvokeType::Storage {
            return one(Err(PlatformError::unhandled("the storage", &call)));
        }
        let storage = self.clone();
        let done = tokio::task::spawn_blocking(move || storage.act(&call.request));
        let answer = async move {
            let done = done.await.unwrap_or_else(|_| Err("the storage panicked".to_owned()));
            done.map(Reply::from).map_err(PlatformError::Other)
        };
        answer.into_stream().boxed()
    }
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Returns the bytes of all files below `folder`. Unreadable ones are not counted.
fn bytes_below(folder: &Path) -> i64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => bytes += size(about.len()),
                Err(_) => {}
            }
        }
    }
    bytes
}

/// Normalizes a path as Go's `path.Clean` does.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}
