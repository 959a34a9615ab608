//! API keys of the apps of a real Dify: from the command line, files, the environment or the plugin's `.env`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use crate::console::Console;
use crate::error::{Context, Error};

/// The variable that holds `ID=KEY` pairs, separated by spaces or commas. It is removed from the plugin's environment, since in
/// Dify a plugin has no such keys either.
pub(crate) const VARIABLE: &str = "DIFY_APP_KEYS";

/// An app's id, and its key or `@` and the file that holds it. `Debug` redacts the key.
#[derive(Clone, PartialEq)]
pub(crate) struct AppKey {
    id: String,
    key: String,
}

impl FromStr for AppKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.split_once('=') {
            Some((id, key)) if !id.is_empty() && !key.is_empty() => {
                Ok(Self { id: id.to_owned(), key: key.to_owned() })
            }
            // The text is not repeated, since it may be a key.
            _ => Err("expected `ID=KEY`, or `ID=@FILE` if a file holds the key"),
        }
    }
}

impl std::fmt::Debug for AppKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl AppKey {
    /// Returns the value of `--app` with the key redacted.
    pub(crate) fn shown(&self) -> String {
        let key = if self.key.starts_with('@') { &self.key } else { "…" };
        format!("{}={key}", self.id)
    }

    fn read(&self) -> Result<String, Error> {
        let Some(file) = self.key.strip_prefix('@') else { return Ok(self.key.clone()) };
        let key = fs::read_to_string(file)
            .context(format!("cannot read the key of the app `{}` from `{file}`", self.id))?;
        Ok(key.trim().to_owned())
    }
}

/// Returns the keys by app id. The given ones win over those of the environment, and these over those of the plugin's `.env`.
///
/// # Errors
///
/// Fails if a file with a key can't be read, or [`VARIABLE`] is malformed.
pub(crate) fn gather(
    given: &[AppKey],
    dir: &Path,
    console: &Console,
) -> Result<BTreeMap<String, String>, Error> {
    let mut keys = BTreeMap::new();
    let in_file = in_dotenv(&dir.join(".env"), console);
    for text in [in_file, env::var(VARIABLE).ok()].into_iter().flatten() {
        for word in text.split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty()) {
            let key = AppKey::from_str(word).map_err(|_| {
                Error::new(format!("{VARIABLE} is malformed")).with_help(format!(
                    "set {VARIABLE}=\"ID=KEY ID=KEY\" in the environment or in the plugin's .env"
                ))
            })?;
            keys.insert(key.id.clone(), key.read()?);
        }
    }
    for key in given {
        keys.insert(key.id.clone(), key.read()?);
    }
    Ok(keys)
}

/// Reads the variable from the plugin's `.env`, which the plugin reads too.
fn in_dotenv(file: &Path, console: &Console) -> Option<String> {
    if !file.is_file() {
        return None;
    }
    let mut found = None;
    for line in dotenvy::from_path_iter(file).into_iter().flatten() {
        match line {
            Ok((name, value)) if name == VARIABLE => found = Some(value),
            Ok(_) => {}
            // The error would repeat the line, which may hold a secret.
            Err(_) => {
                console
                    .warning(&format!("{} has a malformed line; the rest of it is ignored", file.display()));
                break;
            }
        }
    }
    found
}
