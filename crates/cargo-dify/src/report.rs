//! Findings, for people and for programs.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use dify_plugin_manifest::{Finding, Location, MAX_FILE_BYTES, Severity};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;

use crate::console::Console;
use crate::error::Error;
use crate::output::Output;

/// The severity in the words of compilers.
fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Refused => "error",
        _ => "warning",
    }
}

/// Writes the findings to stdout as one JSON object.
///
/// # Errors
/// If stdout is gone.
pub(crate) fn json(findings: &[Finding], output: &mut Output<'_>) -> Result<(), Error> {
    let list: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "severity": severity(finding),
                "code": finding.code,
                "file": finding.at.file,
                "line": finding.at.line,
                "column": finding.at.column,
                "field": finding.field,
                "message": finding.message,
                "help": finding.help,
            })
        })
        .collect();
    let errors = list.iter().filter(|finding| finding["severity"] == "error").count();
    let said = json!({"errors": errors, "warnings": list.len() - errors, "findings": list});
    output.line(&said.to_string())
}

/// How many findings people are shown.
const SHOWN: usize = 100;

/// Writes the findings with `write`, each with the lines it is about.
///
/// # Errors
/// If `write` fails.
pub(crate) fn people(
    root: &Path,
    findings: &[Finding],
    mut write: impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1);
    let mut sources: HashMap<&str, Option<NamedSource<String>>> = HashMap::new();
    for finding in findings.iter().take(SHOWN) {
        let source = sources.entry(&finding.at.file).or_insert_with(|| source(root, &finding.at.file));
        let mut text = String::new();
        if handler.render_report(&mut text, &Shown::new(finding, source.as_ref())).is_err() {
            text = finding.to_string();
        }
        write(&format!("{}\n", text.trim_end()))?;
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        write(&format!("and {more} more: --json has them all\n"))?;
    }
    Ok(())
}

/// The text of a file, as far as it may be shown: nothing in it drives the terminal.
fn source(root: &Path, file: &str) -> Option<NamedSource<String>> {
    let mut text = String::new();
    File::open(root.join(file)).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    // One character for another, so that columns stay.
    let text = text.chars().map(harmless).collect();
    Some(NamedSource::new(file, text).with_language("yaml"))
}

fn harmless(letter: char) -> char {
    if letter.is_control() && !matches!(letter, '\n' | '\t' | '\r') { '\u{fffd}' } else { letter }
}

/// What keeps a plugin from being packed or tried: for programs on stdout, for people on stderr, where an answer is not due.
///
/// # Errors
/// Always: that there are such findings.
pub(crate) fn refuse(
    root: &Path,
    findings: &[Finding],
    warnings: usize,
    as_json: bool,
    console: &Console,
) -> Result<(), Error> {
    if as_json {
        json(findings, &mut Output::new(console))?;
    } else {
        people(root, findings, |text| {
            console.plain(text);
            Ok(())
        })?;
    }
    Err(Error::Findings { errors: findings.len(), warnings })
}

/// A finding with the text that it is about.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    help: String,
    source: Option<&'a NamedSource<String>>,
    span: (usize, usize),
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding, source: Option<&'a NamedSource<String>>) -> Self {
        let span = source.map_or((0, 0), |source| span(source.inner(), &finding.at));
        let help = finding.help.chars().map(harmless).collect();
        Self { finding, help, source, span }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { field, message, at, .. } = self.finding;
        let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
        let place = if self.source.is_some() { String::new() } else { format!(" ({at})") };
        let text: String = format!("{field}{message}{place}").chars().map(harmless).collect();
        f.write_str(&text)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{}: {}", severity(self.finding), self.finding.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Refused => miette::Severity::Error,
            _ => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source?;
        let (start, length) = self.span;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, start, length))))
    }
}

/// Where the value or key at `at` stands in `text`, in bytes: its beginning, and its length on that line.
fn span(text: &str, at: &Location) -> (usize, usize) {
    let lines = text.split_inclusive('\n');
    let before: usize = lines.clone().take(at.line - 1).map(str::len).sum();
    let line = lines.clone().nth(at.line - 1).unwrap_or_default();
    let start = line.char_indices().nth(at.column - 1).map_or(line.trim_end().len(), |(start, _)| start);
    let rest = line[start..].trim_end();
    let quote = rest.chars().next().filter(|char| matches!(char, '"' | '\''));
    let length = match quote {
        Some(quote) => rest[1..].find(quote).map_or(rest.len(), |end| end + 2),
        None => {
            let ends = [": ", " #", ", ", "]", "}"];
            let end = ends.into_iter().filter_map(|end| rest.find(end)).filter(|end| *end > 0).min();
            end.unwrap_or_else(|| rest.trim_end_matches(':').len())
        }
    };
    (before + start, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_the_key_or_value_on_its_line() {
        let text = "name: duck\nlabel: {en_US: \"a b\", x: [y, z]}\nkey:\n  é: value # why\n";
        let at = |line, column| {
            let (start, length) = span(text, &Location::new("a", line, column));
            &text[start..start + length]
        };
        assert_eq!(at(1, 1), "name");
        assert_eq!(at(1, 7), "duck");
        assert_eq!(at(2, 16), "\"a b\"");
        assert_eq!(at(2, 27), "y");
        assert_eq!(at(3, 1), "key");
        assert_eq!(at(4, 3), "é");
        assert_eq!(at(4, 6), "value");
        // Out of the text altogether.
        assert_eq!(at(9, 9), "");
        assert_eq!(at(1, 99), "");
    }
}
