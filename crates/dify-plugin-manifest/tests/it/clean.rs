//! A small plugin of each kind without problems.

/// The paths and contents of a plugin's files.
pub(crate) type Files = &'static [(&'static str, &'static str)];

macro_rules! manifest {
    ($plugins:literal) => {
        concat!(
            "version: 0.0.1\ntype: plugin\nauthor: pond\nname: duck\nlabel:\n  en_US: Duck\ndescription:\n  en_US: A duck\n",
            "icon: icon.svg\nresource:\n  memory: 268435456\n  permission:\n    endpoint:\n      enabled: true\nplugins:\n  ",
            $plugins,
            "\nmeta:\n  version: 0.0.1\n  arch:\n    - amd64\n    - arm64\n  runner:\n    language: python\n",
            "    version: \"3.12\"\n    entrypoint: main\ncreated_at: 2026-01-31T08:30:00Z\n",
        )
    };
}

const ICON: (&str, &str) = ("_assets/icon.svg", "<svg/>");

macro_rules! identity {
    () => {
        "identity:\n  author: pond\n  name: duck\n  label:\n    en_US: Duck\n  description:\n    en_US: A duck\n  icon: icon.svg\n  tags:\n    - utilities\n"
    };
}

macro_rules! member {
    () => {
        "identity:\n  author: pond\n  name: quack\n  label:\n    en_US: Quack\n"
    };
}

pub(crate) const TOOL: Files = &[
    ("manifest.yaml", manifest!("tools:\n    - provider/duck.yaml")),
    ICON,
    (
        "provider/duck.yaml",
        concat!(
            identity!(),
            "credentials_for_provider:
  api_key:
    type: secret-input
    required: true
    label:
      en_US: API key
  region:
    type: select
    default: eu
    label:
      en_US: Region
    options:
      - value: eu
        label:
          en_US: Europe
tools:
  - tools/quack.yaml
"
        ),
    ),
    (
        "tools/quack.yaml",
        concat!(
            member!(),
            "description:
  human:
    en_US: Quacks
  llm: Quacks.
parameters:
  - name: text
    type: string
    required: true
    label:
      en_US: Text
    human_description:
      en_US: What to quack
    llm_description: What to quack
    form: llm
  - name: times
    type: number
    default: 2
    min: 1
    max: 9
    label:
      en_US: Times
    human_description:
      en_US: How often
    form: form
  - name: mood
    type: select
    default: calm
    options:
      - value: calm
        label:
          en_US: Calm
      - value: angry
        label:
          en_US: Angry
    label:
      en_US: Mood
    human_description:
      en_US: In what mood
    form: form
  - name: app
    type: app-selector
    scope: chat&workflow
    label:
      en_US: App
    human_description:
      en_US: Whom to ask
    form: form
"
        ),
    ),
];

pub(crate) const ENDPOINT: Files = &[
    ("manifest.yaml", manifest!("endpoints:\n    - group/duck.yaml")),
    ICON,
    (
        "group/duck.yaml",
        "settings:
  - name: app
    type: app-selector
    scope: chat
    label:
      en_US: App
endpoints:
  - endpoints/duck.yaml
  - path: /health
    method: GET
",
    ),
    ("endpoints/duck.yaml", "path: /duck/<app_id>\nmethod: POST\n"),
];

pub(crate) const MODEL: Files = &[
    ("manifest.yaml", manifest!("models:\n    - provider/duck.yaml")),
    ICON,
    (
        "provider/duck.yaml",
        "provider: duck
label:
  en_US: Duck
icon_small:
  en_US: icon.svg
help:
  title:
    en_US: Get a key
  url:
    en_US: https://example.com
supported_model_types:
  - llm
configurate_methods:
  - predefined-model
provider_credential_schema:
  credential_form_schemas:
    - variable: key
      type: secret-input
      required: true
      label:
        en_US: Key
    - variable: region
      type: select
      label:
        en_US: Region
      options:
        - value: eu
          label:
            en_US: Europe
          show_on:
            - variable: key
              value: x
models:
  llm:
    predefined:
      - models/llm/*.yaml
    position: models/llm/_position.yaml
",
    ),
    ("models/llm/_position.yaml", "- duck-1\n"),
    (
        "models/llm/duck-1.yaml",
        "model: duck-1
label:
  en_US: Duck 1
model_type: llm
features:
  - tool-call
model_properties:
  mode: chat
  context_size: 4096
parameter_rules:
  - name: temperature
    use_template: temperature
  - name: loud
    type: boolean
    default: false
pricing:
  input: '0.10'
  output: '0.20'
  unit: '0.000001'
  currency: USD
",
    ),
];

pub(crate) const AGENT_STRATEGY: Files = &[
    ("manifest.yaml", manifest!("agent_strategies:\n    - provider/duck.yaml")),
    ICON,
    ("provider/duck.yaml", concat!(identity!(), "strategies:\n  - strategies/quack.yaml\n")),
    (
        "strategies/quack.yaml",
        concat!(
            member!(),
            "description:
  en_US: Quacks
parameters:
  - name: model
    type: model-selector
    scope: tool-call&llm
    required: true
    label:
      en_US: Model
  - name: tools
    type: array[tools]
    label:
      en_US: Tools
features:
  - history-messages
"
        ),
    ),
];

pub(crate) const DATASOURCE: Files = &[
    ("manifest.yaml", manifest!("datasources:\n    - provider/duck.yaml")),
    ICON,
    (
        "provider/duck.yaml",
        concat!(
            identity!(),
            "provider_type: website_crawl
credentials_schema:
  - name: key
    type: secret-input
    label:
      en_US: Key
datasources:
  - datasources/quack.yaml
"
        ),
    ),
    (
        "datasources/quack.yaml",
        concat!(
            member!(),
            "description:
  en_US: Crawls
parameters:
  - name: url
    type: string
    label:
      en_US: URL
    description:
      en_US: Where to begin
"
        ),
    ),
];

pub(crate) const TRIGGER: Files = &[
    ("manifest.yaml", manifest!("triggers:\n    - provider/duck.yaml")),
    ICON,
    (
        "provider/duck.yaml",
        concat!(
            identity!(),
            "subscription_schema:
  secret:
    type: secret-input
    label:
      en_US: Secret
subscription_constructor:
  parameters:
    - name: pond
      type: dynamic-select
      label:
        en_US: Pond
  credentials_schema:
    key:
      type: secret-input
      label:
        en_US: Key
  oauth_schema:
    client_schema:
      - name: client_id
        type: text-input
        label:
          en_US: Client ID
    credentials_schema:
      - name: access_token
        type: secret-input
        label:
          en_US: Token
events:
  - events/quack.yaml
"
        ),
    ),
    (
        "events/quack.yaml",
        concat!(
            member!(),
            "description:
  en_US: A duck quacks
parameters:
  - name: pond
    type: select
    multiple: true
    options:
      - value: 1
        label:
          en_US: One
    label:
      en_US: Pond
"
        ),
    ),
];

pub(crate) const ALL: [(&str, Files); 6] = [
    ("tool", TOOL),
    ("endpoint", ENDPOINT),
    ("model", MODEL),
    ("agent_strategy", AGENT_STRATEGY),
    ("datasource", DATASOURCE),
    ("trigger", TRIGGER),
];
