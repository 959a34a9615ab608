//! Questions at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::error::{Context, Error};

const TERMINAL: &str = "cannot ask at the terminal";

/// Returns whether a person can be asked.
pub(super) fn terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until the input is valid. An empty input means `default`, if there is one.
///
/// # Errors
///
/// Fails if the input ends.
pub(super) fn until_valid<T>(
    question: &str,
    default: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    ask(&mut io::stdin().lock(), &mut io::stderr().lock(), question, default, read)
}

fn ask<T>(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    default: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    loop {
        let hint = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        write!(output, "{question}{hint}: ").and_then(|()| output.flush()).context(TERMINAL)?;
        let mut line = String::new();
        if input.read_line(&mut line).context(TERMINAL)? == 0 {
            return Err(Error::interrupted());
        }
        let given = match (line.trim(), default) {
            ("", Some(default)) => default,
            (given, _) => given,
        };
        match read(given) {
            Ok(value) => return Ok(value),
            Err(problem) => writeln!(output, "  {problem}").context(TERMINAL)?,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_question_is_asked_until_the_input_is_valid() {
        let ask = |typed: &str, default: Option<&str>| {
            let mut shown = Vec::new();
            let read = |text: &str| text.parse::<u8>().map_err(|_| "write a number".to_owned());
            let value = super::ask(&mut typed.as_bytes(), &mut shown, "How many?", default, read);
            (value.ok(), String::from_utf8(shown).unwrap())
        };
        let twice = "How many?:   write a number\nHow many?: ";
        assert_eq!(ask("many\n7\n", None), (Some(7), twice.to_owned()));
        assert_eq!(ask("\n", Some("3")), (Some(3), "How many? [3]: ".to_owned()));
        assert_eq!(ask("", Some("3")).0, None);
    }
}
