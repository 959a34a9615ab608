//! Events of a workflow run as a whole, and of its text.

use serde_json::{Map, Value};

use super::human_input::PauseReason;
use super::message::event_object;
use crate::app::metadata::{NodeStatus, RunStatus};
use crate::wire_object::wire_object;

event_object! {
    /// An event whose own fields lie in `data`: those of workflow runs, of Chatflows and of workflow apps alike.
    pub struct RunEvent<D> {
        /// The run.
        workflow_run_id: String,
        /// What the event tells.
        data: Box<D>,
    }
}

wire_object! {
    /// `data` of an event that needs none.
    pub struct NoData {}
}

wire_object! {
    /// `data` of `workflow_started`.
    pub struct WorkflowStarted {
        /// The run.
        id: String,
        /// The workflow.
        workflow_id: String,
        /// Older Dify: the run's number.
        sequence_number: i64,
        /// What the run was given.
        inputs: Map<String, Value>,
        /// Unix time, in seconds.
        created_at: i64,
        /// `initial` or `resumption`.
        reason: String,
    }
}

wire_object! {
    /// `data` of `workflow_finished`.
    pub struct WorkflowFinished {
        /// The run.
        id: String,
        /// The workflow.
        workflow_id: String,
        /// Older Dify: the run's number.
        sequence_number: i64,
        /// How it ended. `failed` and `stopped` are failures; `partial-succeeded` is not.
        status: RunStatus,
        /// The run's result.
        outputs: Map<String, Value>,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// Tokens that it used.
        total_tokens: i64,
        /// Nodes that ran.
        total_steps: i64,
        /// Who started it.
        created_by: Map<String, Value>,
        /// Unix time, in seconds.
        created_at: i64,
        /// Unix time, in seconds.
        finished_at: i64,
        /// Nodes that failed without failing the run.
        exceptions_count: i64,
        /// Files that the run made, free in form.
        files: Vec<Value>,
    }
}

wire_object! {
    /// `data` of `workflow_paused`.
    pub struct WorkflowPaused {
        /// The run.
        workflow_run_id: String,
        /// The nodes that wait.
        paused_nodes: Vec<String>,
        /// The outputs so far.
        outputs: Map<String, Value>,
        /// What they wait for.
        reasons: Vec<PauseReason>,
        /// `paused`.
        status: RunStatus,
        /// Unix time, in seconds.
        created_at: i64,
        /// Seconds that it took so far.
        elapsed_time: f64,
        /// Tokens that it used so far.
        total_tokens: i64,
        /// Nodes that ran so far.
        total_steps: i64,
    }
}

wire_object! {
    /// `data` of `reasoning_chunk`.
    pub struct ReasoningChunk {
        /// The message, in chat apps.
        message_id: String,
        /// A piece of text, to be appended.
        reasoning: String,
        /// The node that reasons.
        node_id: String,
        /// Whether it is the last piece.
        is_final: bool,
    }
}

wire_object! {
    /// `data` of `text_chunk`.
    pub struct TextChunk {
        /// A piece of text, to be appended.
        text: String,
        /// The variable the text comes from: a node's id and a name.
        from_variable_selector: Vec<String>,
    }
}

wire_object! {
    /// `data` of `text_replace`.
    pub struct TextReplace {
        /// The text that replaces what was shown so far.
        text: String,
    }
}

wire_object! {
    /// `data` of `agent_log`.
    pub struct AgentLog {
        /// The run of the node.
        node_execution_id: String,
        /// The step; the same id again is an update of it.
        id: String,
        /// What the step is called.
        label: String,
        /// The step around it.
        parent_id: String,
        /// Why it failed.
        error: String,
        /// How it stands. Agents of their own may use words of their own.
        status: NodeStatus,
        /// What it is about.
        data: Map<String, Value>,
        /// What it took: times, tokens, prices.
        metadata: Map<String, Value>,
        /// The node.
        node_id: String,
    }
}
