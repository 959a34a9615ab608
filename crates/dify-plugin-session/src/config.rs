//! What an operator can set.

use std::time::Duration;

use dify_plugin_protocol::limits;

/// A piece of a file is 8 KiB, in base64, within its message and its envelope.
const LEAST_FRAME_BYTES: usize = 16 * 1024;

/// Limits and clocks of a connection. Each can be set from the environment, see [`Config::from_env`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Longest line taken from the daemon, in bytes. Default: 64 MiB. `DIFY_PLUGIN_MAX_LINE_BYTES`.
    pub max_line_bytes: usize,
    /// Longest line written, in bytes; a longer one is refused with an error to its sender. Default: what the daemon
    /// takes, [`limits::DAEMON_LINE_BYTES`]. `DIFY_PLUGIN_MAX_FRAME_BYTES`, of at least 16 KiB: the pieces of a file are of
    /// a fixed size.
    pub max_frame_bytes: usize,
    /// Output waiting to be written above which senders wait, in bytes. Default: 256 KiB.
    /// `DIFY_PLUGIN_OUTPUT_BYTES`.
    pub output_bytes: usize,
    /// Undelivered replies kept for one call, in bytes; past it, that call alone fails. Default: 4 MiB; one reply of
    /// any legal size always fits an empty queue. `DIFY_PLUGIN_REPLY_QUEUE_BYTES`.
    pub reply_queue_bytes: usize,
    /// What all sessions together may keep, in bytes: requests and replies that wait for their handlers, ids and contexts,
    /// and errors that wait to be written. Past it calls fail and requests are refused. Default: 256 MiB.
    /// `DIFY_PLUGIN_TOTAL_QUEUE_BYTES`.
    pub total_queue_bytes: usize,
    /// Open sessions at most; past it a request is refused at once. Default: 100,000. `MAX_WORKER`, which in the
    /// official SDK is the number of requests that run while others queue.
    pub max_sessions: usize,
    /// Silence after which a reverse invocation fails; every reply starts it anew. Default: 250 s.
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
            max_line_bytes: limits::PLUGIN_LINE_BYTES,
            max_frame_bytes: limits::DAEMON_LINE_BYTES,
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

/// A setting that could not be read. Its value is shown: these are numbers, never secrets.
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
    /// The defaults, changed by the environment variables named at each field.
    ///
    /// # Errors
    ///
    /// If one of them is set to something that is no number of its kind.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// As [`Config::from_env`], asking `var` for each variable: for another source than the process's environment.
    ///
    /// # Errors
    ///
    /// As [`Config::from_env`].
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let number = |name: &'static str, target: &mut usize| -> Result<(), ConfigError> {
            let expected = "a whole number above 0";
            if let Some(value) = var(name) {
                *target = match value.trim().parse() {
                    Ok(number) if number > 0 => number,
                    _ => return Err(ConfigError { name, value, expected }),
                };
            }
            Ok(())
        };
        let seconds = |name: &'static str, target: &mut Duration| -> Result<(), ConfigError> {
            let expected = "a number of seconds above 0";
            if let Some(value) = var(name) {
                *target =
                    match value.trim().parse().ok().and_then(|s: f64| Duration::try_from_secs_f64(s).ok()) {
                        Some(duration) if !duration.is_zero() => duration,
                        _ => return Err(ConfigError { name, value, expected }),
                    };
            }
            Ok(())
        };
        number("DIFY_PLUGIN_MAX_LINE_BYTES", &mut config.max_line_bytes)?;
        number("DIFY_PLUGIN_MAX_FRAME_BYTES", &mut config.max_frame_bytes)?;
        if config.max_frame_bytes < LEAST_FRAME_BYTES {
            let value = config.max_frame_bytes.to_string();
            let expected = "at least 16384: a piece of a file takes that much";
            return Err(ConfigError { name: "DIFY_PLUGIN_MAX_FRAME_BYTES", value, expected });
        }
        number("DIFY_PLUGIN_OUTPUT_BYTES", &mut config.output_bytes)?;
        number("DIFY_PLUGIN_REPLY_QUEUE_BYTES", &mut config.reply_queue_bytes)?;
        number("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", &mut config.total_queue_bytes)?;
        number("MAX_WORKER", &mut config.max_sessions)?;
        seconds("MAX_INVOCATION_TIMEOUT", &mut config.invocation_timeout)?;
        seconds("DIFY_PLUGIN_HANDLER_DEADLINE", &mut config.handler_deadline)?;
        seconds("DIFY_PLUGIN_SHUTDOWN_GRACE", &mut config.shutdown_grace)?;
        let mut heartbeat = config.heartbeat_interval.unwrap_or_default();
        seconds("HEARTBEAT_INTERVAL", &mut heartbeat)?;
        config.heartbeat_interval = Some(heartbeat);
        Ok(config)
    }

    /// Without the values with which nothing could ever be written, or nothing else.
    pub(crate) fn at_least_workable(mut self) -> Self {
        self.output_bytes = self.output_bytes.max(1);
        self.heartbeat_interval = self.heartbeat_interval.map(|pause| pause.max(Duration::from_millis(1)));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_changes_what_it_names() {
        let config = Config::from_vars(|name| match name {
            "MAX_WORKER" => Some("7".to_owned()),
            "HEARTBEAT_INTERVAL" => Some(" 0.5 ".to_owned()),
            _ => None,
        })
        .unwrap();
        assert_eq!(config.max_sessions, 7);
        assert_eq!(config.heartbeat_interval, Some(Duration::from_millis(500)));
        assert_eq!(config.invocation_timeout, Duration::from_secs(250));
    }

    #[test]
    fn what_is_no_number_is_named() {
        for bad in ["", "x", "-1", "0", "NaN", "1e400"] {
            let error = Config::from_vars(|name| (name == "MAX_INVOCATION_TIMEOUT").then(|| bad.to_owned()));
            assert_eq!(error.unwrap_err().name, "MAX_INVOCATION_TIMEOUT", "{bad:?}");
        }
    }
}
