//! The cost of a plugin before its first request.

use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::plugin::Plugin;
use crate::proc;
use crate::report::{Column, Report, Row};
use crate::subject::Subject;

const START: Row = Row::new("start to first heartbeat", "ms");
const RESIDENT: Row = Row::new("idle memory, RSS", "MiB");
const SHARED_OUT: Row = Row::new("idle memory, PSS", "MiB");
const WAKES: Row = Row::new("idle, wake-ups a minute", "");
const CPU: Row = Row::new("idle, CPU a minute", "ms");
const HEARTBEATS: Row = Row::new("idle, heartbeats a minute", "").against(&[]);

pub(crate) const ROWS: [Row; 6] = [START, RESIDENT, SHARED_OUT, WAKES, CPU, HEARTBEATS];

/// Starts the plugin for the next measurements.
pub(crate) fn start(subject: &Subject, column: &mut Column<'_>) -> Result<Plugin> {
    let started = Instant::now();
    let plugin = Plugin::start(subject)?;
    column.add(&START, started.elapsed().as_secs_f64() * 1e3);
    thread::sleep(subject.amounts.settling);
    column.add(&RESIDENT, proc::memory_mib(plugin.pid(), "VmRSS")?);
    column.add(&SHARED_OUT, proc::shared_out_mib(plugin.pid())?);
    Ok(plugin)
}

/// Leaves all plugins idle for a while at the same time; sleeping processes don't disturb each other.
pub(crate) fn idle(subjects: &[Subject], report: &mut Report) -> Result<()> {
    let longest = |of: fn(&Subject) -> Duration| subjects.iter().map(of).max().unwrap_or_default();
    let window = longest(|subject| subject.amounts.idle);
    let mut plugins = Vec::new();
    for subject in subjects {
        plugins.push(Plugin::start(subject).map_err(|error| format!("{}: {error}", subject.name))?);
    }
    thread::sleep(longest(|subject| subject.amounts.settling));
    let mut before = Vec::new();
    for plugin in &mut plugins {
        plugin.output.count_waiting_lines()?;
        before.push((proc::switches(plugin.pid())?, proc::cpu(plugin.pid())?));
    }
    thread::sleep(window);
    let minutes = window.as_secs_f64() / 60.0;
    for (index, (plugin, (switches, cpu))) in plugins.iter_mut().zip(before).enumerate() {
        let mut column = report.column(index);
        column.add(&WAKES, (proc::switches(plugin.pid())? - switches) / minutes);
        column.add(&CPU, (proc::cpu(plugin.pid())? - cpu) * 1e3 / minutes);
        column.add(&HEARTBEATS, plugin.output.count_waiting_lines()? as f64 / minutes);
    }
    Ok(())
}
