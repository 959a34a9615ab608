//! The benchmark: plugin processes driven over their pipes as the daemon does, compared with the official SDK and the
//! floor.
//!
//! ```text
//! cargo build --release -p bench -p scenarios
//! target/release/measure [--runs 7] [--python PYTHON] [--twin DIR] [--only NAME,…] [--plot FILE] [--quick]
//! ```
//!
//! Runs alternate between the contenders; the tables give medians, the range, and the ratio to the floor and to the
//! official SDK. `PYTHON` is one with the official SDK installed; `DIR` is its plugin, by default
//! `tests/peer/bench-python`. `--plot` draws rate and memory against the number of open sessions, as SVG. `--quick` only
//! checks that everything works; its figures mean nothing. Linux only.

mod echo;
mod large;
mod options;
mod plot;
mod plugin;
mod proc;
mod relay;
mod report;
mod sessions;
mod start;
mod subject;
mod trickle;
mod wire;

use std::io::{Write, stderr, stdout};

use options::Options;
use report::{Column, Report};
use subject::{Subject, subjects};

// A thread may bring it.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let subjects = subjects(&options)?;
    let counts = subjects.iter().map(|subject| subject.amounts.sessions).max_by_key(|counts| counts.len());
    let counts = counts.ok_or("there is nobody to measure")?;
    let one_process = [&start::ROWS[..], &echo::ROWS, &relay::ROWS, &trickle::ROWS, &large::ROWS].concat();
    let names = subjects.iter().map(|subject| subject.name).collect();
    let mut report = Report::new(names, vec![one_process, sessions::rows(counts)]);
    for run in 1..=options.runs {
        writeln!(stderr(), "run {run} of {}: idle", options.runs)?;
        start::idle(&subjects, &mut report)?;
        for (index, subject) in subjects.iter().enumerate() {
            writeln!(stderr(), "run {run} of {}: {}", options.runs, subject.name)?;
            measure(subject, &mut report.column(index))
                .map_err(|error| format!("{}: {error}", subject.name))?;
        }
    }
    let cpus = std::thread::available_parallelism()?;
    writeln!(stdout(), "Medians of {} runs (least–most), on {cpus} CPUs.", options.runs)?;
    report.write(&mut stdout().lock())?;
    if let Some(file) = &options.plot {
        plot::draw(&report, counts, file)?;
    }
    Ok(())
}

/// Runs all measurements of one contender.
fn measure(subject: &Subject, column: &mut Column<'_>) -> Result<()> {
    let mut plugin = start::start(subject, column)?;
    echo::measure(&mut plugin, &subject.amounts, column)?;
    relay::measure(&mut plugin, &subject.amounts, column)?;
    trickle::measure(&mut plugin, &subject.amounts, column)?;
    large::measure(&mut plugin, &subject.amounts, column)?;
    drop(plugin);
    sessions::measure(subject, column)
}
