//! Whole plugins: files, providers, members and inheritance.

use dify_plugin_manifest::{
    ConfigType, Method, ParameterForm, ParameterType, Permission, Plugin, Severity, check,
};
use serde_json::json;

use crate::files::{group, manifest, plugin_of, provider, read};

fn fixture(name: &str) -> Plugin {
    Plugin::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn an_endpoint_plugin_is_read_completely() {
    let plugin = fixture("duck");
    let manifest = &plugin.manifest;
    assert_eq!(manifest.identity().unwrap(), "pond/duck:0.2.1");
    assert_eq!(manifest.label.zh_hans, "鸭子");
    assert_eq!(manifest.icon, "icon.svg");
    assert_eq!(manifest.resource.memory, 268_435_456);
    assert_eq!(manifest.meta.arch, ["amd64", "arm64"]);
    let runner = &manifest.meta.runner;
    assert_eq!((&*runner.language, &*runner.version, &*runner.entrypoint), ("python", "3.12", "main"));
    assert_eq!(manifest.meta.version, "0.0.1");
    assert_eq!(manifest.meta.minimum_dify_version.as_deref(), Some("1.9.0"));
    assert_eq!(manifest.created_at, "2026-01-31T08:30:00.125Z");
    assert_eq!(manifest.privacy.as_deref(), Some("PRIVACY.md"));

    let permission = &manifest.resource.permission;
    assert!(permission.app && permission.endpoint && permission.storage.enabled);
    assert!(!permission.tool && !permission.node && !permission.model.enabled);
    assert_eq!(permission.storage.size, 1_048_576);

    let group = plugin.endpoint_group.as_ref().unwrap();
    let settings: Vec<_> = group
        .settings
        .iter()
        .map(|setting| (&*setting.name, &setting.config_type, setting.required))
        .collect();
    assert_eq!(
        settings,
        [("app", &ConfigType::AppSelector, true), ("token", &ConfigType::SecretInput, false)]
    );
    assert_eq!(group.settings[0].scope.as_deref(), Some("chat"));
    assert_eq!(group.settings[0].placeholder.as_ref().unwrap().en_us, "Select an app");
    assert_eq!(group.settings[1].label.pt_br, "Ficha");

    // Inline endpoints come first, as in the daemon.
    let endpoints: Vec<_> =
        group.endpoints.iter().map(|endpoint| (&*endpoint.path, &endpoint.method, endpoint.hidden)).collect();
    assert_eq!(endpoints, [("/health", &Method::Get, true), ("/duck/<app_id>", &Method::Get, false)]);
    assert!(plugin.tool_provider.as_ref().is_none());
}

#[test]
fn a_tool_plugin_is_read_completely() {
    let plugin = fixture("weather");
    let permission = &plugin.manifest.resource.permission;
    assert!(permission.tool && permission.model.allows_llm() && permission.model.allows_tts());
    assert!(!permission.model.allows_rerank() && !permission.app);
    assert_eq!(plugin.manifest.icon_dark, "icon-dark.svg");
    assert_eq!(plugin.manifest.repo.as_deref(), Some("https://example.com/weather"));

    let provider = plugin.tool_provider.as_ref().unwrap();
    assert_eq!(provider.identity.name, "weather");
    assert_eq!(provider.identity.description.zh_hans, "天气", "filled from the manifest");
    assert_eq!(provider.identity.tags, ["weather", "travel"], "filled from the manifest");
    let [units, key] = &provider.credentials_schema[..] else { panic!("two credentials") };
    assert_eq!((&*units.name, &*key.name), ("units", "api_key"));
    assert_eq!(units.default, Some(json!("metric")));
    assert_eq!(units.options[1].value, "1");
    assert_eq!(key.url.as_deref(), Some("https://example.com/keys"));
    let oauth = &plugin.declaration["tool"]["oauth_schema"];
    assert_eq!(oauth["client_schema"][0]["name"], "client_id");
    assert_eq!(oauth["credentials_schema"][0]["name"], "access_token");

    let tool = &provider.tools[0];
    assert_eq!(tool.identity.name, "forecast");
    assert_eq!(tool.description.llm, "Returns the forecast for a place, one line a day.");
    assert_eq!(tool.output_schema.as_ref().unwrap()["properties"]["days"]["minimum"], json!(1));
    let [place, days, detail] = &tool.parameters[..] else { panic!("three parameters") };
    assert!(place.required);
    assert_eq!((&place.parameter_type, &place.form), (&ParameterType::String, &ParameterForm::Llm));
    assert_eq!(place.llm_description, "The town, and nothing else");
    assert_eq!((days.min, days.max, days.precision), (Some(1.0), Some(14.5), Some(0)));
    assert_eq!(days.default, Some(json!(3)));
    let days = &plugin.declaration["tool"]["tools"][0]["parameters"][1];
    assert_eq!(days["auto_generate"]["type"], "prompt_instruction");
    assert_eq!(days["template"]["enabled"], true);
    assert!(detail.multiple);
    assert_eq!(detail.scope.as_deref(), Some("fine&coarse"));
    assert_eq!((&*detail.options[0].value, &*detail.options[1].value), ("false", "3.10"));
    assert_eq!(detail.options[0].icon, "no.svg");
}

#[test]
fn unknown_values_of_enumerations_are_kept() {
    let plugin = fixture("weather");
    let detail = &plugin.tool_provider.as_ref().unwrap().tools[0].parameters[2];
    assert_eq!(detail.parameter_type, ParameterType::Other("slider".to_owned()));
    assert_eq!(detail.parameter_type.as_str(), "slider");
    assert_eq!(detail.form.as_str(), "wizard");
    let group = group("settings: [{type: model-picker}]\nendpoints: [{method: get}]").unwrap();
    assert_eq!(group.settings[0].config_type.as_str(), "model-picker");
    assert_eq!(group.endpoints[0].method, Method::Other("get".to_owned()));
}

#[test]
fn nothing_is_allowed_without_permission() {
    for yaml in
        ["name: x", "resource: {}", "resource: {permission: null}", "resource: {permission: {model: }}"]
    {
        assert_eq!(manifest(yaml).unwrap().resource.permission, Permission::default(), "{yaml}");
    }
    let models = manifest("resource: {permission: {model: {enabled: false, llm: true}}}").unwrap();
    assert!(!models.resource.permission.model.allows_llm());
}

#[test]
fn credentials_are_a_list_or_an_ordered_mapping() {
    let names = |yaml: &str| {
        let schema = provider(yaml).unwrap().credentials_schema;
        schema.into_iter().map(|config| config.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names("credentials_for_provider: {z: {type: x}, a: {type: y}, 1: {name: q}}"),
        ["z", "a", "1"]
    );
    assert_eq!(names("credentials_for_provider: [{name: z}, {name: a}]"), ["z", "a"]);
    assert_eq!(names("credentials_schema: {b: {}}\ncredentials_for_provider: {a: {}}"), ["b"]);
    // The daemon goes by how the first key is written: it ignores an empty value and an alias.
    assert_eq!(names("credentials_schema: {}\ncredentials_for_provider: {a: {}}"), ["a"]);
    assert_eq!(names("credentials_schema: null\ncredentials_for_provider: {a: {}}"), ["a"]);
    assert_eq!(names("x: &x [{name: b}]\ncredentials_schema: *x\ncredentials_for_provider: {a: {}}"), ["a"]);
    // In the mapping form a repeated key is two entries, and values other than mappings are dropped.
    assert_eq!(names("credentials_for_provider: {a: {}, b: text, c: [1], a: {}}"), ["a", "a"]);
    assert!(names("credentials_for_provider: null").is_empty());
    assert!(provider("credentials_for_provider: text").is_err());
    assert!(provider("credentials_for_provider: {a: {type: []}}").is_err());
}

#[test]
fn tools_are_inline_or_in_files() {
    let plugin = read(&[
        ("manifest.yaml", "plugins: {tools: [p.yaml]}"),
        ("p.yaml", "tools: [a.yaml, {identity: {name: inline}}, [x], a.yaml]"),
        ("a.yaml", "identity: {name: named}"),
    ])
    .unwrap();
    let provider = plugin.tool_provider.as_ref().unwrap();
    let names: Vec<_> = provider.tools.iter().map(|tool| &*tool.identity.name).collect();
    assert_eq!(names, ["inline", "named", "named"]);
    assert!(crate::files::provider("tools: text").unwrap().tools.is_empty());
    assert!(crate::files::provider("tools: [{identity: x}]").is_err());
}

#[test]
fn an_invalid_inline_endpoint_ends_the_list_without_an_error() {
    let group = group("endpoints: [{path: /a}, {path: [x]}, {path: /b}, never-opened.yaml]").unwrap();
    assert_eq!(group.endpoints.len(), 1);
}

#[test]
fn the_last_provider_of_a_kind_is_kept() {
    let plugin = read(&[
        ("manifest.yaml", "plugins: {tools: [a.yaml, b.yaml], endpoints: [c.yaml, d.yaml]}"),
        ("a.yaml", "identity: {name: a}"),
        ("b.yaml", "identity: {name: b}"),
        ("c.yaml", "endpoints: [{path: /c}]"),
        ("d.yaml", "endpoints: [{path: /d}]"),
    ])
    .unwrap();
    assert_eq!(plugin.tool_provider.as_ref().unwrap().identity.name, "b");
    assert_eq!(plugin.endpoint_group.as_ref().unwrap().endpoints[0].path, "/d");
}

#[test]
fn a_provider_in_the_manifest_is_kept_if_no_file_is_named() {
    let inline = "tool: {identity: {name: inline}, tools: [never-opened.yaml]}\nendpoint: {settings: []}";
    let plugin = read(&[("manifest.yaml", inline)]).unwrap();
    assert_eq!(plugin.tool_provider.as_ref().unwrap().identity.name, "inline");
    assert!(plugin.tool_provider.as_ref().unwrap().tools.is_empty());
    assert!(plugin.endpoint_group.as_ref().is_some());

    let both = format!("{inline}\nplugins: {{tools: [a.yaml]}}");
    let plugin = read(&[("manifest.yaml", &both), ("a.yaml", "identity: {name: a}")]).unwrap();
    assert_eq!(plugin.tool_provider.as_ref().unwrap().identity.name, "a");
}

#[test]
fn a_model_provider_has_models_from_files_and_positions() {
    let mut files = crate::clean::MODEL.to_vec();
    files.push((
        "models/llm/zz.yaml",
        "model: zz\nparameter_rules: [{name: t, use_template: temperature, max: 2}]",
    ));
    let provider = &read(&files).unwrap().declaration["model"];
    let models = provider["models"].as_array().unwrap();
    let names: Vec<_> = models.iter().map(|model| (&model["model"], &model["label"]["en_US"])).collect();
    assert_eq!(
        names,
        [(&json!("duck-1"), &json!("Duck 1")), (&json!("zz"), &json!("zz"))],
        "in the order of their paths, and named"
    );
    let rule = &models[1]["parameter_rules"][0];
    assert_eq!(
        (&rule["min"], &rule["max"], &rule["precision"]),
        (&json!(0), &json!(2), &json!(2)),
        "filled from the template"
    );
    assert_eq!(rule["label"]["en_US"], "t", "and never from its label");
    assert_eq!(models[0]["pricing"]["input"], "0.1");
    assert_eq!(provider["position"]["llm"], json!(["duck-1"]));
    assert_eq!(provider["description"]["en_US"], "A duck", "filled from the manifest");

    // An empty position file is kept too.
    files.retain(|(path, _)| !path.ends_with("_position.yaml"));
    files.push(("models/llm/_position.yaml", ""));
    assert_eq!(read(&files).unwrap().declaration["model"]["position"], json!({"llm": null}));
}

#[test]
fn the_other_kinds_are_read_completely() {
    let agent = &read(crate::clean::AGENT_STRATEGY).unwrap().declaration["agent_strategy"];
    let strategy = &agent["strategies"][0];
    assert_eq!(strategy["identity"]["name"], "quack");
    assert_eq!(strategy["features"], json!(["history-messages"]));
    assert_eq!(strategy["parameters"][0]["scope"], "tool-call&llm");

    let source = &read(crate::clean::DATASOURCE).unwrap().declaration["datasource"];
    assert_eq!(source["provider_type"], "website_crawl");
    assert_eq!(source["credentials_schema"][0]["name"], "key");
    assert_eq!(source["datasources"][0]["parameters"][0]["description"]["en_US"], "Where to begin");

    let trigger = &read(crate::clean::TRIGGER).unwrap().declaration["trigger"];
    assert_eq!(trigger["subscription_schema"][0]["name"], "secret");
    let constructor = &trigger["subscription_constructor"];
    assert_eq!(constructor["parameters"][0]["name"], "pond");
    assert_eq!(constructor["credentials_schema"][0]["name"], "key");
    assert_eq!(constructor["oauth_schema"]["client_schema"][0]["name"], "client_id");
    assert_eq!(
        trigger["events"][0]["parameters"][0]["options"][0]["value"], 1,
        "an event's option keeps its type"
    );
}

/// The rules of the daemon's `ManifestValidate`.
#[test]
fn names_and_combinations_that_the_daemon_refuses_are_refused() {
    let illegal = |yaml: &str| {
        let dir = plugin_of(&[("manifest.yaml", yaml), ("x.yaml", "")]);
        let findings = check(dir.path()).findings;
        let illegal: Vec<_> = findings.into_iter().filter(|finding| finding.code == "illegal").collect();
        assert!(illegal.iter().all(|finding| finding.severity == Severity::Error));
        illegal.into_iter().map(|finding| finding.message).collect::<Vec<_>>()
    };
    let named = |kinds: &str| illegal(&format!("author: pond\nname: duck\n{kinds}"));
    for (yaml, message) in [
        ("name: duck\ntool: {}".to_owned(), "the plugin's author is missing or empty"),
        ("author: Pond\nname: duck\ntool: {}".to_owned(), "`Pond` is not a valid plugin author"),
        ("author: pond\nname: due c\ntool: {}".to_owned(), "`due c` is not a valid plugin name"),
    ] {
        assert_eq!(illegal(&yaml), [message], "{yaml}");
    }
    assert_eq!(illegal(&format!("author: {}\nname: duck\ntool: {{}}", "a".repeat(65))).len(), 1);
    assert_eq!(illegal(&format!("author: pond\nname: {}\ntool: {{}}", "a".repeat(129))).len(), 1);
    for (author, uuid) in [
        ("123e4567-e89b-12d3-a456-426614174000", true),
        ("123e4567e89b12d3a456426614174000", true),
        ("123e4567-e89b-12d3-a456-42661417400", false),
        ("123e4567-e89b-12d3-a456-42661417400g", false),
    ] {
        let found = illegal(&format!("author: {author}\nname: duck\ntool: {{}}"));
        assert_eq!(found.contains(&"the author must not be a UUID".to_owned()), uuid, "{author}");
    }
    for (kinds, message) in [
        (
            "plugins: {tools: []}\nmodel: null",
            "the plugin declares no tools, endpoints, models or anything else",
        ),
        ("plugins: {models: [x.yaml], tools: [x.yaml]}", "tools and models cannot be in one plugin"),
        (
            "plugins: {agent_strategies: [x.yaml], datasources: [x.yaml]}",
            "agent strategies and data sources cannot be in one plugin",
        ),
        ("plugins: {triggers: [x.yaml]}\nendpoint: {}", "endpoints and triggers cannot be in one plugin"),
    ] {
        assert_eq!(named(kinds), [message], "{kinds}");
    }
    let author = "a".repeat(64);
    for kinds in [
        "plugins: {tools: [x.yaml], endpoints: [x.yaml]}",
        "plugins: {models: [x.yaml]}",
        "plugins: {triggers: [x.yaml]}",
        "plugins: {datasources: [x.yaml, x.yaml]}",
        "agent_strategy: {}",
        "endpoint: {}",
    ] {
        assert!(illegal(&format!("author: {author}\nname: a_b-9\n{kinds}")).is_empty(), "{kinds}");
    }
}

/// The JSON is what the daemon would store; `tests/declarations` compares it with the daemon's own.
#[test]
fn the_declaration_is_the_same_as_the_daemons() {
    let plugin = read(crate::clean::ENDPOINT).unwrap();
    let declaration = json!(plugin.declaration);
    assert_eq!(
        declaration["endpoint"]["endpoints"][0],
        json!({"path": "/health", "method": "GET", "hidden": false})
    );
    assert_eq!(declaration["created_at"], "2026-01-31T08:30:00Z");
    assert_eq!((&declaration["tags"], &declaration["plugins"]["tools"]), (&json!([]), &json!(null)));
    assert_eq!(declaration["verified"], false);
    assert_eq!(declaration.get("tool"), None);
}

#[test]
fn an_identity_needs_a_version_that_the_daemon_accepts() {
    let identity = |version: &str| manifest(&format!("name: duck\nversion: '{version}'")).unwrap().identity();
    for version in ["0.0.1", "1.2", "1.2.3.4", "1234.0.0", "0.0.1-beta", "0.0.1-a_1"] {
        assert_eq!(identity(version).unwrap(), format!("duck:{version}"));
    }
    for version in [
        "",
        "1",
        "1.2.3.4.5",
        "12345.0",
        "1.",
        ".1",
        "0.0.1-",
        "0.0.1-a-b",
        "0.0.1-12345678901234567",
        "v1.0",
        "1.0 ",
    ] {
        assert_eq!(identity(version).unwrap_err().part, "version", "{version}");
    }
}
