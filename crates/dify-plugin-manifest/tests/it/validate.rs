//! What the daemon refuses at upload, and its words.

use crate::files::read;

fn verdict(yaml: &str) -> Result<(), String> {
    let plugin = read(&[("manifest.yaml", yaml), ("x.yaml", "")]).unwrap();
    plugin.manifest.validate().map_err(|error| error.to_string())
}

#[test]
fn each_rule_speaks_in_the_daemons_words() {
    let named = |rest: &str| format!("author: pond\nname: duck\n{rest}");
    let author = "author must be alphanumeric and less than 64 characters: ^[a-z0-9_-]{1,64}$";
    let name = "plugin name must be alphanumeric and less than 128 characters: ^[a-z0-9_-]{1,128}$";
    let cases = [
        ("name: duck\ntool: {}".to_owned(), author),
        ("author: Pond\nname: duck\ntool: {}".to_owned(), author),
        (format!("author: {}\nname: duck\ntool: {{}}", "a".repeat(65)), author),
        ("author: pond\nname: due c\ntool: {}".to_owned(), name),
        (format!("author: pond\nname: {}\ntool: {{}}", "a".repeat(129)), name),
        (
            named("plugins: {tools: []}\nmodel: null"),
            "at least one of endpoint, model, tool, agent_strategy, trigger, or datasource must be provided",
        ),
        (
            named("plugins: {models: [x.yaml], tools: [x.yaml]}"),
            "model and datasource, tool, endpoint, trigger, or agent_strategy cannot be provided at the same time",
        ),
        (
            named("plugins: {agent_strategies: [x.yaml], datasources: [x.yaml]}"),
            "agent_strategy and tool, model, endpoint, trigger, or datasource cannot be provided at the same time",
        ),
        (
            named("plugins: {datasources: [x.yaml], triggers: [x.yaml]}"),
            "datasource and tool, model, endpoint, trigger, or agent_strategy cannot be provided at the same time",
        ),
        (
            named("plugins: {triggers: [x.yaml]}\nendpoint: {}"),
            "trigger and tool, model, endpoint, or agent_strategy cannot be provided at the same time",
        ),
    ];
    for (yaml, words) in cases {
        assert_eq!(verdict(&yaml), Err(words.to_owned()), "{yaml}");
    }
}

#[test]
fn one_kind_or_tools_with_endpoints_are_legal() {
    let author = "a".repeat(64);
    for kinds in [
        "plugins: {tools: [x.yaml], endpoints: [x.yaml]}",
        "plugins: {models: [x.yaml]}",
        "plugins: {triggers: [x.yaml]}",
        "plugins: {datasources: [x.yaml, x.yaml]}",
        "agent_strategy: {}",
        "endpoint: {}",
    ] {
        assert_eq!(verdict(&format!("author: {author}\nname: a_b-9\n{kinds}")), Ok(()), "{kinds}");
    }
}
