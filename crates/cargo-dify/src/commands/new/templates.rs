//! The files of a new plugin.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::ValueEnum;
use serde_json::Value;

use super::name::Name;

/// What a new plugin offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginKind {
    /// A tool, for workflows and agents
    Tool,
    /// An HTTP endpoint
    Endpoint,
}

/// What the new plugin should be.
pub(super) struct Choices {
    pub(super) name: Name,
    pub(super) kind: PluginKind,
    pub(super) author: String,
    pub(super) description: String,
    /// The folder to take dify-plugin from instead of the registry.
    pub(super) crates: Option<PathBuf>,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

/// Returns the files by their paths in the plugin's folder.
pub(super) fn files(choices: &Choices) -> Vec<(String, String)> {
    let name = choices.name.as_str();
    let mut files = vec![
        ("Cargo.toml".to_owned(), template!("common/Cargo.toml.in")),
        ("manifest.yaml".to_owned(), template!("common/manifest.yaml")),
        ("src/main.rs".to_owned(), template!("common/src/main.rs")),
    ];
    match choices.kind {
        PluginKind::Tool => files.extend([
            ("src/lib.rs".to_owned(), template!("tool/src/lib.rs")),
            ("tests/hello.rs".to_owned(), template!("tool/tests/hello.rs")),
            (format!("provider/{name}.yaml"), template!("tool/provider.yaml")),
            ("tools/hello.yaml".to_owned(), template!("tool/tools/hello.yaml")),
        ]),
        PluginKind::Endpoint => files.extend([
            ("src/lib.rs".to_owned(), template!("endpoint/src/lib.rs")),
            ("tests/hello.rs".to_owned(), template!("endpoint/tests/hello.rs")),
            (format!("group/{name}.yaml"), template!("endpoint/group.yaml")),
            ("endpoints/hello.yaml".to_owned(), template!("endpoint/endpoints/hello.yaml")),
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
            let text = fill(&path, text, choices);
            (path, text)
        })
        .collect()
}

fn fill(path: &str, template: &str, choices: &Choices) -> String {
    let Choices { name, kind, author, description, crates } = choices;
    // The description may hold any character, so in YAML it is quoted, as JSON.
    let quoted = Value::from(description.as_str()).to_string();
    let description = if path.ends_with(".yaml") { quoted } else { description.replace('\n', " ") };
    let (permission, plugins, files) = match kind {
        PluginKind::Tool => (
            "    tool:\n      enabled: false\n".to_owned(),
            format!("  tools:\n    - provider/{name}.yaml\n"),
            format!(
                "| `provider/{name}.yaml` | the provider: its credentials and its tools |\n\
                 | `tools/hello.yaml` | the tool: its description and its parameters |\n"
            ),
        ),
        PluginKind::Endpoint => (
            "    endpoint:\n      enabled: true\n".to_owned(),
            format!("  endpoints:\n    - group/{name}.yaml\n"),
            format!(
                "| `group/{name}.yaml` | the endpoint group and its settings |\n\
                 | `endpoints/hello.yaml` | the endpoint: its method and its path |\n"
            ),
        ),
    };
    let (dependencies, dev_dependencies) = dependencies(*kind, crates.as_deref());
    #[expect(clippy::disallowed_methods, reason = "`created_at` is a date")]
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    let mut text = template.to_owned();
    for (placeholder, value) in [
        ("{{name}}", name.as_str()),
        ("{{crate}}", &name.crate_name()),
        ("{{label}}", &name.label()),
        ("{{author}}", author),
        ("{{now}}", &now.to_string()),
        ("{{permission}}", &permission),
        ("{{plugins}}", &plugins),
        ("{{files}}", &files),
        ("{{dependencies}}", &dependencies),
        ("{{dev_dependencies}}", &dev_dependencies),
        // Last, so that placeholders in the user's text stay as they are.
        ("{{description}}", &description),
    ] {
        text = text.replace(placeholder, value);
    }
    text
}

/// Returns the lines below `[dependencies]` and `[dev-dependencies]`.
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

/// Returns the folder of the crates that this command was built from, if it is still there. In a registry's sources the folder
/// names have versions, so there it is not found.
fn built_in() -> Option<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    crates.join("dify-plugin/Cargo.toml").is_file().then(|| crates.to_owned())
}
