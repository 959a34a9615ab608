//! Messages on stderr; stdout is for results alone.

use std::error::Error as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use same_file::Handle;

use crate::error::Error;

const GOOD: Style = AnsiColor::BrightGreen.on_default().bold();
const NOTE: Style = AnsiColor::BrightCyan.on_default().bold();
const WARNING: Style = AnsiColor::BrightYellow.on_default().bold();
const BAD: Style = AnsiColor::BrightRed.on_default().bold();

/// Width of the column of verbs, as in cargo.
const VERBS: usize = 12;

/// The colour of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Success.
    Good,
    /// Information.
    Note,
    /// Probably a mistake.
    Warning,
    /// A failure.
    Bad,
}

/// Writes messages to stderr. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Console {
    /// Whether stdout and stderr are the same terminal, file or pipe.
    shared: bool,
    /// Whether a result on `shared` stopped in the middle of a line.
    mid_line: Arc<Mutex<bool>>,
}

impl Console {
    pub(crate) fn new() -> Self {
        let handles = (Handle::stdout(), Handle::stderr());
        Self { shared: matches!(handles, (Ok(out), Ok(err)) if out == err), mid_line: Arc::default() }
    }

    /// Runs `write`, which writes to stdout and leaves it in the middle of a line if `ends_mid_line`. If stderr is the same
    /// file, no message is written meanwhile, and the next one begins on a line of its own.
    pub(crate) fn while_writing_stdout(
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

    /// Writes what is being done, in cargo's form.
    pub(crate) fn status(&self, verb: &str, text: &str) {
        self.entry(Tone::Good, verb, text);
    }

    /// Writes a verb and a text, whose further lines are indented below the first.
    pub(crate) fn entry(&self, tone: Tone, verb: &str, text: &str) {
        let style = match tone {
            Tone::Good => GOOD,
            Tone::Note => NOTE,
            Tone::Warning => WARNING,
            Tone::Bad => BAD,
        };
        self.write(&format!("{style}{verb:>VERBS$}{style:#} {}\n", indented(text)));
    }

    /// Writes a text without a verb, for pasting.
    pub(crate) fn plain(&self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    pub(crate) fn warning(&self, text: &str) {
        self.write(&format!("{WARNING}warning{WARNING:#}: {}\n", visible(text)));
    }

    /// Writes an error with its causes, its details and what to do about it.
    pub(crate) fn error(&self, error: &Error) {
        let mut text = format!("{BAD}error{BAD:#}: {}\n", visible(&error.to_string()));
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!("  caused by: {}\n", visible(&cause.to_string())));
            source = cause.source();
        }
        for (name, detail) in &error.details {
            let detail = visible(detail.trim_end()).replace('\n', "\n    ");
            text.push_str(&format!("  {}: {detail}\n", visible(name)));
        }
        if let Some(help) = &error.help {
            text.push_str(&format!("{NOTE}help{NOTE:#}: {help}\n"));
        }
        self.write(&text);
    }

    fn write(&self, text: &str) {
        let mut mid_line = self.mid_line.lock().unwrap_or_else(PoisonError::into_inner);
        let break_line = if std::mem::take(&mut *mid_line) { "\n" } else { "" };
        let text = format!("{break_line}{text}");
        // One write, so that no other process writes in between. `anstream` strips colours in several writes, hence by hand.
        let written = match AutoStream::choice(&io::stderr()) {
            ColorChoice::Never => io::stderr().lock().write_all(strip_str(&text).to_string().as_bytes()),
            _ => anstream::stderr().lock().write_all(text.as_bytes()),
        };
        // If stderr is closed there is nowhere to report it.
        let _ = written;
    }
}

fn indented(text: &str) -> String {
    visible(text.trim_end()).replace('\n', &format!("\n{:VERBS$} ", ""))
}

/// Escapes control characters, so that a plugin's output can't control the terminal.
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
