//! The variables an operator sets: the process's environment, and `.env` in the working directory.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use dify_plugin_session::{Config, ConfigError};
use tracing_subscriber::filter::Targets;

/// Where variables come from. Never printed: the daemon hands a plugin its own environment, secrets included.
pub(crate) struct Environment {
    file: HashMap<String, String>,
}

impl Environment {
    /// Reads `.env` in the working directory, if there is one, as the official SDK does. It is not put into the process's
    /// environment, so child processes don't get it.
    pub(crate) fn load() -> Result<Self, EnvironmentError> {
        let entries = match dotenvy::from_path_iter(".env") {
            Ok(entries) => entries,
            Err(error) if error.not_found() => return Ok(Self { file: HashMap::new() }),
            Err(error) => return Err(EnvironmentError::from_dotenv(error)),
        };
        let file = entries.collect::<Result<_, _>>().map_err(EnvironmentError::from_dotenv)?;
        Ok(Self { file })
    }

    /// A variable; one in the real environment wins over one in `.env`.
    pub(crate) fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().or_else(|| self.file.get(name).cloned())
    }
}

/// What the variables say.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) session: Config,
    pub(crate) workers: Option<usize>,
    pub(crate) end_delay: Option<Duration>,
    pub(crate) log: Targets,
    #[cfg(feature = "files")]
    pub(crate) files: crate::file::Downloads,
}

/// Why the variables can't be followed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvironmentError {
    #[error(transparent)]
    Session(#[from] ConfigError),
    /// The value is shown: none of these is a secret.
    #[error("the environment variable {name} is `{value}`; it must be {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
    #[error(
        "INSTALL_METHOD is `{0}`, which this version cannot do yet; it speaks over stdin and stdout, as `local`"
    )]
    NotYet(String),
    #[error("reading .env failed: {0}")]
    File(io::Error),
    /// The line is not shown: it may hold a secret.
    #[error("a line of .env is not of the form NAME=value, beginning at its column {column}")]
    Line { column: usize },
}

impl EnvironmentError {
    fn from_dotenv(error: dotenvy::Error) -> Self {
        match error {
            dotenvy::Error::LineParse(_, column) => Self::Line { column },
            dotenvy::Error::Io(error) => Self::File(error),
            other => Self::File(io::Error::other(other)),
        }
    }
}

impl Settings {
    /// Asks `var` for each variable.
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
        // Not used over stdin and stdout, but as in the official SDK a wrong one stops the start.
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
            "a level such as `debug`, or targets with levels such as `info,hyper=warn`",
            |text| text.parse().ok(),
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

    fn settings(vars: &'static [(&str, &str)]) -> Result<Settings, EnvironmentError> {
        Settings::from_vars(|name| {
            vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_means_the_defaults() {
        let settings = settings(&[]).unwrap();
        assert_eq!(settings.workers, None);
        assert_eq!(settings.end_delay, None);
        assert_eq!(settings.log.default_level(), Some(tracing::Level::INFO.into()));
    }

    #[test]
    fn what_is_set_is_followed_or_named() {
        let good = [("DIFY_PLUGIN_WORKERS", "1"), ("DIFY_PLUGIN_ENDPOINT_END_DELAY", "0.25")];
        let set = settings(Box::leak(Box::new(good))).unwrap();
        assert_eq!((set.workers, set.end_delay), (Some(1), Some(Duration::from_millis(250))));
        for (name, value) in [
            ("DIFY_PLUGIN_WORKERS", "0"),
            ("DIFY_PLUGIN_ENDPOINT_END_DELAY", "-1"),
            ("MAX_REQUEST_TIMEOUT", "x"),
            ("DIFY_PLUGIN_LOG", "a=b=c"),
            ("INSTALL_METHOD", "Local"),
            ("HEARTBEAT_INTERVAL", "often"),
        ] {
            let vars = Box::leak(Box::new([(name, value)]));
            let error = settings(vars).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        let error = settings(&[("INSTALL_METHOD", "remote")]).unwrap_err();
        assert!(matches!(error, EnvironmentError::NotYet(_)));
    }
}
