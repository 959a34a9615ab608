//! A test that starts itself again as a plugin process.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, ExitCode, Stdio};

use dify_plugin::Plugin;
use serde_json::{Value, json};

use crate::daemon::invoke;

/// Tells a test that it is the child.
const IS_CHILD: &str = "DIFY_PLUGIN_TEST_CHILD";

/// Returns the command that starts `test` again as a process in which `plugin` runs. In that process it never returns.
pub(crate) fn command(test: &str, plugin: fn() -> Plugin) -> Command {
    if std::env::var_os(IS_CHILD).is_some() {
        let code = plugin().run();
        let code = (0..=u8::MAX).find(|known| ExitCode::from(*known) == code).unwrap();
        std::process::exit(code.into());
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env(IS_CHILD, "1").env("HEARTBEAT_INTERVAL", "3600");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A plugin process and the daemon's ends of its pipes.
pub(crate) struct Child {
    child: std::process::Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Child {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Self { child, input, output }
    }

    pub(crate) fn invoke(&mut self, session: &str, tool: &str) {
        self.request(session, invoke(tool, json!({})));
    }

    pub(crate) fn request(&mut self, session: &str, data: Value) {
        let frame = json!({"session_id": session, "event": "request", "data": data});
        self.input.as_mut().unwrap().write_all(format!("{frame}\n").as_bytes()).unwrap();
    }

    /// Returns the next frame of this event, and skips those before it and what the test harness prints.
    pub(crate) fn next(&mut self, event: &str) -> Value {
        let output = self.output.as_mut().unwrap();
        loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "the output ended without `{event}`");
            match serde_json::from_str::<Value>(&line) {
                Ok(frame) if frame["event"] == event => return frame,
                _ => {}
            }
        }
    }

    /// Returns the type and the data of a session's next message.
    pub(crate) fn message(&mut self) -> (String, Value) {
        let mut data = self.next("session")["data"].take();
        (data["type"].as_str().unwrap().to_owned(), data["data"].take())
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    pub(crate) fn close_output(&mut self) {
        self.output = None;
    }

    /// Waits for the end and returns the exit code and what came on stderr.
    pub(crate) fn exit(mut self) -> (Option<i32>, String) {
        // What is left of the output must be read, or the plugin could wait for that.
        let rest = self.output.take().map(|output| std::thread::spawn(|| output.lines().for_each(drop)));
        let ended = self.child.wait_with_output().unwrap();
        if let Some(rest) = rest {
            rest.join().unwrap();
        }
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
    }
}
