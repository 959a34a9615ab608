//! The contenders, and their workloads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use scenarios::Launch;

use crate::Result;
use crate::options::Options;

/// The contenders that others are compared with, and a short name for each.
pub(crate) type Yardstick = (&'static str, &'static str);

pub(crate) const YARDSTICKS: [Yardstick; 2] = [(FLOOR, "floor"), SDK];

pub(crate) const SDK: Yardstick = (OFFICIAL, "SDK");

/// The contenders in the plot, and their labels.
pub(crate) const PICTURED: [(&str, &str); 3] = [
    (ONE_WORKER, "dify-plugin, one worker"),
    (DEFAULT_WORKERS, "dify-plugin, default workers"),
    (OFFICIAL, "official Python SDK"),
];

const FLOOR: &str = "floor";
const ONE_WORKER: &str = "one worker";
const DEFAULT_WORKERS: &str = "default workers";
const OFFICIAL: &str = "official SDK";

/// One contender.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) launch: Launch,
    pub(crate) amounts: Amounts,
}

/// The workload of a contender: enough to be measured, and no more than takes a few seconds.
#[derive(Clone, Copy)]
pub(crate) struct Amounts {
    /// How long it is left alone until its memory has settled.
    pub(crate) settling: Duration,
    /// How long it is observed while idle, which includes a heartbeat.
    pub(crate) idle: Duration,
    /// Echoes, one after the other.
    pub(crate) echoes: usize,
    /// Echoes, many in flight.
    pub(crate) echoes_at_once: usize,
    /// Messages to be relayed.
    pub(crate) messages: usize,
    /// Messages to be relayed that come one by one.
    pub(crate) trickled: usize,
    /// Files of a MiB, and texts.
    pub(crate) large: usize,
    /// How many sessions are open at once, ascending.
    pub(crate) sessions: &'static [usize],
}

const FAST: Amounts = Amounts {
    settling: Duration::from_millis(300),
    idle: Duration::from_secs(10),
    echoes: 5_000,
    echoes_at_once: 20_000,
    messages: 400_000,
    trickled: 5_000,
    large: 32,
    sessions: &[1, 10, 100, 1_000, 10_000, 100_000],
};

/// The official SDK has a thread for each session, 1,000 at most.
const SLOW: Amounts = Amounts {
    echoes: 1_000,
    echoes_at_once: 1_000,
    messages: 9_600,
    trickled: 1_000,
    large: 8,
    sessions: &[1, 10, 100, 1_000],
    ..FAST
};

const QUICK: Amounts = Amounts {
    settling: Duration::ZERO,
    idle: Duration::from_millis(100),
    echoes: 20,
    echoes_at_once: 100,
    messages: 800,
    trickled: 100,
    large: 1,
    sessions: &[1, 10, 100],
};

/// The contenders, in the order of the table's columns.
pub(crate) fn subjects(options: &Options) -> Result<Vec<Subject>> {
    let here = std::env::current_exe()?;
    let built = here.parent().ok_or("the program has no folder")?;
    let rust = |name, program: &str, workers: Option<&str>| {
        let launch = Launch::new(built.join(program));
        let launch = workers.into_iter().fold(launch, |launch, n| launch.env("DIFY_PLUGIN_WORKERS", n));
        Subject { name, launch, amounts: if options.quick { QUICK } else { FAST } }
    };
    let mut subjects = vec![
        rust(FLOOR, "floor", None),
        rust("session layer", "multiplexer", None),
        rust(ONE_WORKER, "bench", Some("1")),
        rust(DEFAULT_WORKERS, "bench", None),
    ];
    subjects.extend(options.python.as_deref().map(|python| official(python, options)));
    if let Some(unknown) =
        options.only.iter().find(|name| subjects.iter().all(|subject| subject.name != **name))
    {
        return Err(format!("there is no contender `{unknown}`").into());
    }
    subjects
        .retain(|subject| options.only.is_empty() || options.only.iter().any(|name| name == subject.name));
    Ok(subjects)
}

fn official(python: &Path, options: &Options) -> Subject {
    // It is started in another folder.
    let python = std::path::absolute(python).unwrap_or_else(|_| PathBuf::from(python));
    let launch = Launch::new(python).arg("-m").arg("main").current_dir(&options.twin);
    Subject { name: OFFICIAL, launch, amounts: if options.quick { QUICK } else { SLOW } }
}
