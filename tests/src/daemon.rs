//! The far end of a plugin's pipes.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::ChildStdout;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::pipes::{Input, Stderr};
use crate::process::Process;

/// A plugin as its daemon sees it: lines in, lines out.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    input: Option<Input>,
    output: Option<BufReader<ChildStdout>>,
    stderr: Stderr,
    /// Messages that were read while waiting for those of another session.
    set_aside: HashMap<String, VecDeque<Value>>,
    heartbeats: usize,
    logs: Vec<Value>,
}

impl Daemon {
    pub(crate) fn new(process: Process, input: Input, output: ChildStdout, stderr: Stderr) -> Self {
        Self {
            process,
            input: Some(input),
            output: Some(BufReader::new(output)),
            stderr,
            set_aside: HashMap::new(),
            heartbeats: 0,
            logs: Vec::new(),
        }
    }

    /// Writes bytes unchanged. Never waits for the plugin, because a separate thread writes.
    ///
    /// # Panics
    ///
    /// Panics after [`close_input`](Self::close_input).
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) {
        self.input.as_ref().expect("the plugin's input is open").write(bytes.into());
    }

    /// Writes a line.
    pub fn line(&mut self, line: impl Into<String>) {
        let mut line = line.into();
        line.push('\n');
        self.write(line);
    }

    /// Closes the plugin's input once everything is written.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Stops reading the plugin's output, as if the daemon had died.
    pub fn close_output(&mut self) {
        self.output = None;
    }

    /// Returns the next frame unchanged, without its newline, or `None` at the end of the output.
    ///
    /// # Panics
    ///
    /// Panics if the output ends in the middle of a line, or is not UTF-8.
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

    /// Returns the next message of any kind, or `None` at the end of the output. Skips blank lines and the manifest that
    /// the official SDK prints first.
    ///
    /// # Panics
    ///
    /// Panics if a frame is not a JSON object.
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

    /// Returns the next message that is neither a heartbeat nor a log. Heartbeats are counted, and logs are kept.
    ///
    /// # Panics
    ///
    /// Panics if the output ends.
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

    /// Returns the next message of the session, as `type` and `data`. Messages of other sessions are kept for later.
    ///
    /// # Panics
    ///
    /// Panics if the output ends, or an `error` event comes.
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

    /// Returns the messages of the session before its `end`.
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

    /// Returns the `data` of the `error`, which must be the session's only message before its `end`.
    pub fn failure(&mut self, session: &str) -> Value {
        let mut messages = self.until_end(session);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["type"], "error", "{messages:?}");
        messages[0]["data"].take()
    }

    /// Returns the id of the session's next reverse call.
    pub fn call(&mut self, session: &str) -> String {
        let message = self.session_message(session);
        assert_eq!(message["type"], "invoke", "{message}");
        message["data"]["backwards_request_id"].as_str().expect("a call has an id").to_owned()
    }

    /// Returns the text of the next `error` event, which belongs to no session.
    pub fn error_event(&mut self) -> String {
        let message = self.next_message();
        assert_eq!((&message["event"], &message["session_id"]), (&"error".into(), &Value::Null), "{message}");
        message["data"]["error"].as_str().expect("an `error` event has a text").to_owned()
    }

    /// Reads until this many more heartbeats have arrived; only logs may arrive between them.
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

    /// Returns the number of heartbeats seen so far.
    pub fn heartbeats(&self) -> usize {
        self.heartbeats
    }

    /// Returns the `data` of the `log` events seen so far.
    pub fn logs(&self) -> &[Value] {
        &self.logs
    }

    /// Waits until the plugin's stderr contains `text`.
    ///
    /// # Panics
    ///
    /// Panics if stderr ends without it.
    pub fn await_stderr(&self, text: &str) {
        self.stderr.wait_for(text);
    }

    /// Returns the id of the process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends the process a signal.
    ///
    /// # Panics
    ///
    /// Panics if the process has ended.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Returns a figure of `/proc/<pid>/status` in KiB, such as `VmRSS`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such figure.
    #[cfg(target_os = "linux")]
    pub fn memory_kib(&self, name: &str) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the plugin lives");
        let line = status.lines().find(|line| line.starts_with(name)).expect("there is such a figure");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("it is a number")
    }

    /// Returns the CPU time of all its threads so far.
    ///
    /// # Panics
    ///
    /// Panics if the plugin has ended.
    #[cfg(target_os = "linux")]
    pub fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the plugin lives");
        let nanoseconds = tasks
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
            .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
            .sum();
        Duration::from_nanos(nanoseconds)
    }

    /// Closes the input, waits for the process to end by itself, and returns what was not read before.
    ///
    /// # Panics
    ///
    /// Panics if it has to be killed.
    pub fn exit(mut self) -> Exit {
        self.close_input();
        self.exit_by_itself()
    }

    /// Does the same as [`exit`](Self::exit) but leaves the input open, for a process that ends for another reason.
    ///
    /// # Panics
    ///
    /// Panics if it has to be killed.
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
        let status = self.process.wait();
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
    /// The unread messages, except heartbeats and logs.
    pub rest: Vec<Value>,
    /// Everything that it wrote to stderr.
    pub stderr: String,
}

impl Exit {
    /// Asserts that it ended with this code and that no message was left unread.
    ///
    /// # Panics
    ///
    /// Panics if it did not.
    pub fn assert_quiet(&self, code: i32) {
        assert_eq!((self.code, &*self.rest), (Some(code), &[][..]), "its stderr:\n{}", self.stderr);
    }
}
