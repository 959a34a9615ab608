//! Script files.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::app::ScriptedApp;

/// Why a script file can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The file can't be read.
    #[error("cannot read the script `{file}`")]
    Unreadable {
        /// Its path.
        file: String,
        /// The error of the system.
        source: Arc<io::Error>,
    },
    /// The file is not a valid script.
    #[error("{file}:{line}:{column}: {problem}")]
    Invalid {
        /// Its path.
        file: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong.
        problem: String,
    },
}

/// The apps of a script by id.
pub(super) type Apps = BTreeMap<String, ScriptedApp>;

/// Reads a file: JSON if its name ends in `.json`, else YAML.
pub(super) fn read(path: &Path) -> Result<Apps, ScriptError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScriptError::Unreadable { file: name.clone(), source: Arc::new(source) })?;
    if path.extension().is_none_or(|extension| extension != "json") {
        return from_yaml(&name, &text);
    }
    let file: File = serde_json::from_str(&text).map_err(|error| ScriptError::Invalid {
        file: name,
        line: error.line() as u64,
        column: error.column() as u64,
        problem: without_place(&error.to_string()),
    })?;
    Ok(file.apps())
}

pub(super) fn from_yaml(name: &str, text: &str) -> Result<Apps, ScriptError> {
    let file: Option<File> = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let location = error.location();
        ScriptError::Invalid {
            file: name.to_owned(),
            line: location.map_or(1, |at| at.line()),
            column: location.map_or(1, |at| at.column()),
            problem: without_place(&error.to_string()),
        }
    })?;
    Ok(file.unwrap_or_default().apps())
}

/// Removes the line and column from the end of a parser's message.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(problem, _)| problem).to_owned()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    apps: Option<BTreeMap<String, Option<App>>>,
}

impl File {
    fn apps(self) -> Apps {
        let apps = self.apps.unwrap_or_default().into_iter();
        apps.map(|(id, app)| (id, app.unwrap_or_default().0)).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(try_from = "AppFields")]
struct App(ScriptedApp);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppFields {
    events: Option<Vec<Step>>,
    error: Option<Refusal>,
    blocking: Option<Map<String, Value>>,
    parameters: Option<Map<String, Value>>,
}

impl TryFrom<AppFields> for App {
    type Error = &'static str;

    fn try_from(fields: AppFields) -> Result<Self, Self::Error> {
        let mut app = match fields.error {
            Some(_) if fields.events.is_some() => {
                return Err("`error` refuses every call, so `events` would never be sent; keep one of them");
            }
            Some(Refusal { status: Status(status), code, message }) => {
                ScriptedApp::refusing(status, &code, &message)
            }
            None => ScriptedApp::new(),
        };
        for step in fields.events.unwrap_or_default() {
            app = step.add_to(app);
        }
        if let Some(answer) = fields.blocking {
            app = app.blocking(answer.into());
        }
        if let Some(parameters) = fields.parameters {
            app = app.parameters(parameters.into());
        }
        Ok(Self(app))
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Refusal {
    status: Status,
    code: String,
    message: String,
}

impl Default for Refusal {
    fn default() -> Self {
        Self { status: Status(400), code: "invalid_param".to_owned(), message: String::new() }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "u16")]
struct Status(u16);

impl TryFrom<u16> for Status {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, Self::Error> {
        if (100..=599).contains(&status) {
            Ok(Self(status))
        } else {
            Err("expected an HTTP status, such as 400")
        }
    }
}

/// An entry of `events`: an event, whose fields stand beside `delay_ms` and `repeat`, a pause, or a failure.
#[derive(Deserialize)]
#[serde(try_from = "StepFields")]
enum Step {
    Event { event: Value, times: u64, delay: Duration },
    Wait(Duration),
    Fail(Duration, String),
}

#[derive(Deserialize)]
struct StepFields {
    delay_ms: Option<u64>,
    repeat: Option<u64>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl TryFrom<StepFields> for Step {
    type Error = &'static str;

    fn try_from(StepFields { delay_ms, repeat, mut fields }: StepFields) -> Result<Self, Self::Error> {
        let delay = Duration::from_millis(delay_ms.unwrap_or_default());
        if fields.contains_key("event") {
            return Ok(Self::Event { event: fields.into(), times: repeat.unwrap_or(1), delay });
        }
        if repeat.is_some() {
            return Err("`repeat` needs an `event`");
        }
        match (fields.remove("error"), fields.is_empty()) {
            (None, true) => Ok(Self::Wait(delay)),
            (Some(Value::String(text)), true) => Ok(Self::Fail(delay, text)),
            _ => Err("expected `event` with its fields, the text of an `error`, or `delay_ms`"),
        }
    }
}

impl Step {
    fn add_to(self, app: ScriptedApp) -> ScriptedApp {
        match self {
            Self::Event { event, times, delay } => app.repeat(times, delay, event),
            Self::Wait(delay) => app.wait(delay),
            Self::Fail(delay, text) => app.wait(delay).fail(text),
        }
    }
}
