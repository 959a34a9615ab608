//! Parameters that a tool declares at run time.

use serde_json::Value;

use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

open_enum! {
    /// The type of a parameter (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub enum ParameterType {
        /// A text.
        String => "string",
        /// A number.
        Number => "number",
        /// True or false.
        Boolean => "boolean",
        /// One of the options.
        Select => "select",
        /// A secret text.
        SecretInput => "secret-input",
        /// A file.
        File => "file",
        /// Files.
        Files => "files",
        /// An app.
        AppSelector => "app-selector",
        /// A model.
        ModelSelector => "model-selector",
        /// Any value.
        Any => "any",
        /// One of the options that the plugin returns on request.
        DynamicSelect => "dynamic-select",
        /// A list.
        Array => "array",
        /// An object.
        Object => "object",
        /// A checkbox.
        Checkbox => "checkbox",
        /// A date.
        Date => "date",
        /// A first and a last date.
        DateRange => "date-range",
    }
}

open_enum! {
    /// Who sets a parameter (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub enum ParameterForm {
        /// No one: it is part of the schema.
        Schema => "schema",
        /// A user, in a form.
        Form => "form",
        /// The model that calls the tool.
        Llm => "llm",
    }
}

wire_object! {
    /// A parameter of a tool (`pkg/entities/plugin_entities/tool_declaration.go`).
    pub struct ToolParameter {
        /// The name.
        name: String,
        /// The label.
        label: I18nText,
        /// The description for users.
        human_description: I18nText,
        /// The type of the value.
        #[serde(rename = "type")]
        parameter_type: ParameterType,
        /// The allowed models, apps or tools, for a selector.
        scope: String,
        /// Who sets the value.
        form: ParameterForm,
        /// The description for models.
        llm_description: String,
        /// Whether it is required.
        required: bool,
        /// How a value can be generated.
        auto_generate: AutoGenerate,
        /// Whether the value may be a template.
        template: ParameterTemplate,
        /// The default value.
        default: Value,
        /// The minimum.
        min: f64,
        /// The maximum.
        max: f64,
        /// The number of decimal places.
        precision: i64,
        /// Whether several options can be selected.
        multiple: bool,
        /// The options, for [`ParameterType::Select`].
        options: Vec<ParameterOption>,
    }
}

wire_object! {
    /// A text in the languages that the daemon knows (`pkg/entities/plugin_entities/basic_type.go`).
    pub struct I18nText {
        /// English. Required.
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

wire_object! {
    /// How a parameter's value can be generated.
    pub struct AutoGenerate {
        /// `prompt_instruction`.
        #[serde(rename = "type")]
        generate_type: String,
    }
}

wire_object! {
    /// Whether a parameter's value may be a template.
    pub struct ParameterTemplate {
        /// Whether it may be one.
        enabled: bool,
    }
}

wire_object! {
    /// An option of a parameter.
    pub struct ParameterOption {
        /// The value.
        value: String,
        /// The label.
        label: I18nText,
        /// An icon: a URL or image data.
        icon: String,
    }
}
