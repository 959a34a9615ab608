//! The API keys of apps at a real Dify: on the command line, in files, in the environment or in the plugin's `.env`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::console::Console;
use crate::error::Error;

/// The variable that holds `ID=KEY`, for several apps with spaces or commas between them. It is kept from the plugin, which has
/// no such keys in Dify either.
pub(crate) const VARIABLE: &str = "DIFY_APP_KEYS";

/// An app's id, and where its key is. The key is left out of `Debug`.
#[derive(Clone, PartialEq)]
pub(crate) struct AppKey {
    /// The app's id.
    pub(crate) id: String,
    key: Key,
}

#[derive(Clone, PartialEq)]
enum Key {
    Given(String),
    In(PathBuf),
}

impl FromStr for AppKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (id, key) = text.split_once('=').unwrap_or_default();
        if id.is_empty() || key.is_empty() {
            // Not repeated: what was given may be a key.
            return Err("expected `ID=KEY`, or `ID=@FILE` for a key that is in a file");
        }
        let key = match key.strip_prefix('@') {
            Some(file) => Key::In(file.into()),
            None => Key::Given(key.to_owned()),
        };
        Ok(Self { id: id.to_owned(), key })
    }
}

impl std::fmt::Debug for AppKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl AppKey {
    /// How it is given again, without a key.
    pub(crate) fn shown(&self) -> String {
        match &self.key {
            Key::Given(_) => format!("{}=…", self.id),
            Key::In(file) => format!("{}=@{}", self.id, file.display()),
        }
    }

    fn read(&self) -> Result<String, Error> {
        match &self.key {
            Key::Given(key) => Ok(key.clone()),
            Key::In(file) => match fs::read_to_string(file) {
                Ok(key) => Ok(key.trim().to_owned()),
                Err(source) => Err(Error::KeyFile { app: self.id.clone(), file: file.clone(), source }),
            },
        }
    }
}

/// All keys by the apps' ids: those of the plugin's `.env`, before them those of the environment, before them the given ones.
///
/// # Errors
///
/// If a file with a key can't be read, or the variable holds something else than keys.
pub(crate) fn gather(
    given: &[AppKey],
    dir: &Path,
    console: &Console,
) -> Result<BTreeMap<String, String>, Error> {
    let mut keys = BTreeMap::new();
    let in_file = in_dotenv(&dir.join(".env"), console);
    for text in [in_file, env::var(VARIABLE).ok()].into_iter().flatten() {
        for word in text.split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty()) {
            let key = AppKey::from_str(word).map_err(|_| Error::KeysOfEnvironment)?;
            keys.insert(key.id.clone(), key.read()?);
        }
    }
    for key in given {
        keys.insert(key.id.clone(), key.read()?);
    }
    Ok(keys)
}

/// The variable as the plugin's `.env` has it, which a plugin reads as well.
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
                console.warning(&format!("{} has a line that can't be read; it ends there", file.display()));
                break;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_given_or_in_a_file_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, "app-in-file\n").unwrap();
        let given: AppKey = "a=app-x=y".parse().unwrap();
        let in_file: AppKey = format!("b=@{}", file.display()).parse().unwrap();
        assert_eq!(format!("{given:?} {in_file:?}"), format!("a=… b=@{}", file.display()));
        assert_eq!(
            (given.read().unwrap(), in_file.read().unwrap()),
            ("app-x=y".into(), "app-in-file".into())
        );
        for wrong in ["hunter2", "=hunter2", "a=", ""] {
            assert!(!wrong.parse::<AppKey>().unwrap_err().contains("hunter2"));
        }
    }

    #[test]
    fn keys_of_the_dotenv_file_are_taken_and_the_given_ones_win() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".env"), "OTHER=1\nDIFY_APP_KEYS=\"a=app-1, b=app-2\"\n").unwrap();
        let keys = gather(&["b=app-3".parse().unwrap()], dir.path(), &Console::new()).unwrap();
        let expected = BTreeMap::from([("a", "app-1"), ("b", "app-3")]);
        assert_eq!(keys.iter().map(|(id, key)| (&**id, &**key)).collect::<BTreeMap<_, _>>(), expected);
        fs::write(dir.path().join(".env"), "DIFY_APP_KEYS=hunter2").unwrap();
        let error = gather(&[], dir.path(), &Console::new()).unwrap_err();
        assert!(matches!(error, Error::KeysOfEnvironment) && !format!("{error:?}").contains("hunter2"));
    }
}
