//! Events of a workflow's nodes, including iterations and loops.

use serde_json::{Map, Value};

use crate::app::decimal::Decimal;
use crate::app::metadata::NodeStatus;
use crate::wire_object::wire_object;

wire_object! {
    /// `data` of the events `node_…`, `iteration_…` and `loop_…`. Each event sets some of the fields.
    pub struct NodeEvent {
        /// The id of this execution of the node.
        id: String,
        /// The node's id in the workflow's graph.
        node_id: String,
        /// The node's type, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// The node's position in the order of execution; in `iteration_next` and `loop_next` the round, from 0.
        index: i64,
        /// The id of the previous node.
        predecessor_node_id: String,
        /// The node's inputs.
        inputs: Map<String, Value>,
        /// Whether Dify shortened `inputs`.
        inputs_truncated: bool,
        /// Intermediate values, such as the prompt.
        process_data: Map<String, Value>,
        /// Whether Dify shortened `process_data`.
        process_data_truncated: bool,
        /// The node's outputs.
        outputs: Map<String, Value>,
        /// Whether Dify shortened `outputs`.
        outputs_truncated: bool,
        /// The node's status.
        status: NodeStatus,
        /// Why the node failed.
        error: String,
        /// Execution time, in seconds.
        elapsed_time: f64,
        /// Tokens and their price.
        execution_metadata: ExecutionMetadata,
        /// Tokens used by an iteration or a loop.
        total_tokens: i64,
        /// Rounds of an iteration or a loop.
        steps: i64,
        /// The number of this retry, from 1.
        retry_index: i64,
        /// Start time, as a Unix timestamp in seconds.
        created_at: i64,
        /// End time, as a Unix timestamp in seconds.
        finished_at: i64,
        /// Files that the node created.
        files: Vec<Value>,
        /// Facts about an iteration or a loop at its start, such as `iterator_length`.
        metadata: Map<String, Value>,
        /// Fields that only this type of node has.
        extras: Map<String, Value>,
        /// The strategy of an agent node.
        agent_strategy: Map<String, Value>,
        /// The id of the surrounding iteration.
        iteration_id: String,
        /// The id of the surrounding loop.
        loop_id: String,
        /// The output of the previous round of an iteration. Older Dify only.
        pre_iteration_output: Value,
        /// The output of the previous round of a loop.
        pre_loop_output: Value,
        /// Time the previous round took, in seconds. Older Dify only.
        duration: f64,
        /// The id of the parallel run. Older Dify only.
        parallel_mode_run_id: String,
        /// The id of the round's parallel run. Older Dify only.
        parallel_run_id: String,
        /// The id of the surrounding parallel section. Older Dify only.
        parallel_id: String,
        /// The id of the first node of that section. Older Dify only.
        parallel_start_node_id: String,
        /// The id of the parallel section around that. Older Dify only.
        parent_parallel_id: String,
        /// The id of the first node of that section. Older Dify only.
        parent_parallel_start_node_id: String,
    }
}

wire_object! {
    /// `data` of `parallel_branch_started` and `parallel_branch_finished`. Older Dify only.
    pub struct ParallelBranch {
        /// The id of the parallel section.
        parallel_id: String,
        /// The id of the branch.
        parallel_branch_id: String,
        /// The id of the surrounding parallel section.
        parent_parallel_id: String,
        /// The id of the first node of that section.
        parent_parallel_start_node_id: String,
        /// The id of the surrounding iteration.
        iteration_id: String,
        /// The id of the surrounding loop.
        loop_id: String,
        /// A Unix timestamp, in seconds.
        created_at: i64,
        /// The branch's status.
        status: NodeStatus,
        /// Why the branch failed.
        error: String,
    }
}

wire_object! {
    /// The tokens that a node used, and their price.
    pub struct ExecutionMetadata {
        /// Number of tokens.
        total_tokens: i64,
        /// Price of the tokens.
        total_price: Decimal,
        /// Currency of the price.
        currency: String,
    }
}
