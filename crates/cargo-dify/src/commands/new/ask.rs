//! Questions at the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::error::Error;

/// Whether somebody is there to answer.
pub(super) fn terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until the answer is legal; an empty one is the usual one, if there is any.
///
/// # Errors
/// If the input ends.
pub(super) fn until_legal<T>(
    question: &str,
    usual: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    answer(&mut io::stdin().lock(), &mut io::stderr().lock(), question, usual, read)
}

fn answer<T>(
    input: &mut impl BufRead,
    output: &mut impl Write,
    question: &str,
    usual: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    loop {
        let offer = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
        write!(output, "{question}{offer}: ").and_then(|()| output.flush()).map_err(Error::Write)?;
        let mut line = String::new();
        if input.read_line(&mut line).map_err(Error::Write)? == 0 {
            return Err(Error::Interrupted);
        }
        let given = match (line.trim(), usual) {
            ("", Some(usual)) => usual,
            (given, _) => given,
        };
        match read(given) {
            Ok(answer) => return Ok(answer),
            Err(problem) => writeln!(output, "  {problem}").map_err(Error::Write)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_until_its_answer_is_legal() {
        let ask = |typed: &str, usual: Option<&str>| {
            let mut shown = Vec::new();
            let read = |text: &str| text.parse::<u8>().map_err(|_| "write a number".to_owned());
            let answer = answer(&mut typed.as_bytes(), &mut shown, "How many?", usual, read);
            (answer.ok(), String::from_utf8(shown).unwrap())
        };
        let twice = "How many?:   write a number\nHow many?: ";
        assert_eq!(ask("many\n7\n", None), (Some(7), twice.to_owned()));
        assert_eq!(ask("\n", Some("3")), (Some(3), "How many? [3]: ".to_owned()));
        assert_eq!(ask("", Some("3")).0, None);
    }
}
