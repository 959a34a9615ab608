//! A rogue daemon: it sends a plugin faults of every kind at random, or a great many messages, and records which
//! responses are due. It writes literal bytes and reads plain JSON, without any of our types.
//!
//! ```text
//! cargo build --release -p bench -p scenarios
//! target/release/rogue faults [--seconds 600 | --processes N] [--seed N]   # the processes end in different ways
//! target/release/rogue soak [--messages 10000000]                          # a mixed load: memory, descriptors, answers
//! ```
//!
//! `faults` reports what it did, and exits with code 1 as soon as a request got no end or more than one, or a process did not
//! end as it should. The same `--seed` repeats a run, except for timing. `soak`
//! exits with code 1 if memory drifts by 5 % or more, if descriptors come or go, or if an answer is missing. Linux only.

mod book;
mod faults;
mod random;
mod soak;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use faults::Until;
use scenarios::Launch;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(said) => {
            println(&said);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println(&format!("FAILED: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "what the program is for")]
fn println(text: &str) {
    println!("{text}");
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<String> {
    let what = arguments.next().unwrap_or_default();
    let mut until = Until::Time(Duration::from_secs(600));
    let mut messages = 10_000_000;
    let mut seed = std::process::id().into();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?.parse()?;
        match (what.as_str(), option.as_str()) {
            ("faults", "--seconds") => until = Until::Time(Duration::from_secs(value)),
            ("faults", "--processes") => until = Until::Processes(value),
            ("faults", "--seed") => seed = value,
            ("soak", "--messages") => messages = value,
            _ => return Err(format!("unknown option {option} of {what}").into()),
        }
    }
    match what.as_str() {
        "faults" => {
            // At once, because a frame that can't be read ends this program with a panic.
            println(&format!("seed {seed}"));
            faults::run(&until, seed)
        }
        "soak" => soak::run(messages),
        _ => Err("say `faults` or `soak`".into()),
    }
}

/// Returns a plugin that was built beside this program.
fn built(name: &str) -> Result<Launch> {
    let here = std::env::current_exe()?;
    let program: PathBuf = here.parent().ok_or("the program has no folder")?.join(name);
    if program.exists() {
        return Ok(Launch::new(program));
    }
    Err(format!("{} is not there; build it with the profile of this program", program.display()).into())
}
