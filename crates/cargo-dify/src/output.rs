//! Results on stdout.

use std::io::{self, IsTerminal, Stdout, Write};

use serde_json::Value;

use crate::console::{Console, Tone};
use crate::error::{Context, Error};

/// Stdout, flushed after each write so that a result is seen as it arrives.
pub(crate) struct Output<'a> {
    stdout: Stdout,
    console: &'a Console,
    pub(crate) is_terminal: bool,
    mid_line: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        let stdout = io::stdout();
        Self { is_terminal: stdout.is_terminal(), stdout, console, mid_line: false }
    }

    /// Writes `bytes` unchanged.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(last) = bytes.last() else { return Ok(()) };
        let mid_line = *last != b'\n';
        let stdout = &mut self.stdout;
        let write = || stdout.write_all(bytes).and_then(|()| stdout.flush());
        self.console.while_writing_stdout(mid_line, write).context("cannot write to stdout")?;
        self.mid_line = mid_line;
        Ok(())
    }

    /// Writes a line of its own.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Error> {
        self.end_line()?;
        self.write(format!("{text}\n").as_bytes())
    }

    /// Prints to stderr what is not part of the result.
    pub(crate) fn aside(&self, verb: &str, text: &str) {
        self.console.entry(Tone::Note, verb, text);
    }

    /// Ends the current line, if there is one.
    pub(crate) fn end_line(&mut self) -> Result<(), Error> {
        if self.mid_line { self.write(b"\n") } else { Ok(()) }
    }
}

/// Writes the result of a command to stdout, as one JSON object on one line.
pub(crate) fn json(result: &Value, console: &Console) -> Result<(), Error> {
    Output::new(console).line(&result.to_string())
}
