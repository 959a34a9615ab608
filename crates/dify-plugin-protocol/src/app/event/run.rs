//! Events of a workflow run as a whole, and of its text.

use serde_json::{Map, Value};

use super::human_input::PauseReason;
use super::message::event_object;
use crate::app::metadata::{NodeStatus, RunStatus};
use crate::wire_object::wire_object;

event_object! {
    /// An event of a run, with its own fields in `data`. Workflows and Chatflows both send these.
    pub struct RunEvent<D> {
        /// The id of the run.
        workflow_run_id: String,
        /// The event's own fields.
        data: Box<D>,
    }
}

wire_object! {
    /// `data` of an event without fields of its own.
    pub struct NoData {}
}

wire_object! {
    /// A run of a workflow: `data` of the events `workflow_started`, `workflow_finished` and `workflow_paused`, and of a
    /// blocking reply. Each sets some of the fields.
    pub struct WorkflowRun {
        /// The id of the run.
        id: String,
        /// The id of the run again, of a paused run.
        workflow_run_id: String,
        /// The id of the workflow.
        workflow_id: String,
        /// The number of the run. Older Dify only.
        sequence_number: i64,
        /// Why the run started: `initial` or `resumption`.
        reason: String,
        /// The run's inputs.
        inputs: Map<String, Value>,
        /// The run's status. `failed` and `stopped` are failures; `partial-succeeded` is not. A blocking call returns
        /// normally for a failed run.
        status: RunStatus,
        /// The run's outputs.
        outputs: Map<String, Value>,
        /// Why the run failed.
        error: String,
        /// Execution time, in seconds.
        elapsed_time: f64,
        /// Number of tokens used.
        total_tokens: i64,
        /// Number of nodes executed.
        total_steps: i64,
        /// Number of nodes that failed without failing the run.
        exceptions_count: i64,
        /// The user who started the run.
        created_by: Map<String, Value>,
        /// Start time, as a Unix timestamp in seconds.
        created_at: i64,
        /// End time, as a Unix timestamp in seconds. Null while the run is paused.
        finished_at: i64,
        /// Files that the run created.
        files: Vec<Value>,
        /// The ids of the nodes that a paused run waits for.
        paused_nodes: Vec<String>,
        /// What a paused run waits for.
        reasons: Vec<PauseReason>,
    }
}

wire_object! {
    /// `data` of `reasoning_chunk`.
    pub struct ReasoningChunk {
        /// The id of the message, in chat apps.
        message_id: String,
        /// A chunk of text to append.
        reasoning: String,
        /// The id of the node.
        node_id: String,
        /// Whether this is the last chunk.
        is_final: bool,
    }
}

wire_object! {
    /// `data` of `text_chunk` and `text_replace`.
    pub struct TextChunk {
        /// The text: a chunk to append, or what replaces the text so far.
        text: String,
        /// The variable that the text comes from: a node id and a name.
        from_variable_selector: Vec<String>,
    }
}

wire_object! {
    /// `data` of `agent_log`.
    pub struct AgentLog {
        /// The id of the node's execution.
        node_execution_id: String,
        /// The id of the step. A later event with the same id updates the step.
        id: String,
        /// The name of the step.
        label: String,
        /// The id of the surrounding step.
        parent_id: String,
        /// Why the step failed.
        error: String,
        /// The step's status. Custom agents may use other names.
        status: NodeStatus,
        /// The step's details.
        data: Map<String, Value>,
        /// Times, tokens and prices.
        metadata: Map<String, Value>,
        /// The id of the node.
        node_id: String,
    }
}
