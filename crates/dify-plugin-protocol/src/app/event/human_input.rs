//! Events of nodes that ask a person.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire_object::wire_object;

/// Lets its bearer fill in a form: a secret, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormToken(pub String);

impl std::fmt::Debug for FormToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormToken(..)")
    }
}

crate::redact::redact_as_debug!(FormToken);

wire_object! {
    /// `data` of `human_input_required`.
    pub struct HumanInputRequired {
        /// The form.
        form_id: String,
        /// The node that asks.
        node_id: String,
        /// The node's title.
        node_title: String,
        /// The text of the form, in Markdown.
        form_content: String,
        /// The form's fields.
        inputs: Vec<FormInput>,
        /// The form's buttons.
        actions: Vec<FormAction>,
        /// Whether the app itself shows the form.
        display_in_ui: bool,
        /// Lets its bearer fill in the form.
        form_token: FormToken,
        /// The fields' defaults, by variable.
        resolved_default_values: Map<String, Value>,
        /// Until when; Unix time, in seconds.
        expiration_time: i64,
    }
}

wire_object! {
    /// Why a run waits: `human_input_required` and the form, so far.
    pub struct PauseReason {
        /// The reason's name. The key is upper case on the wire.
        #[serde(rename = "TYPE")]
        kind: String,
        /// The form.
        form_id: String,
        /// The node that asks.
        node_id: String,
        /// The node's title.
        node_title: String,
        /// The text of the form, in Markdown.
        form_content: String,
        /// The form's fields.
        inputs: Vec<FormInput>,
        /// The form's buttons.
        actions: Vec<FormAction>,
        /// Whether the app itself shows the form.
        display_in_ui: bool,
        /// Lets its bearer fill in the form.
        form_token: FormToken,
        /// The fields' defaults, by variable.
        resolved_default_values: Map<String, Value>,
        /// Until when; Unix time, in seconds.
        expiration_time: i64,
    }
}

wire_object! {
    /// A field of a form.
    pub struct FormInput {
        /// `paragraph`, `select`, `file` or `file-list`.
        #[serde(rename = "type")]
        input_type: String,
        /// The variable it sets.
        output_variable_name: String,
        /// What it holds at first.
        default: FormDefault,
    }
}

wire_object! {
    /// What a form's field holds at first.
    pub struct FormDefault {
        /// `constant` or `variable`.
        #[serde(rename = "type")]
        default_type: String,
        /// The variable, for `variable`.
        selector: Vec<String>,
        /// The value, for `constant`.
        value: String,
    }
}

wire_object! {
    /// A button of a form.
    pub struct FormAction {
        /// Its id.
        id: String,
        /// Its text.
        title: String,
        /// `primary`, `default`, `accent` or `ghost`.
        button_style: String,
    }
}

wire_object! {
    /// `data` of `human_input_form_filled`.
    pub struct HumanInputFormFilled {
        /// The node that asked.
        node_id: String,
        /// The node's title.
        node_title: String,
        /// The form's text as filled in.
        rendered_content: String,
        /// The button pressed.
        action_id: String,
        /// The button's text.
        action_text: String,
        /// What was filled in, by variable.
        submitted_data: Map<String, Value>,
    }
}

wire_object! {
    /// `data` of `human_input_form_timeout`.
    pub struct HumanInputFormTimeout {
        /// The node that asked.
        node_id: String,
        /// The node's title.
        node_title: String,
        /// Until when it waited; Unix time, in seconds.
        expiration_time: i64,
    }
}
