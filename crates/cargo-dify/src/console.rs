//! What the user is told, on stderr: stdout is for answers alone.

use std::error::Error as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use crate::error::Error;

const GOOD: Style = AnsiColor::BrightGreen.on_default().bold();
const NOTE: Style = AnsiColor::BrightCyan.on_default().bold();
const WARNING: Style = AnsiColor::BrightYellow.on_default().bold();
const BAD: Style = AnsiColor::BrightRed.on_default().bold();

/// Width of the column of verbs, as cargo has it.
const VERBS: usize = 12;

/// How a line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It goes as it should.
    Good,
    /// Worth knowing.
    Note,
    /// Something to look at.
    Warning,
    /// Something failed.
    Bad,
}

/// The user's terminal, or whatever stderr is.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    /// Whether stdout and stderr are the same: one terminal, or one pipe.
    shared: bool,
    /// Whether an answer stands there on the last line, which is not finished.
    mid_line: Arc<Mutex<bool>>,
}

impl Console {
    pub(crate) fn new() -> Self {
        Self { shared: stdout_is_stderr(), mid_line: Arc::default() }
    }

    /// Runs `write`, which writes a piece of the answer to stdout and may stop in the middle of a line. Where stderr is the
    /// same, nothing is told meanwhile.
    pub(crate) fn while_answering(
        &self,
        ends_mid_line: bool,
        write: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.shared {
            return write();
        }
        let mut mid_line = self.mid_line.lock().unwrap_or_else(PoisonError::into_inner);
        write()?;
        *mid_line = ends_mid_line;
        Ok(())
    }

    /// Says what is being done, as cargo says it.
    pub(crate) fn status(&self, verb: &str, text: &str) {
        self.entry(Tone::Good, verb, text);
    }

    /// A line with a verb before it; further lines of `text` are indented below its first.
    pub(crate) fn entry(&self, tone: Tone, verb: &str, text: &str) {
        let style = match tone {
            Tone::Good => GOOD,
            Tone::Note => NOTE,
            Tone::Warning => WARNING,
            Tone::Bad => BAD,
        };
        self.write(&format!("{style}{verb:>VERBS$}{style:#} {}\n", indented(text)));
    }

    /// Text as it is, for pasting.
    pub(crate) fn plain(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    pub(crate) fn warning(&self, text: &str) {
        self.write(&format!("{WARNING}warning{WARNING:#}: {}\n", visible(text)));
    }

    /// An error with its causes, its details and what to do about it.
    pub(crate) fn error(&self, error: &Error) {
        let mut text = format!("{BAD}error{BAD:#}: {}\n", visible(&error.to_string()));
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!("  caused by: {}\n", visible(&cause.to_string())));
            source = cause.source();
        }
        for (name, detail) in error.details() {
            let detail = visible(detail.trim_end()).replace('\n', "\n    ");
            text.push_str(&format!("  {}: {detail}\n", visible(name)));
        }
        if let Some(help) = error.help() {
            text.push_str(&format!("{NOTE}help{NOTE:#}: {help}\n"));
        }
        self.write(&text);
    }

    fn write(&self, text: &str) {
        let mut mid_line = self.mid_line.lock().unwrap_or_else(PoisonError::into_inner);
        let break_line = if std::mem::take(&mut *mid_line) { "\n" } else { "" };
        let text = format!("{break_line}{text}");
        // In one write, so that nothing gets in between: a stream that leaves out the colours by itself writes what is
        // between them piece by piece.
        let written = match AutoStream::choice(&io::stderr()) {
            ColorChoice::Never => io::stderr().lock().write_all(strip_str(&text).to_string().as_bytes()),
            _ => anstream::stderr().lock().write_all(text.as_bytes()),
        };
        // There is nobody left to tell that stderr is gone.
        let _ = written;
    }
}

#[cfg(unix)]
fn stdout_is_stderr() -> bool {
    use std::fs::{File, Metadata};
    use std::os::fd::AsFd;
    use std::os::unix::fs::MetadataExt;

    let identity = |fd: std::os::fd::BorrowedFd<'_>| -> std::io::Result<(u64, u64)> {
        let about: Metadata = File::from(fd.try_clone_to_owned()?).metadata()?;
        Ok((about.dev(), about.ino()))
    };
    let (out, err) = (identity(std::io::stdout().as_fd()), identity(std::io::stderr().as_fd()));
    matches!((out, err), (Ok(out), Ok(err)) if out == err)
}

#[cfg(not(unix))]
fn stdout_is_stderr() -> bool {
    use std::io::IsTerminal;
    std::io::stdout().is_terminal() && std::io::stderr().is_terminal()
}

fn indented(text: &str) -> String {
    visible(text.trim_end()).replace('\n', &format!("\n{:VERBS$} ", ""))
}

/// Makes control characters visible, so that what a plugin writes can't drive the terminal.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            _ if letter.is_control() => shown.extend(letter.escape_default()),
            _ => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_lines_indented() {
        assert_eq!(visible("a\u{1b}[31m\r\u{7f}é🦆\tb"), "a\\u{1b}[31m\\r\\u{7f}é🦆\tb");
        assert_eq!(indented("one\ntwo\n"), "one\n             two");
    }
}
