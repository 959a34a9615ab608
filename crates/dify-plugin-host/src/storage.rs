//! What a plugin keeps in Dify, kept in a folder (`internal/core/persistence/persistence.go`).

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin_protocol::InvokeType;
use futures_core::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Map, Value, json};

use crate::platform::{Platform, PlatformError, Reply, ReverseCall, one};

/// The most that the daemon keeps for one plugin in one workspace, in bytes (`internal/types/app/default.go`,
/// `PERSISTENCE_STORAGE_MAX_SIZE`).
const DAEMON_BYTES: u64 = 100 * 1024 * 1024;

/// The longest key that can be set, in bytes.
const KEY_BYTES: usize = 256;

/// A platform that keeps what a plugin stores, as files in a folder: one a value, with the key as its path.
///
/// Limits, errors and their texts are the daemon's, and so are its oddities: a value past the limit is refused *after* it was
/// written, `get` of a missing key is an error, and `deleted_num` tells whether a value had been read since it was set, not
/// whether there was one. Where it is not the daemon: a value that was refused counts from the next start on.
///
/// What is not of the kind `storage` is passed to the platform given with [`otherwise`](Self::otherwise). Clones share the
/// folder and the count of what is in it.
#[derive(Clone)]
#[must_use]
pub struct Storage {
    folder: Arc<Path>,
    limit: u64,
    state: Arc<Mutex<State>>,
    otherwise: Option<Arc<dyn Platform>>,
}

#[derive(Default)]
struct State {
    /// The bytes of all values as the daemon counts them, once they are known.
    bytes: Option<i64>,
    /// The keys that the daemon would have in its cache.
    cached: HashSet<String>,
}

impl Storage {
    /// Keeps values in `folder`, which is made when the first one is set.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into().into(), limit: DAEMON_BYTES, state: Arc::default(), otherwise: None }
    }

    /// Sets how much may be kept, in bytes: what the manifest says in `storage.size`. The daemon's own cap of 100 MiB stays.
    /// Default: that cap.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes.min(DAEMON_BYTES);
        self
    }

    /// Sets who answers what is not of the kind `storage`. Without one such a call is an error.
    pub fn otherwise(mut self, platform: impl Platform) -> Self {
        self.otherwise = Some(Arc::new(platform));
        self
    }

    /// Where the values are kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn act(&self, request: &Map<String, Value>) -> Result<Value, String> {
        let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
        let key = text("key");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match text("opt") {
            "get" => match self.load(key) {
                Ok(value) => {
                    state.cached.insert(key.to_owned());
                    Ok(json!({"data": const_hex::encode(value)}))
                }
                Err(_) => {
                    Err("load data failed, please check if the key is correct or you have not set it"
                        .to_owned())
                }
            },
            "set" => {
                let value =
                    decode_hex(text("value")).map_err(|error| format!("decode data failed: {error}"))?;
                self.save(&mut state, key, &value).map_err(|error| format!("save data failed: {error}"))?;
                Ok(json!({"data": "ok"}))
            }
            "del" => {
                let deleted =
                    self.delete(&mut state, key).map_err(|error| format!("delete data failed: {error}"))?;
                Ok(json!({"data": "ok", "deleted_num": u8::from(deleted)}))
            }
            // The host lets nothing else pass than these four.
            _ => {
                let path = self.path(key).map_err(|error| format!("exist data failed: {error}"))?;
                let exists = path.exists();
                Ok(json!({"data": exists, "exist_num": u8::from(exists)}))
            }
        }
    }

    fn load(&self, key: &str) -> Result<Vec<u8>, String> {
        let path = self.path(key)?;
        fs::read(&path).map_err(|error| failed("open", &path, &error))
    }

    fn save(&self, state: &mut State, key: &str, value: &[u8]) -> Result<(), String> {
        let path = self.path(key)?;
        if key.len() > KEY_BYTES {
            return Err("key length must be less than 256 characters".to_owned());
        }
        let kept = state.kept(&self.folder);
        let old = path.metadata().map_or(0, |about| size(about.len()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| failed("mkdir", parent, &error))?;
        }
        fs::write(&path, value).map_err(|error| failed("open", &path, &error))?;
        let sum = kept + size(value.len() as u64) - old;
        if sum > size(self.limit) {
            return Err("allocated size is greater than max storage size".to_owned());
        }
        state.bytes = Some(sum);
        state.cached.remove(key);
        Ok(())
    }

    fn delete(&self, state: &mut State, key: &str) -> Result<bool, String> {
        let path = self.path(key)?;
        let deleted = state.cached.remove(key);
        let kept = state.kept(&self.folder);
        let about = path.metadata().map_err(|error| failed("stat", &path, &error))?;
        let removed = if about.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.map_err(|error| failed("unlinkat", &path, &error))?;
        state.bytes = Some(kept - size(about.len()));
        Ok(deleted)
    }

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
            return match &self.otherwise {
                Some(platform) => platform.invoke(call),
                None => one(Err(PlatformError::Other(format!(
                    "a storage has no answer for a reverse invocation of type `{}`",
                    call.invoke_type
                )))),
            };
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

/// The bytes of all files below `folder`; what can't be read counts nothing.
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

/// A path as Go's `path.Clean` leaves it.
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

/// A failure of the file system as Go words it.
fn failed(what: &str, path: &Path, error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default().to_ascii_lowercase();
    format!("{what} {}: {text}", path.display())
}

/// Reads hex digits as Go does, with its errors.
fn decode_hex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| {
        let value = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        value.ok_or_else(|| {
            let printable = matches!(byte, 0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff);
            let shown = if printable { format!(" '{}'", char::from(byte)) } else { String::new() };
            format!("encoding/hex: invalid byte: U+{byte:04X}{shown}")
        })
    };
    let pairs = text.as_bytes().chunks_exact(2);
    let rest = pairs.remainder();
    let bytes =
        pairs.map(|pair| Ok(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Result<_, String>>()?;
    if let [last] = rest {
        digit(*last)?;
        return Err("encoding/hex: odd length hex string".to_owned());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_cleans_them() {
        // As path.Clean of Go 1.25 answers.
        for (path, cleaned) in [
            ("a", "a"),
            ("./a", "a"),
            ("a//b/./c/", "a/b/c"),
            ("a/..", "."),
            ("a/../../b", "../b"),
            ("../../a", "../../a"),
            ("/../a", "/a"),
            ("/", "/"),
            (".", "."),
            ("a..b", "a..b"),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
    }

    #[test]
    fn hex_is_read_as_go_reads_it() {
        assert_eq!(decode_hex("00fFA1"), Ok(vec![0, 255, 161]));
        assert_eq!(decode_hex(""), Ok(vec![]));
        for (text, error) in [
            ("0", "encoding/hex: odd length hex string"),
            ("0x00", "encoding/hex: invalid byte: U+0078 'x'"),
            ("00z", "encoding/hex: invalid byte: U+007A 'z'"),
            ("\n0", "encoding/hex: invalid byte: U+000A"),
            ("é", "encoding/hex: invalid byte: U+00C3 'Ã'"),
        ] {
            assert_eq!(decode_hex(text), Err(error.to_owned()), "{text}");
        }
    }
}
