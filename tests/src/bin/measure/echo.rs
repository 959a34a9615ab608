//! Small requests and responses.

use std::io::Write;
use std::time::Instant;

use crate::Result;
use crate::plugin::Plugin;
use crate::report::{Column, Row, quantile};
use crate::subject::Amounts;
use crate::wire::{Kind, kind, request};

const IN_FLIGHT: usize = 64;

const MIDDLE: Row = Row::new("echo, one in flight, p50", "µs");
const SLOWEST: Row = Row::new("echo, one in flight, p99", "µs");
const RATE: Row = Row::new("echo, 64 in flight", "1/s");

pub(crate) const ROWS: [Row; 3] = [MIDDLE, SLOWEST, RATE];

pub(crate) fn measure(plugin: &mut Plugin, amounts: &Amounts, column: &mut Column<'_>) -> Result<()> {
    let mut latencies = Vec::new();
    for n in 0..amounts.echoes {
        let line = request(&format!("one-{n:06}"), "echo", "hello");
        let asked = Instant::now();
        let (messages, _) = plugin.ask(line.as_bytes())?;
        latencies.push(asked.elapsed().as_secs_f64() * 1e6);
        if messages != 1 {
            return Err(format!("echo answered with {messages} messages").into());
        }
    }
    latencies.sort_by(f64::total_cmp);
    column.add(&MIDDLE, quantile(&latencies, 0.5));
    column.add(&SLOWEST, quantile(&latencies, 0.99));
    column.add(&RATE, rate(plugin, amounts.echoes_at_once)?);
    Ok(())
}

/// Returns the echoes per second; a new one starts whenever one ends.
fn rate(plugin: &mut Plugin, echoes: usize) -> Result<f64> {
    // All have the same length.
    let lines: Vec<String> = (0..echoes).map(|n| request(&format!("many-{n:06}"), "echo", "hello")).collect();
    let length = lines.first().map_or(0, String::len);
    let lines = lines.concat();
    let began = Instant::now();
    let (mut sent, mut ended) = (0, 0);
    while ended < echoes {
        let next = echoes.min(ended + IN_FLIGHT);
        plugin.input.write_all(&lines.as_bytes()[sent * length..next * length])?;
        sent = next;
        plugin.output.fill()?;
        while let Some(line) = plugin.output.read_line() {
            ended += usize::from(matches!(kind(line)?, Kind::End));
        }
    }
    Ok(echoes as f64 / began.elapsed().as_secs_f64())
}
