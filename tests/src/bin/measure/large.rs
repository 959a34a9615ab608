//! Large messages.

use std::time::Instant;

use crate::Result;
use crate::plugin::Plugin;
use crate::proc;
use crate::report::{Column, Row};
use crate::subject::Amounts;
use crate::wire::request;

/// The size of a file, and of a text.
const BYTES: usize = 1 << 20;

const FILE: Row = Row::new("files out", "MiB/s");
const TEXT: Row = Row::new("texts of 1 MiB, in and out", "MiB/s");
const AFTER: Row = Row::new("memory after all this, RSS", "MiB");

pub(crate) const ROWS: [Row; 3] = [FILE, TEXT, AFTER];

pub(crate) fn measure(plugin: &mut Plugin, amounts: &Amounts, column: &mut Column<'_>) -> Result<()> {
    // In base64 a file is longer by a third.
    column.add(&FILE, rate(plugin, "blob", "", BYTES / 3 * 4, amounts.large)?);
    column.add(&TEXT, rate(plugin, "echo", &"duck".repeat(BYTES / 4), BYTES, amounts.large)?);
    column.add(&AFTER, proc::memory_mib(plugin.pid(), "VmRSS")?);
    Ok(())
}

/// Returns the MiB per second of consecutive responses, each of at least `least` bytes.
fn rate(plugin: &mut Plugin, tool: &str, text: &str, least: usize, times: usize) -> Result<f64> {
    let mut seconds = 0.0;
    for n in 0..times {
        let line = request(&format!("{tool}-{n}"), tool, text);
        let asked = Instant::now();
        let (_, bytes) = plugin.ask(line.as_bytes())?;
        seconds += asked.elapsed().as_secs_f64();
        if bytes < least {
            return Err(format!("{tool} answered with {bytes} bytes").into());
        }
    }
    Ok((times * BYTES) as f64 / (1 << 20) as f64 / seconds)
}
