//! Common mistakes, one at a time, and the findings for each.

use std::fmt::Write;
use std::fs;

use dify_plugin_manifest::{Finding, check};

use crate::clean::{self, AGENT_STRATEGY, DATASOURCE, ENDPOINT, Files, MODEL, TOOL, TRIGGER};
use crate::files::plugin_of;

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    check(plugin_of(files).path()).findings
}

#[test]
fn the_unchanged_plugins_have_no_findings() {
    for (kind, files) in clean::ALL {
        let found: Vec<_> = findings(files).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{kind}: {found:#?}");
    }
}

/// A change to a file.
enum Change {
    /// Replaces the first text with the second.
    Text(&'static str, &'static str),
    Removed,
}

use Change::{Removed, Text};

const MANIFEST: &str = "manifest.yaml";
const PROVIDER: &str = "provider/duck.yaml";
const QUACK: &str = "tools/quack.yaml";
const LLM: &str = "models/llm/duck-1.yaml";

/// The mistakes, grouped by what they are about.
#[rustfmt::skip]
const MISTAKES: &[(Files, &str, Change)] = &[
    // YAML and its decoding.
    (TOOL, MANIFEST, Text("author: pond\n", "author: pond\nauthor: lake\n")),
    (TOOL, MANIFEST, Text("  memory: 268435456", "  memory: 256MB")),
    (TOOL, MANIFEST, Text("      enabled: true", "      enabled: \"true\"")),
    (TOOL, MANIFEST, Text("label:\n  en_US", "label:\n\ten_US")),
    (TOOL, MANIFEST, Text("name: duck\n", "name: duck\n---\n")),
    (TOOL, MANIFEST, Text("  en_US: A duck", "  en_US: A duck: it quacks")),
    (TOOL, MANIFEST, Text("    - amd64\n", "    - amd64\n\t\n")),
    (TOOL, MANIFEST, Text("label:\n  en_US: Duck", "label: Duck")),
    (TOOL, MANIFEST, Text("  en_US: Duck", "  en_US: {{ name }}")),
    (TOOL, MANIFEST, Text("created_at: 2026-01-31T08:30:00Z", "created_at: \"2026-01-31\"")),
    (TOOL, MANIFEST, Text("created_at: 2026-01-31T08:30:00Z\n", "")),
    (TOOL, PROVIDER, Text("- tools/quack.yaml", "tools/quack.yaml")),
    (TOOL, QUACK, Text("parameters:", "parameters: *none")),
    // The manifest.
    (TOOL, MANIFEST, Text("version: 0.0.1\ntype", "version: 1\ntype")),
    (TOOL, MANIFEST, Text("version: 0.0.1\ntype", "version: 1.0\ntype")),
    (TOOL, MANIFEST, Text("version: 0.0.1\ntype", "version: 0.0.1-beta.1\ntype")),
    (TOOL, MANIFEST, Text("type: plugin", "type: tool")),
    (TOOL, MANIFEST, Text("author: pond", "author: Pond Inc.")),
    (TOOL, MANIFEST, Text("author: pond", "author: 123e4567-e89b-12d3-a456-426614174000")),
    (TOOL, MANIFEST, Text("name: duck", "name: The Duck")),
    (TOOL, MANIFEST, Text("icon: icon.svg", "icon: _assets/icon.svg")),
    (TOOL, "_assets/icon.svg", Removed),
    (TOOL, MANIFEST, Text("  memory: 268435456\n", "")),
    (TOOL, MANIFEST, Text("language: python", "language: rust")),
    (TOOL, MANIFEST, Text("    entrypoint: main\n", "")),
    (TOOL, MANIFEST, Text("    - arm64", "    - aarch64")),
    (TOOL, MANIFEST, Text("plugins:", "plugin:")),
    (TOOL, MANIFEST, Text("- provider/duck.yaml", "- ./provider/duck.yaml")),
    (TOOL, MANIFEST, Text("- provider/duck.yaml", "- provider/dukc.yaml")),
    (TOOL, MANIFEST, Text("- provider/duck.yaml", "- provider/duck.yaml\n    - provider/duck.yaml")),
    (TOOL, MANIFEST, Text("plugins:", "repo: github\nplugins:")),
    (TOOL, MANIFEST, Text("plugins:", "tags: [utility]\nplugins:")),
    // Text.
    (TOOL, MANIFEST, Text("  en_US: Duck", "  en_us: Duck")),
    (TOOL, MANIFEST, Text("  en_US: Duck", "  en_US: Duck\n  fr_FR: Canard")),
    (TOOL, QUACK, Text("    en_US: Quacks", "    zh_Hans: 嘎嘎")),
    // Enumerations.
    (TOOL, QUACK, Text("type: string", "type: integer")),
    (TOOL, QUACK, Text("form: llm", "form: llmm")),
    (TOOL, QUACK, Text("scope: chat&workflow", "scope: chat&advanced-chat")),
    (TOOL, QUACK, Text("    type: string", "    type: string\n    scope: llm")),
    (ENDPOINT, "endpoints/duck.yaml", Text("POST", "post")),
    // Permissions.
    (ENDPOINT, MANIFEST, Text("      enabled: true", "      enabled: false")),
    (TOOL, MANIFEST, Text("    endpoint:\n      enabled: true", "    storage:\n      enabled: true")),
    (TOOL, MANIFEST, Text("    endpoint:\n      enabled: true", "    model:\n      llm: true")),
    (TOOL, MANIFEST, Text("    endpoint:\n      enabled: true", "    models:\n      enabled: true")),
    // Credentials and settings.
    (TOOL, PROVIDER, Text("credentials_for_provider", "credentials")),
    (TOOL, PROVIDER, Text("  api_key:\n    type: secret-input\n", "  api_key: secret-input\n  other:\n    type: text\n")),
    (TOOL, PROVIDER, Text("    type: secret-input", "    type: dataset-selector")),
    (TOOL, PROVIDER, Text("    default: eu", "    default: us")),
    (TOOL, PROVIDER, Text("    options:\n      - value: eu\n        label:\n          en_US: Europe\n", "")),
    (TRIGGER, PROVIDER, Text("  secret:\n    type: secret-input\n    label:\n      en_US: Secret", "  secret: text")),
    // Tools.
    (TOOL, PROVIDER, Text("  name: duck", "  name: my duck")),
    (TOOL, PROVIDER, Text("  - tools/quack.yaml", "  - tools/quack.yaml\n  - tools/quack.yaml")),
    (TOOL, PROVIDER, Text("  - tools/quack.yaml", "  - [tools/quack.yaml]")),
    (TOOL, PROVIDER, Text("  - tools/quack.yaml", "  - quack.yaml")),
    (TOOL, PROVIDER, Text("  author: pond\n", "")),
    (TOOL, QUACK, Text("  llm: Quacks.\n", "")),
    (TOOL, QUACK, Text("description:\n  human:\n    en_US: Quacks\n  llm: Quacks.\n", "")),
    (TOOL, QUACK, Text("    llm_description: What to quack\n", "")),
    (TOOL, QUACK, Text("name: times", "name: text")),
    (TOOL, QUACK, Text("default: 2", "default: \"2\"")),
    (TOOL, QUACK, Text("default: 2", "default: 20")),
    (TOOL, QUACK, Text("min: 1", "min: 10")),
    (TOOL, QUACK, Text("- value: angry", "- value: calm")),
    (TOOL, QUACK, Text("- value: angry", "- value: [angry]")),
    (TOOL, QUACK, Text("- value: angry", "- value: \"\"")),
    (TOOL, QUACK, Text("required: true", "require: true")),
    (TOOL, QUACK, Text("    max: 9\n", "    max: 9\n    options:\n      - value: 1\n        label:\n          en_US: One\n")),
    // Models.
    (MODEL, PROVIDER, Text("models/llm/*.yaml", "models/**/*.yaml")),
    (MODEL, PROVIDER, Text("models/llm/*.yaml", "models/[a-*.yaml")),
    (MODEL, PROVIDER, Text("- models/llm/*.yaml", "- models/llm/*.yaml\n      - models/llm/duck-1.yaml")),
    (MODEL, PROVIDER, Text("  llm:\n    predefined", "  text-embedding:\n    predefined")),
    (MODEL, PROVIDER, Text("  - llm", "  - chat")),
    (MODEL, PROVIDER, Text("  en_US: icon.svg", "  en_US: icon_s_en.svg")),
    (MODEL, PROVIDER, Text("    position: models/llm/_position.yaml", "    position: models/llm/position.yaml")),
    (MODEL, PROVIDER, Text("type: select", "type: radio-button")),
    (MODEL, PROVIDER, Text("supported_model_types:\n  - llm\n", "")),
    (MODEL, PROVIDER, Text("configurate_methods:\n  - predefined-model", "configurate_methods:")),
    (MODEL, LLM, Text("model_properties:\n  mode: chat\n  context_size: 4096\n", "")),
    (MODEL, LLM, Text("use_template: temperature", "use_template: temprature")),
    (MODEL, LLM, Text("model_type: llm", "model_type: chat")),
    (MODEL, LLM, Text("- tool-call", "- tool_call")),
    (MODEL, LLM, Text("    type: boolean\n", "")),
    (MODEL, LLM, Text("input: '0.10'", "input: '0,10'")),
    (MODEL, LLM, Text("  currency: USD\n", "")),
    // Endpoints.
    (ENDPOINT, "endpoints/duck.yaml", Text("path: /duck/<app_id>", "path: duck/<app_id>")),
    (ENDPOINT, "endpoints/duck.yaml", Text("method: POST\n", "")),
    (ENDPOINT, "endpoints/duck.yaml", Text("/duck/<app_id>\nmethod: POST", "/health\nmethod: GET")),
    (ENDPOINT, "group/duck.yaml", Text("  - path: /health", "  - path: [/health]")),
    (ENDPOINT, "group/duck.yaml", Text("settings:\n  - name: app\n   ", "settings:\n  app:\n   ")),
    (ENDPOINT, "group/duck.yaml", Text("settings:\n  - name: app\n    type: app-selector\n    scope: chat\n    label:\n      en_US: App\n", "")),
    (ENDPOINT, "group/duck.yaml", Text("settings:\n", "settings:\nunknown:\n")),
    // Agent strategies, data sources, triggers.
    (AGENT_STRATEGY, "strategies/quack.yaml", Text("array[tools]", "array")),
    (AGENT_STRATEGY, PROVIDER, Text("  description:\n    en_US: A duck\n", "")),
    (DATASOURCE, PROVIDER, Text("website_crawl", "web_crawl")),
    (DATASOURCE, "datasources/quack.yaml", Text("type: string", "type: file")),
    (DATASOURCE, "datasources/quack.yaml", Text("parameters:", "parameters:\nx:")),
    (TRIGGER, PROVIDER, Text("type: dynamic-select", "type: secret-input")),
    (TRIGGER, "events/quack.yaml", Text("  name: quack", "  name: quack!")),
    (TRIGGER, PROVIDER, Text("events:\n  - events/quack.yaml", "events: events/quack.yaml")),
    (TRIGGER, PROVIDER, Text("    client_schema:\n      - name: client_id\n        type: text-input\n        label:\n          en_US: Client ID\n", "")),
    // Combinations of kinds.
    (TOOL, MANIFEST, Text("  tools:\n    - provider/duck.yaml", "  tools: []")),
    (TOOL, MANIFEST, Text("plugins:\n", "model:\n  provider: x\nplugins:\n")),
];

#[test]
fn each_mistake_is_reported_with_its_location_and_a_fix() {
    assert!(MISTAKES.len() >= 60);
    let mut report = String::new();
    for (files, path, change) in MISTAKES {
        let dir = plugin_of(files);
        let file = dir.path().join(path);
        match change {
            Text(from, to) => {
                let text = fs::read_to_string(&file).unwrap();
                assert!(text.contains(from), "{path} has no {from:?}");
                fs::write(&file, text.replacen(from, to, 1)).unwrap();
                writeln!(report, "## {path}: {from:?} becomes {to:?}").unwrap();
            }
            Removed => {
                fs::remove_file(&file).unwrap();
                writeln!(report, "## {path} is removed").unwrap();
            }
        }
        let findings = check(dir.path()).findings;
        assert!(!findings.is_empty(), "no findings: {path} {}", report.lines().last().unwrap());
        for finding in findings {
            assert!(!finding.help.is_empty(), "no fix: {finding}");
            writeln!(report, "{finding}").unwrap();
        }
        report.push('\n');
    }
    insta::assert_snapshot!(report);
}

proptest::proptest! {
    /// Random changes to a plugin never cause a panic, and a plugin without findings can be read.
    #[test]
    fn random_damage_is_survived(
        kind in 0..6_usize,
        changes in proptest::collection::vec((0..4_usize, 0..2000_usize, 0..4_usize, "[-a-z:{}\\[\\]&*!#\"' \t\n0-9]{0,6}"), 1..4),
    ) {
        let (_, files) = clean::ALL[kind];
        let mut files: Vec<(&str, String)> = files.iter().map(|(path, text)| (*path, (*text).to_owned())).collect();
        for (file, at, cut, insert) in changes {
            let count = files.len();
            let text = &mut files[file % count].1;
            let at = text.floor_char_boundary(at % (text.len() + 1));
            let end = text.floor_char_boundary((at + cut).min(text.len()));
            text.replace_range(at..end.max(at), &insert);
        }
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, &**text)).collect();
        let checked = check(plugin_of(&files).path());
        if checked.findings.is_empty() {
            proptest::prop_assert!(checked.plugin.is_ok());
        }
    }
}
