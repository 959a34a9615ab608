//! The declaration of a tool's parameter, as it travels when a tool makes one at run time.

use serde_json::Value;

use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

open_enum! {
    /// What a parameter holds (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub enum ParameterType {
        /// A text.
        String => "string",
        /// A number.
        Number => "number",
        /// Yes or no.
        Boolean => "boolean",
        /// One of the options.
        Select => "select",
        /// A text that must not be seen.
        SecretInput => "secret-input",
        /// A file.
        File => "file",
        /// Files.
        Files => "files",
        /// An app.
        AppSelector => "app-selector",
        /// A model.
        ModelSelector => "model-selector",
        /// Anything.
        Any => "any",
        /// One of options that the plugin lists when asked.
        DynamicSelect => "dynamic-select",
        /// A list.
        Array => "array",
        /// An object.
        Object => "object",
        /// A box to tick.
        Checkbox => "checkbox",
        /// A day.
        Date => "date",
        /// A first day and a last.
        DateRange => "date-range",
    }
}

open_enum! {
    /// Who gives a parameter its value (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub enum ParameterForm {
        /// Nobody: it is part of the schema.
        Schema => "schema",
        /// A person, in a form.
        Form => "form",
        /// The model that calls the tool.
        Llm => "llm",
    }
}

wire_object! {
    /// One parameter of a tool (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub struct ToolParameter {
        /// Its key among the parameters.
        name: String,
        /// What a person reads.
        label: I18nText,
        /// What it is for, for a person.
        human_description: I18nText,
        /// What it holds.
        #[serde(rename = "type")]
        parameter_type: ParameterType,
        /// What it may refer to.
        scope: String,
        /// Who gives it its value.
        form: ParameterForm,
        /// What it is for, for a model.
        llm_description: String,
        /// Whether it must be given.
        required: bool,
        /// How its value can be made up.
        auto_generate: AutoGenerate,
        /// Whether its value may be a template.
        template: ParameterTemplate,
        /// Its value if none is given.
        default: Value,
        /// Its least value.
        min: f64,
        /// Its greatest value.
        max: f64,
        /// Digits after the point.
        precision: i64,
        /// Whether it takes several of its options.
        multiple: bool,
        /// What it may be, for [`ParameterType::Select`].
        options: Vec<ParameterOption>,
    }
}

wire_object! {
    /// A text in several languages (`pkg/entities/plugin_entities/basic_type.go`). The daemon knows no others.
    pub struct I18nText {
        /// English; must be there.
        #[serde(rename = "en_US")]
        en_us: String,
        /// Simplified Chinese.
        #[serde(rename = "zh_Hans")]
        zh_hans: String,
        /// Brazilian Portuguese.
        #[serde(rename = "pt_BR")]
        pt_br: String,
        /// Japanese.
        #[serde(rename = "ja_JP")]
        ja_jp: String,
    }
}

impl I18nText {
    /// A text in English alone.
    pub fn english(text: impl Into<String>) -> Self {
        Self { en_us: Some(text.into()), ..Self::default() }
    }
}

wire_object! {
    /// How a parameter's value can be made up.
    pub struct AutoGenerate {
        /// `prompt_instruction`.
        #[serde(rename = "type")]
        kind: String,
    }
}

wire_object! {
    /// Whether a parameter's value may be a template.
    pub struct ParameterTemplate {
        /// Whether it may.
        enabled: bool,
    }
}

wire_object! {
    /// What a parameter may be.
    pub struct ParameterOption {
        /// The value.
        value: String,
        /// What a person reads.
        label: I18nText,
        /// An icon: a URL or data.
        icon: String,
    }
}
