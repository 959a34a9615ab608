//! Events of nodes that ask a person for input.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire_object::wire_object;

/// The token of a form. Anyone who has it can fill in the form, so `Debug` hides it.
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
    /// What a run waits for: `data` of `human_input_required`, and an item of a paused run's `reasons`.
    pub struct PauseReason {
        /// The name of the reason, in `reasons` only. So far always `human_input_required`.
        #[serde(rename = "TYPE")]
        kind: String,
        /// The id of the form.
        form_id: String,
        /// The id of the node.
        node_id: String,
        /// The title of the node.
        node_title: String,
        /// The text of the form, in Markdown.
        form_content: String,
        /// The form's fields.
        inputs: Vec<FormInput>,
        /// The form's buttons.
        actions: Vec<FormAction>,
        /// Whether the app itself shows the form.
        display_in_ui: bool,
        /// The token that allows filling in the form.
        form_token: FormToken,
        /// Default values of the fields, by variable.
        resolved_default_values: Map<String, Value>,
        /// When the form expires, as a Unix timestamp in seconds.
        expiration_time: i64,
    }
}

wire_object! {
    /// A field of a form.
    pub struct FormInput {
        /// `paragraph`, `select`, `file` or `file-list`.
        #[serde(rename = "type")]
        input_type: String,
        /// The variable that the field sets.
        output_variable_name: String,
        /// The field's default value.
        default: FormDefault,
    }
}

wire_object! {
    /// The default value of a form's field.
    pub struct FormDefault {
        /// `constant` or `variable`.
        #[serde(rename = "type")]
        default_type: String,
        /// The variable, for `variable`: a node id and a name.
        selector: Vec<String>,
        /// The value, for `constant`.
        value: String,
    }
}

wire_object! {
    /// A button of a form.
    pub struct FormAction {
        /// The id of the button.
        id: String,
        /// The text on the button.
        title: String,
        /// `primary`, `default`, `accent` or `ghost`.
        button_style: String,
    }
}

wire_object! {
    /// `data` of `human_input_form_filled`.
    pub struct HumanInputFormFilled {
        /// The id of the node.
        node_id: String,
        /// The title of the node.
        node_title: String,
        /// The text of the completed form.
        rendered_content: String,
        /// The id of the button that was pressed.
        action_id: String,
        /// The text on that button.
        action_text: String,
        /// The values that were entered, by variable.
        submitted_data: Map<String, Value>,
    }
}

wire_object! {
    /// `data` of `human_input_form_timeout`.
    pub struct HumanInputFormTimeout {
        /// The id of the node.
        node_id: String,
        /// The title of the node.
        node_title: String,
        /// When the form expired, as a Unix timestamp in seconds.
        expiration_time: i64,
    }
}
