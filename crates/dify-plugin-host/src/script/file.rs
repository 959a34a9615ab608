//! Script files.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::app::ScriptedApp;
use super::{Script, yaml};

/// Why a script file can't be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// The file can't be read.
    #[error("cannot read the script `{file}`")]
    Unreadable {
        /// Its path.
        file: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The file is not YAML, or not JSON.
    #[error("{file}:{line}:{column}: {problem}")]
    Syntax {
        /// Its path.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// The file says something a script doesn't have.
    #[error("{file}{}: {place}: {problem}", .line.map_or_else(String::new, |line| format!(":{line}")))]
    Invalid {
        /// Its path.
        file: String,
        /// The line of the fault, from 1, where it can be told.
        line: Option<usize>,
        /// The way to the fault, as in `apps.app-1.events[3]`.
        place: String,
        /// What is wrong and what to write.
        problem: String,
    },
}

pub(super) fn read(path: &Path) -> Result<Script, ScriptError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|source| ScriptError::Unreadable { file: name.clone(), source: Arc::new(source) })?;
    if path.extension().is_none_or(|extension| extension != "json") {
        return from_yaml(&name, &text);
    }
    let value = serde_json::from_str(&text).map_err(|error| ScriptError::Syntax {
        file: name.clone(),
        line: error.line(),
        column: error.column(),
        problem: error.to_string(),
    })?;
    from_value(&name, &text, value)
}

pub(super) fn from_yaml(name: &str, text: &str) -> Result<Script, ScriptError> {
    let value = yaml::read(text).map_err(|error| ScriptError::Syntax {
        file: name.to_owned(),
        line: error.line,
        column: error.column,
        problem: error.problem,
    })?;
    from_value(name, text, value)
}

/// `text` is for the line of a fault. JSON is YAML too.
fn from_value(file: &str, text: &str, value: Value) -> Result<Script, ScriptError> {
    let script = script(value).map_err(|Fault { place, problem }| ScriptError::Invalid {
        file: file.to_owned(),
        line: yaml::line_of(text, &place),
        place: if place.is_empty() { "the file".to_owned() } else { place },
        problem,
    })?;
    Ok(Script { file: Some(file.to_owned()), ..script })
}

/// What is wrong, and the way to it.
struct Fault {
    place: String,
    problem: String,
}

fn fault(place: &str, problem: impl Into<String>) -> Fault {
    Fault { place: place.to_owned(), problem: problem.into() }
}

fn script(value: Value) -> Result<Script, Fault> {
    let mut top = map("", value)?;
    let apps = map("apps", top.remove("apps").unwrap_or_default())?;
    nothing_else("", &top, "apps")?;
    let mut script = Script::new();
    for (id, value) in apps {
        script = script.app(&id, app(&format!("apps.{id}"), value)?);
    }
    Ok(script)
}

fn app(place: &str, value: Value) -> Result<ScriptedApp, Fault> {
    let mut fields = map(place, value)?;
    let mut app = match (fields.remove("error"), fields.contains_key("events")) {
        (None, _) => ScriptedApp::new(),
        (Some(_), true) => {
            return Err(fault(
                place,
                "`error` refuses every call, so `events` would never be sent; keep one of them",
            ));
        }
        (Some(error), false) => refusal(&format!("{place}.error"), error)?,
    };
    match fields.remove("events") {
        None | Some(Value::Null) => {}
        Some(Value::Array(events)) => {
            for (index, event) in events.into_iter().enumerate() {
                app = step(&format!("{place}.events[{index}]"), app, event)?;
            }
        }
        Some(_) => return Err(fault(&format!("{place}.events"), "expected a list")),
    }
    if let Some(answer) = fields.remove("blocking") {
        app = app.blocking(Value::Object(map(&format!("{place}.blocking"), answer)?));
    }
    if let Some(parameters) = fields.remove("parameters") {
        app = app.parameters(Value::Object(map(&format!("{place}.parameters"), parameters)?));
    }
    nothing_else(place, &fields, "events, error, blocking, parameters")?;
    Ok(app)
}

fn refusal(place: &str, value: Value) -> Result<ScriptedApp, Fault> {
    let mut fields = map(place, value)?;
    let status = match fields.remove("status").as_ref().map(Value::as_u64) {
        None => 400,
        Some(Some(status @ 100..=599)) => status as u16,
        Some(_) => return Err(fault(&format!("{place}.status"), "expected an HTTP status, as in 400")),
    };
    let mut text = |name: &str, default: &str| match fields.remove(name) {
        None => Ok(default.to_owned()),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(fault(&format!("{place}.{name}"), "expected text")),
    };
    let code = text("code", "invalid_param")?;
    let message = text("message", "")?;
    nothing_else(place, &fields, "status, code, message")?;
    Ok(ScriptedApp::refusing(status, &code, &message))
}

/// Adds one entry of `events`: an event with what steers it beside its own fields, a wait, or a failure.
fn step(place: &str, app: ScriptedApp, value: Value) -> Result<ScriptedApp, Fault> {
    let mut fields = map(place, value)?;
    let mut count = |name: &str| match fields.remove(name).as_ref().map(Value::as_u64) {
        None => Ok(None),
        Some(Some(count)) => Ok(Some(count)),
        Some(None) => Err(fault(&format!("{place}.{name}"), "expected a whole number, 0 or more")),
    };
    let delay = Duration::from_millis(count("delay_ms")?.unwrap_or_default());
    let times = count("repeat")?;
    if fields.contains_key("event") {
        return Ok(app.repeat(times.unwrap_or(1), delay, Value::Object(fields)));
    }
    if times.is_some() {
        return Err(fault(place, "`repeat` needs an `event`"));
    }
    let app = if delay.is_zero() { app } else { app.wait(delay) };
    match fields.remove("error") {
        Some(Value::String(text)) => {
            nothing_else(place, &fields, "delay_ms, error")?;
            Ok(app.fail(text))
        }
        Some(_) => Err(fault(&format!("{place}.error"), "expected the text of a failure in mid-stream")),
        None if fields.is_empty() => Ok(app),
        None => Err(fault(place, "expected `event` (with its fields), `error` or `delay_ms`")),
    }
}

fn map(place: &str, value: Value) -> Result<Map<String, Value>, Fault> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        _ => Err(fault(place, "expected a mapping")),
    }
}

fn nothing_else(place: &str, rest: &Map<String, Value>, known: &str) -> Result<(), Fault> {
    match rest.keys().next() {
        Some(name) => {
            let name = yaml::joined(place, name);
            Err(fault(&name, format!("this is not known here; there is: {known}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        from_yaml("s.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_of_the_front_page_is_a_script() {
        let readme = include_str!("../../README.md");
        let (_, rest) = readme.split_once("```yaml\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let script = from_yaml("README", text).unwrap();
        assert_eq!(script.apps.len(), 6);
        assert_eq!(script.apps["app-1"].steps.len(), 5);
        assert_eq!(script.warnings(), [""; 0]);
        assert!(script.apps["refuses"].refusal.is_some() && script.apps["own-blocking"].blocking.is_some());
        // The same as JSON.
        let json = serde_json::to_string(&super::yaml::read(text).ok().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.json");
        std::fs::write(&path, json).unwrap();
        assert_eq!(read(&path).unwrap().apps.len(), 6);
    }

    #[test]
    fn apps_whose_events_never_end_the_answer_are_warned_of() {
        let warned = |events: &str| {
            let script = from_yaml("s.yaml", &format!("apps: {{b: {events}, a: {events}}}")).unwrap();
            script.warnings()
        };
        let message = "{event: message, answer: delay}";
        for whole in [
            "{events: []}".to_owned(),
            "{parameters: {}}".to_owned(),
            "{error: {}}".to_owned(),
            format!("{{events: [{message}, {{event: message_end}}]}}"),
            format!("{{events: [{message}, {{event: workflow_paused}}]}}"),
            format!("{{events: [{{event: workflow_finished}}, {message}]}}"),
            format!("{{events: [{message}, {{event: error}}]}}"),
            format!("{{events: [{message}, {{error: broke}}]}}"),
        ] {
            assert_eq!(warned(&whole), [""; 0], "{whole}");
        }
        for open in [
            format!("{{events: [{message}]}}"),
            format!("{{events: [{message}, {{delay_ms: 1}}, {{event: message_end, repeat: 0}}]}}"),
        ] {
            let warnings = warned(&open);
            assert_eq!(warnings.len(), 2, "{open}");
            assert!(
                warnings[0].starts_with("the events of the app `a` end without `message_end`"),
                "{warnings:?}"
            );
        }
    }

    #[test]
    fn faults_name_their_place_and_the_cure() {
        assert_eq!(error("[1]"), "s.yaml:1: the file: expected a mapping");
        assert_eq!(error("apps: [1]"), "s.yaml:1: apps: expected a mapping");
        assert_eq!(error("\napp: {}"), "s.yaml:2: app: this is not known here; there is: apps");
        assert_eq!(
            error("apps:\n  a:\n    events:\n      - {event: message}\n      - {repeat: 3}\n"),
            "s.yaml:5: apps.a.events[1]: `repeat` needs an `event`"
        );
        assert_eq!(
            error("apps: {a: {events: [{event: x, y: &y [1, {z: 2}], z: *y},\n{delay_ms:\n -1}]}}"),
            "s.yaml:2: apps.a.events[1].delay_ms: expected a whole number, 0 or more"
        );
        assert_eq!(
            error("apps:\n  a:\n    error:\n      code: c\n      status: 7\n"),
            "s.yaml:5: apps.a.error.status: expected an HTTP status, as in 400"
        );
        assert!(error("apps: {a: {error: {}, events: []}}").contains("keep one of them"));
        assert!(error("apps: {a: {events: [{answer: x}]}}").contains("expected `event`"));
        assert!(error("apps:\n\t- x").starts_with("s.yaml:2:"));
        let missing = read(Path::new("no/such/script.yaml")).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read the script `no/such/script.yaml`");
    }
}
