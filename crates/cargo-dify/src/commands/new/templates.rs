//! The files of a new plugin.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::name::{Author, Name};
use crate::args::PluginKind;

/// What the plugin is to be.
pub(super) struct Answers {
    pub(super) name: Name,
    pub(super) kind: PluginKind,
    pub(super) author: Author,
    pub(super) description: String,
    /// The folder of the crates that it depends on, in place of the registry's.
    pub(super) crates: Option<PathBuf>,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

/// Paths in the plugin's folder, and what is in the files.
pub(super) fn files(answers: &Answers) -> Vec<(String, String)> {
    let name = answers.name.as_str();
    let mut files = vec![
        ("Cargo.toml".to_owned(), template!("common/Cargo.toml.in")),
        ("manifest.yaml".to_owned(), template!("common/manifest.yaml")),
        ("src/main.rs".to_owned(), template!("common/main.rs")),
    ];
    match answers.kind {
        PluginKind::Tool => files.extend([
            ("src/lib.rs".to_owned(), template!("tool/lib.rs")),
            ("tests/hello.rs".to_owned(), template!("tool/hello.rs")),
            (format!("provider/{name}.yaml"), template!("tool/provider.yaml")),
            ("tools/hello.yaml".to_owned(), template!("tool/hello.yaml")),
        ]),
        PluginKind::Endpoint => files.extend([
            ("src/lib.rs".to_owned(), template!("endpoint/lib.rs")),
            ("tests/hello.rs".to_owned(), template!("endpoint/hello.rs")),
            (format!("group/{name}.yaml"), template!("endpoint/group.yaml")),
            ("endpoints/hello.yaml".to_owned(), template!("endpoint/hello.yaml")),
        ]),
    }
    files.extend([
        ("_assets/icon.svg".to_owned(), template!("common/icon.svg")),
        ("README.md".to_owned(), template!("common/README.md")),
        ("PRIVACY.md".to_owned(), template!("common/PRIVACY.md")),
        (".gitignore".to_owned(), template!("common/gitignore")),
        (".difyignore".to_owned(), template!("common/difyignore")),
    ]);
    files
        .into_iter()
        .map(|(path, text)| {
            let text = fill(&path, text, answers);
            (path, text)
        })
        .collect()
}

fn fill(path: &str, template: &str, answers: &Answers) -> String {
    let Answers { name, kind, author, description, crates } = answers;
    // In YAML the description is quoted, as it may hold anything; JSON is YAML.
    let quoted = Value::from(description.as_str()).to_string();
    let description = if path.ends_with(".yaml") { quoted } else { description.replace('\n', " ") };
    let (permission, plugins, files) = match kind {
        PluginKind::Tool => (
            "    tool:\n      enabled: false\n".to_owned(),
            format!("  tools:\n    - provider/{name}.yaml\n"),
            format!(
                "| `provider/{name}.yaml` | the provider: what people fill in, and its tools |\n\
                 | `tools/hello.yaml` | the tool: what it takes |\n"
            ),
        ),
        PluginKind::Endpoint => (
            "    endpoint:\n      enabled: true\n".to_owned(),
            format!("  endpoints:\n    - group/{name}.yaml\n"),
            format!(
                "| `group/{name}.yaml` | what people fill in when they set up the endpoints |\n\
                 | `endpoints/hello.yaml` | the endpoint: its method and path |\n"
            ),
        ),
    };
    let (dependencies, dev_dependencies) = dependencies(*kind, crates.as_deref());
    let mut text = template.to_owned();
    for (placeholder, value) in [
        ("{{name}}", name.as_str()),
        ("{{crate}}", &name.crate_name()),
        ("{{label}}", &name.label()),
        ("{{author}}", author.as_str()),
        ("{{now}}", &now()),
        ("{{permission}}", &permission),
        ("{{plugins}}", &plugins),
        ("{{files}}", &files),
        ("{{dependencies}}", &dependencies),
        ("{{dev_dependencies}}", &dev_dependencies),
        // The last: what people write is not looked at again.
        ("{{description}}", &description),
    ] {
        text = text.replace(placeholder, value);
    }
    text
}

/// The lines under `[dependencies]` and `[dev-dependencies]`.
fn dependencies(kind: PluginKind, crates: Option<&Path>) -> (String, String) {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let own = |name: &str| match crates.map(Path::to_owned).or_else(built_in) {
        Some(crates) => format!("path = {}", Value::from(crates.join(name).to_string_lossy())),
        None => format!("version = \"{VERSION}\""),
    };
    let (own_library, own_test) = (own("dify-plugin"), own("dify-plugin-test"));
    let dependencies = match kind {
        PluginKind::Tool => format!(
            "dify-plugin = {{ {own_library}, default-features = false }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n"
        ),
        PluginKind::Endpoint => format!(
            "axum = {{ version = \"0.8\", default-features = false }}\n\
             dify-plugin = {{ {own_library} }}\n"
        ),
    };
    let dev_dependencies = format!(
        "dify-plugin-test = {{ {own_test} }}\n\
         tokio = {{ version = \"1\", features = [\"macros\", \"rt\", \"test-util\"] }}\n"
    );
    (dependencies, dev_dependencies)
}

/// The folder of crates from which this very command was built, if it is still there: the plugin is then made with the same.
/// From a registry, crates stand in folders with their versions in the names.
fn built_in() -> Option<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    crates.join("dify-plugin/Cargo.toml").is_file().then(|| crates.to_owned())
}

/// The moment, in RFC 3339.
#[expect(clippy::disallowed_methods, reason = "the day on the calendar is what is wanted")]
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    rfc3339(seconds)
}

/// Seconds since 1970 as RFC 3339, in UTC.
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let mut day = days;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days_of = |year: u64| if is_leap(year) { 366 } else { 365 };
    while day >= days_of(year) {
        day -= days_of(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!(
        "{year}-{month:02}-{:02}T{:02}:{:02}:{:02}Z",
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_told_by_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_796_123_456, "2026-12-01T11:10:56Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn no_placeholder_is_left_and_a_description_may_hold_anything() {
        for kind in [PluginKind::Tool, PluginKind::Endpoint] {
            let answers = Answers {
                name: Name::of_folder(Path::new("my-duck")).unwrap(),
                kind,
                author: "pond".parse().unwrap(),
                description: "Says: \"{{name}}\" # quack".to_owned(),
                crates: None,
            };
            for (path, text) in files(&answers) {
                let left = text.replace("{{name}}\\\"", "").replace("\"{{name}}\"", "");
                assert!(!left.contains("{{"), "{path}: {text}");
            }
        }
    }
}
