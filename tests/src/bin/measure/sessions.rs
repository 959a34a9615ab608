//! Increasing numbers of open sessions: their memory while they wait, and the cost of a message among them.

use std::thread;

use crate::Result;
use crate::plugin::Plugin;
use crate::proc;
use crate::relay::{After, RELAYS, open, stream};
use crate::report::{Column, Row, thousands};
use crate::subject::{SDK, Subject};

/// With fewer sessions, the memory of the process itself hides that of a session.
const TELLING: usize = 1_000;

pub(crate) fn rate(open: usize) -> Row {
    Row::counted(format!("relay, {} open", thousands(open as i64)), "msg/s")
}

fn cpu(open: usize) -> Row {
    Row::counted(format!("CPU a message, {} open", thousands(open as i64)), "µs")
}

/// Only a few of the open sessions are answered.
fn cpu_of_few(open: usize) -> Row {
    Row::counted(format!("CPU a message, {} open, {RELAYS} of them streaming", thousands(open as i64)), "µs")
}

// The floor keeps no sessions, so a ratio to it would be meaningless.

pub(crate) fn waiting(open: usize) -> Row {
    Row::counted(format!("memory, {} waiting, RSS", thousands(open as i64)), "MiB").against(&[SDK])
}

fn each(open: usize) -> Row {
    Row::counted(format!("memory a session, {} waiting", thousands(open as i64)), "bytes").against(&[SDK])
}

fn streaming(open: usize) -> Row {
    Row::counted(format!("memory, {} streaming, RSS at most", thousands(open as i64)), "MiB").against(&[SDK])
}

pub(crate) fn rows(counts: &[usize]) -> Vec<Row> {
    [rate, cpu, cpu_of_few, waiting, each, streaming]
        .iter()
        .flat_map(|row| counts.iter().map(|n| row(*n)))
        .collect()
}

pub(crate) fn measure(subject: &Subject, column: &mut Column<'_>) -> Result<()> {
    let counts = subject.amounts.sessions;
    for (index, &count) in counts.iter().enumerate() {
        let mut plugin = Plugin::start(subject)?;
        thread::sleep(subject.amounts.settling);
        let idle = proc::memory_mib(plugin.pid(), "VmRSS")?;
        let calls = open(&mut plugin, count)?;
        thread::sleep(subject.amounts.settling);
        let held = proc::memory_mib(plugin.pid(), "VmRSS")?;
        column.add(&waiting(count), held);
        if count >= TELLING {
            column.add(&each(count), (held - idle) * (1 << 20) as f64 / count as f64);
        }
        if index + 1 == counts.len() && count > RELAYS {
            let streamed = stream(&mut plugin, &calls[..RELAYS], subject.amounts.messages, After::StayOpen)?;
            column.add(&cpu_of_few(count), streamed.cpu_a_message());
        }
        let streamed = stream(&mut plugin, &calls, subject.amounts.messages, After::End)?;
        column.add(&rate(count), streamed.rate());
        column.add(&cpu(count), streamed.cpu_a_message());
        column.add(&streaming(count), streamed.resident);
    }
    Ok(())
}
