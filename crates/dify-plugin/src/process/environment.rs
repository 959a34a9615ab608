//! The settings of the operator: environment variables, and `.env` in the working directory.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use dify_plugin_session::{Config, ConfigError};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The variables. They are never printed: the daemon passes on its own environment, secrets included.
pub(crate) struct Environment {
    file: HashMap<String, String>,
    /// The numbers of malformed lines of `.env`.
    unreadable: Vec<usize>,
}

impl Environment {
    /// Reads `.env` in the working directory, if there is one, as the official SDK does. Its variables are not added to the
    /// process's environment, so child processes don't get them.
    pub(crate) fn load() -> Result<Self, EnvironmentError> {
        match std::fs::read_to_string(".env") {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::parse("")),
            Err(error) => Err(EnvironmentError::File(error)),
        }
    }

    fn parse(text: &str) -> Self {
        let (mut file, mut unreadable) = (HashMap::new(), Vec::new());
        for entry in dotenvy::from_read_iter(text.as_bytes()) {
            match entry {
                Ok((name, value)) => {
                    file.insert(name, value);
                }
                // Not an error: the file is the author's, and other programs may accept the line.
                Err(dotenvy::Error::LineParse(line, _)) => {
                    unreadable
                        .extend(text.lines().position(|other| other.trim_end() == line).map(|at| at + 1));
                }
                Err(_) => {}
            }
        }
        Self { file, unreadable }
    }

    /// Logs which lines of `.env` were skipped, but not their text, which may be a secret.
    pub(crate) fn warn(&self) {
        for line in &self.unreadable {
            tracing::warn!(
                ".env:{line}: skipped: it is not of the form NAME=value; quote values with spaces"
            );
        }
    }

    /// Returns a variable. The environment overrides `.env`. As in the official SDK, case does not matter.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        let is_meant = |other: &str| other.eq_ignore_ascii_case(name);
        let in_any_case = || {
            let mut all = std::env::vars_os();
            let (_, value) = all.find(|(other, _)| other.to_str().is_some_and(is_meant))?;
            value.into_string().ok()
        };
        let in_file = || self.file.iter().find(|(other, _)| is_meant(other)).map(|(_, value)| value.clone());
        std::env::var(name).ok().or_else(in_any_case).or_else(in_file)
    }
}

/// The settings that are read from the variables.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) session: Config,
    pub(crate) workers: Option<usize>,
    pub(crate) end_delay: Option<Duration>,
    pub(crate) log: Targets,
    #[cfg(feature = "files")]
    pub(crate) files: crate::file::Downloads,
}

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvironmentError {
    #[error(transparent)]
    Session(#[from] ConfigError),
    /// The value is shown, since none of these variables is a secret.
    #[error("the environment variable {name} is `{value}`; it must be {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
    #[error(
        "INSTALL_METHOD is `{0}`, which this version does not support yet; it supports `local`, over stdin and stdout"
    )]
    NotYet(String),
    #[error("reading .env failed: {0}")]
    File(io::Error),
}

/// Returns whether the plugin is to describe itself instead of serving. The other variables don't matter then.
pub(crate) fn asks_for_description(var: impl Fn(&str) -> Option<String>) -> Result<bool, EnvironmentError> {
    let asked = read(var, "DIFY_PLUGIN_DESCRIBE", "1 or 0", |text| match text {
        "1" => Some(true),
        "0" | "" => Some(false),
        _ => None,
    })?;
    Ok(asked.unwrap_or(false))
}

impl Settings {
    /// Reads each variable with `var`.
    pub(crate) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        match var("INSTALL_METHOD") {
            None => {}
            Some(method) if method == "local" => {}
            Some(method) if method == "remote" || method == "serverless" => {
                return Err(EnvironmentError::NotYet(method));
            }
            Some(value) => {
                let expected = "`local`, `remote` or `serverless`";
                return Err(EnvironmentError::Value { name: "INSTALL_METHOD", value, expected });
            }
        }
        // Unused over stdin and stdout, but a wrong value stops the start, as in the official SDK.
        read(&var, "MAX_REQUEST_TIMEOUT", "a whole number of seconds", |text| text.parse::<u64>().ok())?;
        let workers = read(&var, "DIFY_PLUGIN_WORKERS", "a whole number above 0", |text| {
            text.parse().ok().filter(|workers| *workers > 0)
        })?;
        let end_delay = read(&var, "DIFY_PLUGIN_ENDPOINT_END_DELAY", "a number of seconds, or 0", |text| {
            Duration::try_from_secs_f64(text.parse().ok()?).ok()
        })?;
        let log = read(
            &var,
            "DIFY_PLUGIN_LOG",
            "a level (off, error, warn, info, debug or trace) or target=level, several with commas between them as in \
             `info,hyper=warn`",
            log_targets,
        )?;
        Ok(Self {
            session: Config::from_vars(&var)?,
            workers,
            end_delay,
            log: log.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO)),
            #[cfg(feature = "files")]
            files: crate::file::Downloads::new(
                var("FILES_URL").filter(|url| !url.trim().is_empty()),
                read(&var, "HTTPX_TIMEOUT", "a number of seconds above 0", |text| {
                    Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|limit| !limit.is_zero())
                })?,
            ),
        })
    }
}

/// Reads levels and targets. `Targets` would read any word as a target, so a misspelt level would turn logging off.
fn log_targets(text: &str) -> Option<Targets> {
    let mut targets = Targets::new();
    for directive in text.split(',') {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (Some(target.trim()), level),
            None => (None, directive),
        };
        let level = match level.trim().to_ascii_lowercase().as_str() {
            "off" => LevelFilter::OFF,
            "error" => LevelFilter::ERROR,
            "warn" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return None,
        };
        targets = match target {
            None => targets.with_default(level),
            Some("") => return None,
            Some(target) => targets.with_target(target, level),
        };
    }
    Some(targets)
}

fn read<T>(
    var: impl Fn(&str) -> Option<String>,
    name: &'static str,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, EnvironmentError> {
    let Some(value) = var(name) else { return Ok(None) };
    match parse(value.trim()) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(EnvironmentError::Value { name, value, expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README lists exactly the variables that are read, with their defaults.
    #[test]
    fn the_readme_has_every_variable_and_its_default() {
        let readme = include_str!("../../README.md");
        let rows = readme.lines().skip_while(|line| !line.starts_with("| variable |")).skip(2);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let written: HashMap<&str, &str> = rows
            .filter(|row| cfg!(feature = "files") || !row.contains("(feature `files`)"))
            .map(|row| row.split('|').map(|cell| cell.trim().trim_matches('`')))
            .filter_map(|mut cells| Some((cells.nth(1)?, cells.next()?)))
            .collect();

        let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let note = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            None
        };
        let settings = Settings::from_vars(note);
        assert!(!asks_for_description(note).unwrap());
        let mut names: Vec<&str> = written.keys().copied().collect();
        names.sort_unstable();
        assert_eq!(asked.into_inner().into_iter().collect::<Vec<_>>(), names);

        let settings = settings.unwrap();
        assert_eq!((settings.workers, settings.end_delay), (None, None));
        assert_eq!(settings.log.default_level(), Some(tracing::Level::INFO.into()));
        let config = settings.session;
        for (name, default) in [
            ("DIFY_PLUGIN_MAX_LINE_BYTES", config.max_line_bytes),
            ("DIFY_PLUGIN_MAX_FRAME_BYTES", config.max_frame_bytes),
            ("DIFY_PLUGIN_OUTPUT_BYTES", config.output_bytes),
            ("DIFY_PLUGIN_REPLY_QUEUE_BYTES", config.reply_queue_bytes),
            ("DIFY_PLUGIN_TOTAL_QUEUE_BYTES", config.total_queue_bytes),
            ("MAX_WORKER", config.max_sessions),
        ] {
            assert_eq!(written[name], default.to_string(), "{name}");
        }
        for (name, default) in [
            ("MAX_INVOCATION_TIMEOUT", config.invocation_timeout),
            ("DIFY_PLUGIN_HANDLER_DEADLINE", config.handler_deadline),
            ("DIFY_PLUGIN_SHUTDOWN_GRACE", config.shutdown_grace),
            ("HEARTBEAT_INTERVAL", config.heartbeat_interval.unwrap()),
        ] {
            assert_eq!(written[name], default.as_secs().to_string(), "{name}");
        }
    }
}
