//! The far end of a plugin's pipes.

use std::collections::{HashMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde_json::Value;

/// How long a plugin may live before it is killed, so that a hang becomes a failure. No test depends on it otherwise.
const LIMIT: Duration = Duration::from_secs(300);

/// How to start a plugin.
#[derive(Debug)]
#[must_use]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
}

impl Launch {
    /// Starts `program`, in the temporary folder unless told otherwise, with `INSTALL_METHOD=local` and nothing of the
    /// caller's settings.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: std::env::temp_dir(),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Sets the working directory.
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The command, its streams not yet chosen: for a plugin without pipes.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.folder).env_clear();
        for name in ["PATH", "HOME", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("INSTALL_METHOD", "local")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        // A group of its own, so that what it starts is killed with it.
        command.process_group(0);
        command
    }

    /// Starts it with three pipes, as the daemon does.
    ///
    /// # Panics
    ///
    /// If it can't be started.
    pub fn start(&self) -> Daemon {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", self.program.display()));
        let input = start_writing(child.stdin.take().expect("stdin is a pipe"));
        let output = child.stdout.take().expect("stdout is a pipe");
        let stderr = Stderr::start(child.stderr.take().expect("stderr is a pipe"));
        let process = Process { _alarm: Alarm::set(&child), child };
        Daemon {
            process,
            input: Some(input),
            output: Some(BufReader::new(output)),
            stderr,
            set_aside: HashMap::new(),
            heartbeats: 0,
            logs: Vec::new(),
        }
    }
}

/// A plugin as its daemon sees it: lines in, lines out.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    input: Option<mpsc::Sender<Vec<u8>>>,
    output: Option<BufReader<ChildStdout>>,
    stderr: Stderr,
    /// Messages of sessions that were read while those of another were asked for.
    set_aside: HashMap<String, VecDeque<Value>>,
    heartbeats: usize,
    logs: Vec<Value>,
}

impl Daemon {
    /// Writes bytes as they are. Never waits for the plugin: a thread of its own writes.
    ///
    /// # Panics
    ///
    /// After [`close_input`](Self::close_input).
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) {
        let input = self.input.as_ref().expect("the plugin's input is open");
        // A plugin that has ended reads nothing more; the test finds out from its output.
        let _ = input.send(bytes.into());
    }

    /// Writes a line.
    pub fn line(&mut self, line: impl Into<String>) {
        let mut line = line.into();
        line.push('\n');
        self.write(line);
    }

    /// Closes the plugin's input once all is written.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Stops reading the plugin's output, as a daemon that died.
    pub fn close_output(&mut self) {
        self.output = None;
    }

    /// The next line as it stands, without its newline; `None` at the end of the output.
    ///
    /// # Panics
    ///
    /// If the output ends in the middle of a line, or is not UTF-8.
    pub fn raw_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        let output = self.output.as_mut().expect("the plugin's output is open");
        output.read_until(b'\n', &mut line).expect("the plugin's output can be read");
        if line.is_empty() {
            return None;
        }
        assert_eq!(line.pop(), Some(b'\n'), "the output ended inside of a line: {}", line.escape_ascii());
        Some(String::from_utf8(line).expect("the output is UTF-8"))
    }

    /// The next message, whatever it is; `None` at the end of the output. Blank lines are passed over, and so is the
    /// manifest that the official SDK prints first.
    ///
    /// # Panics
    ///
    /// If a line is no JSON object.
    pub fn message(&mut self) -> Option<Value> {
        loop {
            let line = self.raw_line()?;
            if line.is_empty() {
                continue;
            }
            let value: Value = serde_json::from_str(&line)
                .unwrap_or_else(|error| panic!("{error} in the plugin's output: {line}"));
            if value["event"].is_null() && value["type"] == "plugin" {
                continue;
            }
            assert!(value["event"].is_string(), "a line without an event: {line}");
            return Some(value);
        }
    }

    /// The next message that is neither a heartbeat nor a log; those are counted and kept.
    ///
    /// # Panics
    ///
    /// If the output ends.
    pub fn next_message(&mut self) -> Value {
        self.next_or_end()
            .unwrap_or_else(|| panic!("the plugin's output ended; its stderr:\n{}", self.stderr.text()))
    }

    fn next_or_end(&mut self) -> Option<Value> {
        loop {
            let message = self.message()?;
            match message["event"].as_str() {
                Some("heartbeat") => self.heartbeats += 1,
                Some("log") => self.logs.push(message["data"].clone()),
                _ => return Some(message),
            }
        }
    }

    /// The next message of the session, as `type` and `data`. Those of other sessions are set aside for their turn.
    ///
    /// # Panics
    ///
    /// If the output ends, or an `error` event comes.
    pub fn session_message(&mut self, session: &str) -> Value {
        if let Some(message) = self.set_aside.get_mut(session).and_then(VecDeque::pop_front) {
            return message;
        }
        loop {
            let mut message = self.next_message();
            assert_eq!(message["event"], "session", "{message}");
            let data = message["data"].take();
            match message["session_id"].as_str() {
                Some(id) if id == session => return data,
                Some(id) => self.set_aside.entry(id.to_owned()).or_default().push_back(data),
                None => panic!("a session message without its session: {message}"),
            }
        }
    }

    /// The messages of the session up to its `end`, which is left out.
    pub fn until_end(&mut self, session: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.session_message(session);
            if message["type"] == "end" {
                return messages;
            }
            messages.push(message);
        }
    }

    /// The `data` of the `error` that is all the session says before its `end`.
    pub fn failure(&mut self, session: &str) -> Value {
        let mut messages = self.until_end(session);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["type"], "error", "{messages:?}");
        messages[0]["data"].take()
    }

    /// The id of the reverse call that the session makes next.
    pub fn call(&mut self, session: &str) -> String {
        let message = self.session_message(session);
        assert_eq!(message["type"], "invoke", "{message}");
        message["data"]["backwards_request_id"].as_str().expect("a call has an id").to_owned()
    }

    /// The text of the `error` event that comes next, which belongs to no session.
    pub fn error_event(&mut self) -> String {
        let message = self.next_message();
        assert_eq!((&message["event"], &message["session_id"]), (&"error".into(), &Value::Null), "{message}");
        message["data"]["error"].as_str().expect("an `error` event has a text").to_owned()
    }

    /// Reads on until so many more heartbeats have come; nothing but logs may come between.
    pub fn await_heartbeats(&mut self, count: usize) {
        for _ in 0..count {
            loop {
                let message = self.message().expect("the plugin lives");
                match message["event"].as_str() {
                    Some("heartbeat") => break,
                    Some("log") => self.logs.push(message["data"].clone()),
                    _ => panic!("{message}"),
                }
            }
            self.heartbeats += 1;
        }
    }

    /// Heartbeats seen so far.
    pub fn heartbeats(&self) -> usize {
        self.heartbeats
    }

    /// The `data` of the `log` lines seen so far.
    pub fn logs(&self) -> &[Value] {
        &self.logs
    }

    /// Waits until the plugin's stderr holds `text`.
    ///
    /// # Panics
    ///
    /// If it ends without.
    pub fn await_stderr(&self, text: &str) {
        self.stderr.wait_for(text);
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Sends the process a signal.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(pid(&self.process.child), signal).expect("the plugin lives");
    }

    /// A figure of `/proc/<pid>/status` in KiB, such as `VmRSS`.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[cfg(target_os = "linux")]
    pub fn memory_kib(&self, name: &str) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the plugin lives");
        let line = status.lines().find(|line| line.starts_with(name)).expect("there is such a figure");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("it is a number")
    }

    /// CPU time of all its threads so far.
    ///
    /// # Panics
    ///
    /// If the plugin is gone.
    #[cfg(target_os = "linux")]
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the plugin lives");
        let nanoseconds = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
            .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
            .sum();
        Duration::from_nanos(nanoseconds)
    }

    /// Waits for the process to end by itself, its input closed, and gives what was not read before.
    ///
    /// # Panics
    ///
    /// If it has to be killed.
    pub fn exit(mut self) -> Exit {
        self.close_input();
        self.exit_by_itself()
    }

    /// As [`exit`](Self::exit), the input left open: it has another reason to end.
    ///
    /// # Panics
    ///
    /// If it has to be killed.
    pub fn exit_by_itself(mut self) -> Exit {
        let mut rest = Vec::new();
        if self.output.is_some() {
            while let Some(message) = self.next_or_end() {
                rest.push(message);
            }
        }
        for (session, messages) in std::mem::take(&mut self.set_aside) {
            rest.extend(
                messages.into_iter().map(|data| serde_json::json!({"session_id": session, "data": data})),
            );
        }
        let status = self.process.child.wait().expect("the plugin is our child");
        let stderr = self.stderr.finish();
        assert_ne!(
            status.signal(),
            Some(Signal::KILL.as_raw()),
            "the plugin did not end; its stderr:\n{stderr}"
        );
        Exit { code: status.code(), rest, stderr }
    }
}

/// How a plugin ended.
#[derive(Debug)]
pub struct Exit {
    /// The exit code, or `None` if a signal ended it.
    pub code: Option<i32>,
    /// Messages that nobody had read, heartbeats and logs left out.
    pub rest: Vec<Value>,
    /// All it wrote to stderr.
    pub stderr: String,
}

impl Exit {
    /// Asserts that it ended with this code and had nothing more to say.
    ///
    /// # Panics
    ///
    /// If not.
    pub fn assert_quiet(&self, code: i32) {
        assert_eq!((self.code, &*self.rest), (Some(code), &[][..]), "its stderr:\n{}", self.stderr);
    }
}

fn start_writing(mut stdin: ChildStdin) -> mpsc::Sender<Vec<u8>> {
    let (sender, pieces) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for piece in pieces {
            if stdin.write_all(&piece).is_err() {
                break;
            }
        }
    });
    sender
}

/// A process that doesn't outlive its test.
struct Process {
    child: Child,
    _alarm: Alarm,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Before it is reaped, while its id can't be another's.
        if let Ok(None) = self.child.try_wait() {
            kill_group(pid(&self.child));
        }
        let _ = self.child.wait();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Process({})", self.child.id())
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process id is not zero")
}

fn kill_group(group: Pid) {
    // It may have ended just now.
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
}

/// Kills a process that lives too long, unless dropped before.
struct Alarm {
    _stop: mpsc::Sender<()>,
}

impl Alarm {
    fn set(child: &Child) -> Self {
        let group = pid(child);
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            if stopped.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
                kill_group(group);
            }
        });
        Self { _stop: stop }
    }
}

/// What a plugin writes to stderr, read by a thread of its own so that it never waits for us.
#[derive(Debug)]
struct Stderr {
    state: Arc<(Mutex<Text>, Condvar)>,
    reader: Option<thread::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stderr {
    fn start(mut pipe: ChildStderr) -> Self {
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

    fn text(&self) -> String {
        let text = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text.bytes).into_owned()
    }

    fn wait_for(&self, wanted: &str) {
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

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading stderr doesn't panic");
        }
        self.text()
    }
}
