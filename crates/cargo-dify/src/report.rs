//! Findings, for people and for programs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use dify_plugin_manifest::{Finding, Location, MAX_FILE_BYTES, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::json;

use crate::console::Console;
use crate::error::Error;
use crate::{humanize, output};

/// Returns whether the daemon would refuse the plugin for this finding.
pub(crate) fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}

fn severity(finding: &Finding) -> &'static str {
    if is_error(finding) { "error" } else { "warning" }
}

/// Writes the findings to stdout as one JSON object.
///
/// # Errors
///
/// Fails if stdout is closed.
pub(crate) fn json(findings: &[Finding], console: &Console) -> Result<(), Error> {
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
    let errors = findings.iter().filter(|finding| is_error(finding)).count();
    let report = json!({"errors": errors, "warnings": list.len() - errors, "findings": list});
    output::json(&report, console)
}

/// The number of findings that people are shown.
const SHOWN: usize = 100;

/// Writes the findings with `write`, each with the lines that it is about.
///
/// # Errors
///
/// Fails if `write` fails.
pub(crate) fn people(
    root: &Path,
    findings: &[Finding],
    mut write: impl FnMut(&str) -> Result<(), Error>,
) -> Result<(), Error> {
    let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let theme = if coloured { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_context_lines(1);
    let mut sources: HashMap<&str, Option<Arc<NamedSource<String>>>> = HashMap::new();
    for finding in findings.iter().take(SHOWN) {
        let source = sources.entry(&finding.at.file).or_insert_with(|| source(root, &finding.at.file));
        let mut text = String::new();
        if handler.render_report(&mut text, diagnostic(finding, source.clone()).as_ref()).is_err() {
            text = finding.to_string();
        }
        write(&format!("{}\n", text.trim_end()))?;
    }
    if let Some(more @ 1..) = findings.len().checked_sub(SHOWN) {
        write(&format!("{more} more findings are not shown; use --json to list all of them\n"))?;
    }
    Ok(())
}

/// Reads a file for display, with control characters replaced so that it can't control the terminal.
fn source(root: &Path, file: &str) -> Option<Arc<NamedSource<String>>> {
    let mut text = String::new();
    File::open(root.join(file)).ok()?.take(MAX_FILE_BYTES).read_to_string(&mut text).ok()?;
    Some(Arc::new(NamedSource::new(file, harmless(&text)).with_language("yaml")))
}

/// Replaces control characters one by one, so that columns stay the same.
fn harmless(text: &str) -> String {
    let harmless = |letter: char| match letter {
        '\n' | '\t' | '\r' => letter,
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    };
    text.chars().map(harmless).collect()
}

fn diagnostic(finding: &Finding, source: Option<Arc<NamedSource<String>>>) -> Report {
    let Finding { field, message, at, .. } = finding;
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    let place = if source.is_some() { String::new() } else { format!(" ({at})") };
    let mut diagnostic = MietteDiagnostic::new(harmless(&format!("{field}{message}{place}")))
        .with_code(format!("{}: {}", severity(finding), finding.code))
        .with_severity(if is_error(finding) { miette::Severity::Error } else { miette::Severity::Warning });
    if !finding.help.is_empty() {
        diagnostic = diagnostic.with_help(harmless(&finding.help));
    }
    match source {
        None => diagnostic.into(),
        Some(source) => {
            let (start, length) = span(source.inner(), at);
            let label = LabeledSpan::new(None, start, length);
            Report::from(diagnostic.with_label(label)).with_source_code(source)
        }
    }
}

/// Fails if the daemon would refuse the plugin, after showing why: on stdout as JSON, or on stderr for people. Returns how many
/// other findings there are.
pub(crate) fn refuse_errors(
    root: &Path,
    findings: &[Finding],
    as_json: bool,
    console: &Console,
) -> Result<usize, Error> {
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().cloned().partition(is_error);
    if errors.is_empty() {
        return Ok(warnings.len());
    }
    if as_json {
        json(&errors, console)?;
    } else {
        people(root, &errors, |text| {
            console.plain(text);
            Ok(())
        })?;
    }
    Err(Error::new(humanize::problems(errors.len(), warnings.len())))
}

/// Returns where in `text` the key or value at `at` begins, and its length on that line, in bytes.
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
        // Outside the text.
        assert_eq!(at(9, 9), "");
        assert_eq!(at(1, 99), "");
    }
}
