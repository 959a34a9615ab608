//! Reading `proto-fixtures/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

/// A row of a fixture: its keys, and the JSON of each value as in the file.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) file: String,
    /// The line number, from 1.
    pub(crate) line: usize,
    pub(crate) values: BTreeMap<String, Box<RawValue>>,
}

impl Row {
    pub(crate) fn json(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.get())
    }

    pub(crate) fn text(&self, key: &str) -> String {
        let json = self.json(key).unwrap_or_else(|| panic!("{self} has no `{key}`"));
        serde_json::from_str(json).unwrap_or_else(|_| panic!("{self}: `{key}` is no string"))
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto-fixtures")
}

/// The rows of one file.
pub(crate) fn rows(path: &str) -> Vec<Row> {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let file = path.rsplit('/').next().unwrap_or(path).to_owned();
    let row = |(index, line)| Row {
        file: file.clone(),
        line: index + 1,
        values: serde_json::from_str(line).unwrap_or_else(|error| panic!("{path}:{}: {error}", index + 1)),
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(row).collect()
}

/// The names of the recorded files, sorted.
pub(crate) fn recorded() -> Vec<String> {
    let folder = fs::read_dir(root().join("recorded")).expect("proto-fixtures/recorded can be read");
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".jsonl"));
    names.sort();
    names
}
