//! Pipes served by separate threads, so that neither a test nor its plugin blocks on them.

use std::io::{Read, Write};
use std::process::{ChildStderr, ChildStdin};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

/// A plugin's stdin; closed once it is dropped and everything is written.
#[derive(Debug)]
pub(crate) struct Input {
    pieces: mpsc::Sender<Vec<u8>>,
}

impl Input {
    pub(crate) fn start(mut pipe: ChildStdin) -> Self {
        let (sender, pieces) = mpsc::channel::<Vec<u8>>();
        thread::spawn(move || {
            for piece in pieces {
                if pipe.write_all(&piece).is_err() {
                    break;
                }
            }
        });
        Self { pieces: sender }
    }

    pub(crate) fn write(&self, bytes: Vec<u8>) {
        // A plugin that has ended reads nothing more; the test finds out from its output.
        let _ = self.pieces.send(bytes);
    }
}

/// What a plugin writes to stderr, read by a separate thread so that the plugin never blocks on it.
#[derive(Debug)]
pub(crate) struct Stderr {
    state: Arc<(Mutex<Text>, Condvar)>,
    reader: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stderr {
    pub(crate) fn start(mut pipe: ChildStderr) -> Self {
        let state = Arc::new((Mutex::new(Text::default()), Condvar::new()));
        let shared = state.clone();
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let read = pipe.read(&mut buffer).unwrap_or(0);
                let mut text = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.bytes.extend_from_slice(&buffer[..read]);
                text.ended = read == 0;
                shared.1.notify_all();
                if text.ended {
                    break;
                }
            }
        });
        Self { state, reader: Some(reader) }
    }

    pub(crate) fn text(&self) -> String {
        let text = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text.bytes).into_owned()
    }

    pub(crate) fn wait_for(&self, wanted: &str) {
        let mut text = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !String::from_utf8_lossy(&text.bytes).contains(wanted) {
            assert!(
                !text.ended,
                "`{wanted}` is not in its stderr:\n{}",
                String::from_utf8_lossy(&text.bytes)
            );
            text = self.state.1.wait(text).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading stderr doesn't panic");
        }
        self.text()
    }
}
