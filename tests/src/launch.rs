//! Starting a plugin as the daemon does.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::daemon::Daemon;
use crate::pipes::{Input, Stderr};
use crate::process::{self, Process};

/// How to start a plugin.
#[derive(Debug)]
#[must_use]
pub struct Launch {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    lifetime: Duration,
}

impl Launch {
    /// Starts `program`, in the temporary folder unless told otherwise, with `INSTALL_METHOD=local` and none of the
    /// caller's settings.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: std::env::temp_dir(),
            lifetime: process::LIFETIME,
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

    /// Sets how long it may run before it is killed. Default: two minutes.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Returns the command without its streams set, for a plugin without pipes.
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
        // A separate process group, so that its children are killed with it.
        command.process_group(0);
        command
    }

    /// Starts it with three pipes, as the daemon does.
    ///
    /// # Panics
    ///
    /// Panics if it can't be started.
    pub fn start(&self) -> Daemon {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", self.program.display()));
        let input = Input::start(child.stdin.take().expect("stdin is a pipe"));
        let output = child.stdout.take().expect("stdout is a pipe");
        let stderr = Stderr::start(child.stderr.take().expect("stderr is a pipe"));
        Daemon::new(Process::living(child, self.lifetime), input, output, stderr)
    }
}
