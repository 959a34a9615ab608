//! Sessions whose replies trickle in: one frame at a time, as a daemon writes them.

use std::io::Write;
use std::thread;
use std::time::Duration;

use crate::Result;
use crate::plugin::Plugin;
use crate::proc;
use crate::relay::open;
use crate::report::{Column, Row};
use crate::subject::Amounts;
use crate::wire::{Kind, kind};

/// The number of concurrent relays.
const RELAYS: usize = 64;

/// The pause after each frame: long enough for a plugin to finish handling it.
const PAUSE: Duration = Duration::from_micros(100);

const CPU: Row = Row::new("relay, 64 sessions, one message at a time, CPU a message", "µs");
const SWITCHES: Row = Row::new("relay, 64 sessions, one message at a time, thread switches a message", "");

pub(crate) const ROWS: [Row; 2] = [CPU, SWITCHES];

pub(crate) fn measure(plugin: &mut Plugin, amounts: &Amounts, column: &mut Column<'_>) -> Result<()> {
    let calls = open(plugin, RELAYS)?;
    let mut events = vec![String::new(); RELAYS];
    let mut ends = String::new();
    for (call, event) in calls.iter().zip(&mut events) {
        call.write_event(event);
        call.write_end(&mut ends);
    }
    let (pid, messages) = (plugin.pid(), amounts.trickled);
    let (input, output) = (&mut plugin.input, &mut plugin.output);
    let (cpu, switches) = (proc::cpu(pid)?, proc::switches(pid)?);
    thread::scope(|scope| {
        let writer = scope.spawn(|| -> Result<()> {
            for event in events.iter().cycle().take(messages) {
                input.write_all(event.as_bytes())?;
                thread::sleep(PAUSE);
            }
            Ok(())
        });
        for _ in 0..messages {
            while !matches!(kind(output.line()?)?, Kind::Stream) {}
        }
        writer.join().map_err(|_| "the writer panicked")?
    })?;
    column.add(&CPU, (proc::cpu(pid)? - cpu) * 1e6 / messages as f64);
    column.add(&SWITCHES, (proc::switches(pid)? - switches) / messages as f64);
    input.write_all(ends.as_bytes())?;
    for _ in 0..RELAYS {
        while !matches!(kind(output.line()?)?, Kind::End) {}
    }
    Ok(())
}
