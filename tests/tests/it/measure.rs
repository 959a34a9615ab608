//! The benchmark still works. It runs with counts so small that its figures mean nothing.

use std::process::Command;

use scenarios::example;

/// The rows that must have figures.
const ROWS: [&str; 18] = [
    "start to first heartbeat, ms",
    "idle memory, RSS, MiB",
    "idle memory, PSS, MiB",
    "idle, wake-ups a minute",
    "idle, CPU a minute, ms",
    "idle, heartbeats a minute",
    "echo, one in flight, p50, µs",
    "echo, one in flight, p99, µs",
    "echo, 64 in flight, 1/s",
    "relay, 16 sessions, msg/s",
    "relay, CPU a message, µs",
    "files out, MiB/s",
    "texts of 1 MiB, in and out, MiB/s",
    "memory after all this, RSS, MiB",
    "relay, 100 open, msg/s",
    "CPU a message, 100 open, 16 of them streaming, µs",
    "memory, 100 waiting, RSS, MiB",
    "memory, 100 streaming, RSS at most, MiB",
];

#[test]
fn the_benchmark_has_a_figure_for_everybody_in_every_row_and_draws_them() {
    example("bench");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let picture = folder.path().join("plot.svg");
    let output = Command::new(env!("CARGO_BIN_EXE_measure"))
        .args(["--quick", "--plot"])
        .arg(&picture)
        .output()
        .expect("the benchmark starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");

    let tables = String::from_utf8(output.stdout).expect("tables are UTF-8");
    for heading in tables.lines().filter(|line| line.starts_with("| |")) {
        assert_eq!(heading, "| | floor | session layer | one worker | default workers |");
    }
    for row in ROWS {
        let cells = cells(&tables, row).unwrap_or_else(|| panic!("no row `{row}` in\n{tables}"));
        assert_eq!(cells.len(), 4, "{row}: {cells:?}");
        // A plugin that sleeps while it is observed has no wake-ups.
        let idle = row.starts_with("idle, ");
        for cell in cells {
            let figure = cell.split([' ', ',']).next().unwrap_or_default();
            let is_figure = figure.parse::<f64>().is_ok_and(|figure| figure > 0.0 || idle);
            assert!(is_figure, "{row}: `{cell}` in\n{tables}");
        }
    }

    let picture = std::fs::read_to_string(picture).expect("the picture was drawn");
    for text in
        ["Relayed messages a second", "Memory while all of them wait", "one worker", "default workers"]
    {
        assert!(picture.contains(text), "no `{text}` in the picture");
    }
}

/// Returns the figures of the contenders in a row.
fn cells<'a>(tables: &'a str, row: &str) -> Option<Vec<&'a str>> {
    let cells =
        tables.lines().find_map(|line| line.strip_prefix("| ")?.strip_prefix(row)?.strip_prefix(" | "))?;
    Some(cells.trim_end_matches(" |").split(" | ").collect())
}
