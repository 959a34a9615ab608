//! What the kernel reports about a process.

use std::fs;

use crate::Result;

/// Returns memory in MiB: `VmRSS` is the resident memory, `VmHWM` its peak.
pub(crate) fn memory_mib(pid: u32, field: &str) -> Result<f64> {
    kib(&format!("/proc/{pid}/status"), field)
}

/// Returns memory in MiB; memory that several processes share is divided among them.
pub(crate) fn shared_out_mib(pid: u32) -> Result<f64> {
    kib(&format!("/proc/{pid}/smaps_rollup"), "Pss")
}

fn kib(file: &str, field: &str) -> Result<f64> {
    Ok(number(&fs::read_to_string(file)?, field)? as f64 / 1024.0)
}

/// Returns the resident memory in MiB, fast enough to call during a measurement.
pub(crate) fn resident_now_mib(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: u64 = text.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok((pages * rustix::param::page_size() as u64) as f64 / (1 << 20) as f64)
}

/// Returns the CPU time of all threads so far, in seconds, as counted by the scheduler.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    sum(pid, |task| cpu_of(&format!("{task}/schedstat")))
}

/// Returns the CPU time of this thread so far, in seconds.
pub(crate) fn own_cpu() -> Result<f64> {
    cpu_of("/proc/thread-self/schedstat")
}

fn cpu_of(file: &str) -> Result<f64> {
    let text = fs::read_to_string(file)?;
    Ok(text.split(' ').next().unwrap_or_default().parse::<u64>()? as f64 / 1e9)
}

/// Returns the number of voluntary and involuntary context switches.
pub(crate) fn switches(pid: u32) -> Result<f64> {
    sum(pid, |task| {
        let status = fs::read_to_string(format!("{task}/status"))?;
        let of = |field| number(&status, field);
        Ok((of("voluntary_ctxt_switches")? + of("nonvoluntary_ctxt_switches")?) as f64)
    })
}

fn sum(pid: u32, of: impl Fn(&str) -> Result<f64>) -> Result<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        sum += of(&task?.path().to_string_lossy())?;
    }
    Ok(sum)
}

fn number(text: &str, field: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let line = line.ok_or_else(|| format!("the kernel says no {field}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
