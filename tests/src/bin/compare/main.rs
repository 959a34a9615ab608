//! Compares `examples/bench` with the same plugin written with the official SDK (`tests/peer/bench-python`).
//!
//! Both get the same frames, one session after the other, from a daemon that writes literal bytes; then both run under our
//! host. Their responses must be equal, except for what `tests/peer/known-differences.json` lists. `tests/peer/README.md`
//! explains how to run it.

#![expect(clippy::print_stdout, reason = "it is a program for people")]

mod cases;
mod difference;
mod known;
mod transcript;
mod under_host;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use scenarios::{Daemon, Launch, example, lines, repository};
use serde_json::Value;

use crate::cases::{Answer, CASES, Case};
use crate::difference::differences;
use crate::known::Known;
use crate::transcript::Transcript;

type Error = Box<dyn std::error::Error>;

/// A plugin and its Python twin.
struct Subject {
    name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
    folder: PathBuf,
    /// How long Dify takes to answer a call. The official SDK starts waiting for a reply after it has written the call, so it
    /// loses a reply that arrives sooner than any Dify could send it.
    latency: Duration,
}

fn main() -> Result<ExitCode, Error> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(python), None) = (arguments.next(), arguments.next()) else {
        return Err("usage: compare <python that has dify_plugin>".into());
    };
    let python = std::path::absolute(python)?;
    let version = sdk_version(&python)?;
    let ours = Subject {
        name: "ours",
        program: example("bench"),
        arguments: &[],
        folder: repository().join("examples/bench"),
        latency: Duration::ZERO,
    };
    let theirs = Subject {
        name: "SDK",
        program: python,
        arguments: &["-m", "main"],
        folder: repository().join("tests/peer/bench-python"),
        latency: Duration::from_millis(20),
    };
    println!("examples/bench beside dify_plugin {version}");

    let mut known = Known::read(&repository().join("tests/peer/known-differences.json"), &version)?;
    let mut failures = Vec::new();
    let (our_answers, their_answers) = (run_cases(&ours)?, run_cases(&theirs)?);
    for (case, (our, their)) in CASES.iter().zip(our_answers.iter().zip(&their_answers)) {
        let mut unlisted = Vec::new();
        for (subject, transcript) in [(&ours, our), (&theirs, their)] {
            if !transcript.to_string().contains(case.shows) {
                unlisted
                    .push(format!("{} does not answer `{}`: {transcript:.400}", subject.name, case.shows));
            }
        }
        let found = differences(our.as_value(), their.as_value());
        let (listed, others): (Vec<_>, Vec<_>) =
            found.iter().partition(|difference| known.covers(case.name, difference));
        unlisted.extend(others.iter().map(ToString::to_string));
        report(case.name, listed.len(), &unlisted);
        failures.extend(unlisted);
    }
    let stale = known.stale();
    for entry in &stale {
        println!("FAIL  listed, and no difference any more: {entry}");
    }
    failures.extend(stale);

    for (subject, answers) in [(&ours, &our_answers), (&theirs, &their_answers)] {
        for ((case, through_host), direct) in CASES.iter().zip(under_host::run(subject)?).zip(answers) {
            let found = differences(&through_host, &direct.as_answers());
            let unlisted: Vec<String> = found.iter().map(ToString::to_string).collect();
            report(&format!("{} under our host: {}", subject.name, case.name), 0, &unlisted);
            failures.extend(unlisted);
        }
    }
    println!("{} cases, {} failures", CASES.len(), failures.len());
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(name: &str, listed: usize, unlisted: &[String]) {
    match (unlisted, listed) {
        ([], 0) => println!("ok    {name}"),
        ([], listed) => println!("ok    {name} ({listed} known differences)"),
        _ => println!("FAIL  {name}"),
    }
    for line in unlisted.iter().take(20) {
        println!("      {line}");
    }
    if unlisted.len() > 20 {
        println!("      and {} more", unlisted.len() - 20);
    }
}

fn sdk_version(python: &std::path::Path) -> Result<String, Error> {
    let output = Command::new(python)
        .args(["-c", "import importlib.metadata as m; print(m.version('dify_plugin'))"])
        .output()?;
    if !output.status.success() {
        return Err(
            format!("{} has no dify_plugin: {}", python.display(), output.stderr.escape_ascii()).into()
        );
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Returns the plugin's response to each case; one process serves all cases.
fn run_cases(subject: &Subject) -> Result<Vec<Transcript>, Error> {
    let mut launch = Launch::new(&subject.program)
        .current_dir(&subject.folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MAX_INVOCATION_TIMEOUT", "60");
    for argument in subject.arguments {
        launch = launch.arg(argument);
    }
    let mut daemon = launch.start();
    CASES.iter().map(|case| Transcript::new(run_case(&mut daemon, case, subject.latency))).collect()
}

/// Answers the reverse calls of the case's session and returns all its messages, without its `end`.
fn run_case(daemon: &mut Daemon, case: &Case, latency: Duration) -> Vec<Value> {
    let session = case.name;
    daemon.line(case.line());
    let mut messages = Vec::new();
    loop {
        let message = daemon.session_message(session);
        match message["type"].as_str() {
            Some("end") => return messages,
            Some("invoke") => {
                let call = message["data"]["backwards_request_id"].as_str().unwrap_or_default().to_owned();
                thread::sleep(latency);
                for answer in case.app {
                    daemon.line(match answer {
                        Answer::Event(event) => lines::response(session, &call, event),
                        Answer::Refusal(text) => lines::refusal(session, &call, text),
                    });
                }
                daemon.line(lines::end(session, &call));
            }
            _ => {}
        }
        messages.push(message);
    }
}
