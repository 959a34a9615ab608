//! The answer on stdout.

use std::io::{self, IsTerminal, Stdout, Write};

use crate::console::{Console, Tone};
use crate::error::Error;

/// Stdout, written to at once: an answer is seen as it comes.
pub(crate) struct Output<'a> {
    stdout: Stdout,
    console: &'a Console,
    /// Whether a person reads it.
    pub(crate) terminal: bool,
    mid_line: bool,
}

impl<'a> Output<'a> {
    pub(crate) fn new(console: &'a Console) -> Self {
        let stdout = io::stdout();
        Self { terminal: stdout.is_terminal(), stdout, console, mid_line: false }
    }

    /// Writes `bytes` as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(last) = bytes.last() else { return Ok(()) };
        let mid_line = *last != b'\n';
        let stdout = &mut self.stdout;
        let write = || stdout.write_all(bytes).and_then(|()| stdout.flush());
        self.console.while_answering(mid_line, write).map_err(Error::Write)?;
        self.mid_line = mid_line;
        Ok(())
    }

    /// Writes a line of its own.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Error> {
        self.end_line()?;
        self.write(format!("{text}\n").as_bytes())
    }

    /// Tells something on stderr that is no part of the result.
    pub(crate) fn aside(&self, verb: &str, text: &str) {
        self.console.entry(Tone::Note, verb, text);
    }

    /// Ends the line, if one was begun.
    pub(crate) fn end_line(&mut self) -> Result<(), Error> {
        if self.mid_line { self.write(b"\n") } else { Ok(()) }
    }
}
