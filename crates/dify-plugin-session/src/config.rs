//! Limits and clocks, and how they are set.

use std::time::Duration;

use dify_plugin_protocol::limits;

/// A chunk of a file is 8 KiB, which base64 makes longer by a third, within its message and its envelope.
const LEAST_FRAME_BYTES: usize = 16 * 1024;

/// Limits and clocks of a connection. Each can be set from the environment; see [`Config::from_env`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Longest frame taken from the daemon, in bytes. Default: 64 MiB. `DIFY_PLUGIN_MAX_LINE_BYTES`.
    pub max_line_bytes: usize,
    /// Longest frame written, in bytes; the sender of a longer one gets an error. Default: what the daemon takes,
    /// [`limits::DAEMON_FRAME_BYTES`]. `DIFY_PLUGIN_MAX_FRAME_BYTES`, at least 16 KiB: a chunk of a file must fit.
    pub max_frame_bytes: usize,
    /// Output waiting to be written above which senders wait, in bytes. Default: 256 KiB.
    /// `DIFY_PLUGIN_OUTPUT_BYTES`.
    pub output_bytes: usize,
    /// Unread replies kept for one call, in bytes; past it, only that call fails. Default: 4 MiB. One reply of any legal
    /// size always fits into an empty queue. `DIFY_PLUGIN_REPLY_QUEUE_BYTES`.
    pub reply_queue_bytes: usize,
    /// What all sessions together may keep, in bytes: requests, replies that wait for their handlers, ids and contexts, and
    /// errors that wait to be written. Past it, calls fail and requests are refused. Default: 256 MiB.
    /// `DIFY_PLUGIN_TOTAL_QUEUE_BYTES`.
    pub total_queue_bytes: usize,
    /// Most open sessions; past it, a request is refused at once. Default: 100,000. `MAX_WORKER`, which in the official SDK
    /// is the number of requests that run while others queue.
    pub max_sessions: usize,
    /// Silence after which a reverse invocation fails; each reply restarts the clock. Default: 250 s.
    /// `MAX_INVOCATION_TIMEOUT`, in seconds.
    pub invocation_timeout: Duration,
    /// How long a session may stay open. Default: 600 s, as long as the daemon's caller waits.
    /// `DIFY_PLUGIN_HANDLER_DEADLINE`, in seconds.
    pub handler_deadline: Duration,
    /// Pause between heartbeats, or `None` for none. The daemon kills a plugin that is silent for 120 s. Default:
    /// 10 s. `HEARTBEAT_INTERVAL`, in seconds.
    pub heartbeat_interval: Option<Duration>,
    /// How long open sessions may go on after [`Handle::shutdown`](crate::Handle::shutdown). Default: 10 s.
    /// `DIFY_PLUGIN_SHUTDOWN_GRACE`, in seconds.
    pub shutdown_grace: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_line_bytes: limits::PLUGIN_FRAME_BYTES,
            max_frame_bytes: limits::DAEMON_FRAME_BYTES,
            output_bytes: 256 * 1024,
            reply_queue_bytes: 4 * 1024 * 1024,
            total_queue_bytes: 256 * 1024 * 1024,
            max_sessions: 100_000,
            invocation_timeout: Duration::from_secs(250),
            handler_deadline: Duration::from_secs(600),
            heartbeat_interval: Some(Duration::from_secs(10)),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// A variable that could not be read. Its value is shown: these are numbers, never secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} is `{value}`; it must be {expected}")]
#[non_exhaustive]
pub struct ConfigError {
    /// The environment variable.
    pub name: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it should be.
    pub expected: &'static str,
}

impl Config {
    /// The fields that [`from_env`](Config::from_env) sets, each with its environment variable. Errors of this crate name the
    /// field, since not everyone reads the environment; with this table a program that does can name the variable.
    pub const VARIABLES: [(&str, &str); 10] = [
        ("max_line_bytes", "DIFY_PLUGIN_MAX_LINE_BYTES"),
        ("max_frame_bytes", "DIFY_PLUGIN_MAX_FRAME_BYTES"),
        ("output_bytes", "DIFY_PLUGIN_OUTPUT_BYTES"),
        ("reply_queue_bytes", "DIFY_PLUGIN_REPLY_QUEUE_BYTES"),
        ("total_queue_bytes", "DIFY_PLUGIN_TOTAL_QUEUE_BYTES"),
        ("max_sessions", "MAX_WORKER"),
        ("invocation_timeout", "MAX_INVOCATION_TIMEOUT"),
        ("handler_deadline", "DIFY_PLUGIN_HANDLER_DEADLINE"),
        ("heartbeat_interval", "HEARTBEAT_INTERVAL"),
        ("shutdown_grace", "DIFY_PLUGIN_SHUTDOWN_GRACE"),
    ];

    /// Reads the configuration from the environment: the defaults, changed by the variables named at each field.
    ///
    /// # Errors
    ///
    /// If a variable is set to something that is not a number of its kind.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Reads the configuration from another source than the process's environment, asking `var` for each variable. See
    /// [`Config::from_env`].
    ///
    /// # Errors
    ///
    /// If a variable is set to something that is not a number of its kind.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let mut heartbeat_interval = config.heartbeat_interval.unwrap_or_default();
        // The fields below stand in the order of that table.
        let mut variables = Self::VARIABLES.into_iter().map(|(_, variable)| variable);
        for (field, least, expected) in [
            (&mut config.max_line_bytes, 1, "a whole number above 0"),
            (&mut config.max_frame_bytes, LEAST_FRAME_BYTES, "a whole number of at least 16384"),
            (&mut config.output_bytes, 1, "a whole number above 0"),
            (&mut config.reply_queue_bytes, 1, "a whole number above 0"),
            (&mut config.total_queue_bytes, 1, "a whole number above 0"),
            (&mut config.max_sessions, 1, "a whole number above 0"),
        ] {
            let read = |value: &str| value.parse().ok().filter(|number| *number >= least);
            set(field, variables.next(), expected, &var, read)?;
        }
        for field in [
            &mut config.invocation_timeout,
            &mut config.handler_deadline,
            &mut heartbeat_interval,
            &mut config.shutdown_grace,
        ] {
            set(field, variables.next(), "a number of seconds above 0", &var, |value| {
                let seconds = Duration::try_from_secs_f64(value.parse().ok()?).ok()?;
                (!seconds.is_zero()).then_some(seconds)
            })?;
        }
        config.heartbeat_interval = Some(heartbeat_interval);
        Ok(config)
    }

    /// Replaces values with which nothing could ever be written (no room at all), or only heartbeats (no pause between them).
    pub(crate) fn at_least_workable(mut self) -> Self {
        self.output_bytes = self.output_bytes.max(1);
        self.heartbeat_interval = self.heartbeat_interval.map(|pause| pause.max(Duration::from_millis(1)));
        self
    }
}

/// Sets `field` to the value of the `variable`, if that is set.
fn set<T>(
    field: &mut T,
    variable: Option<&'static str>,
    expected: &'static str,
    var: impl Fn(&str) -> Option<String>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<(), ConfigError> {
    if let Some(name) = variable
        && let Some(value) = var(name)
    {
        *field = read(value.trim()).ok_or(ConfigError { name, value, expected })?;
    }
    Ok(())
}
