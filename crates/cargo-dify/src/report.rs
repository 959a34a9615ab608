//! Findings, for people and for programs.

use std::fmt;
use std::path::Path;

use dify_plugin_manifest::{Finding, Location, Severity};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;

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

/// Writes the findings to stdout, each with the lines it is about.
///
/// # Errors
/// If stdout is gone.
pub(crate) fn people(root: &Path, findings: &[Finding], output: &mut Output<'_>) -> Result<(), Error> {
    let theme = if output.terminal && std::env::var_os("NO_COLOR").is_none() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1);
    for finding in findings {
        let mut text = String::new();
        let shown = Shown::new(root, finding);
        if handler.render_report(&mut text, &shown).is_err() {
            text = finding.to_string();
        }
        output.line(text.trim_end())?;
        output.write(b"\n")?;
    }
    Ok(())
}

/// A finding with the text that it is about.
#[derive(Debug)]
struct Shown<'a> {
    finding: &'a Finding,
    source: Option<NamedSource<String>>,
    span: (usize, usize),
}

impl<'a> Shown<'a> {
    fn new(root: &Path, finding: &'a Finding) -> Self {
        let file = &finding.at.file;
        let text = std::fs::read_to_string(root.join(file)).ok();
        let span = text.as_deref().map_or((0, 0), |text| span(text, &finding.at));
        let source = text.map(|text| NamedSource::new(file, text).with_language("yaml"));
        Self { finding, source, span }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.finding.field.is_empty() {
            write!(f, "{}: ", self.finding.field)?;
        }
        f.write_str(&self.finding.message)?;
        match self.source {
            Some(_) => Ok(()),
            None => write!(f, " ({})", self.finding.at),
        }
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
        Some(Box::new(&self.finding.help))
            .filter(|help| !help.is_empty())
            .map(|help| help as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
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
