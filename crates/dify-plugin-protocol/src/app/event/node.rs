//! Events of a workflow's nodes, and of the two that run other nodes: iterations and loops.

use serde_json::{Map, Value};

use crate::app::decimal::Decimal;
use crate::app::metadata::NodeStatus;
use crate::wire_object::wire_object;

wire_object! {
    /// `data` of `node_started`.
    pub struct NodeStarted {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// Its place in the order of running.
        index: i64,
        /// The node before it.
        predecessor_node_id: String,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// The iteration it runs in.
        iteration_id: String,
        /// The loop it runs in.
        loop_id: String,
        /// The strategy, of an agent node.
        agent_strategy: Map<String, Value>,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
    }
}

wire_object! {
    /// `data` of `node_finished`.
    pub struct NodeFinished {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// Its place in the order of running.
        index: i64,
        /// The node before it.
        predecessor_node_id: String,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What it worked with, such as the prompt.
        process_data: Map<String, Value>,
        /// Whether `process_data` is cut short.
        process_data_truncated: bool,
        /// What it gave.
        outputs: Map<String, Value>,
        /// Whether `outputs` is cut short.
        outputs_truncated: bool,
        /// How it ended.
        status: NodeStatus,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// What it used.
        execution_metadata: ExecutionMetadata,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// When it ended; Unix time, in seconds.
        finished_at: i64,
        /// Files that it made, free in form.
        files: Vec<Value>,
        /// The iteration it runs in.
        iteration_id: String,
        /// The loop it runs in.
        loop_id: String,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
    }
}

wire_object! {
    /// `data` of `node_retry`.
    pub struct NodeRetry {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// Its place in the order of running.
        index: i64,
        /// The node before it.
        predecessor_node_id: String,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What it worked with, such as the prompt.
        process_data: Map<String, Value>,
        /// Whether `process_data` is cut short.
        process_data_truncated: bool,
        /// What it gave.
        outputs: Map<String, Value>,
        /// Whether `outputs` is cut short.
        outputs_truncated: bool,
        /// How it ended.
        status: NodeStatus,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// What it used.
        execution_metadata: ExecutionMetadata,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// When it ended; Unix time, in seconds.
        finished_at: i64,
        /// Files that it made, free in form.
        files: Vec<Value>,
        /// The iteration it runs in.
        iteration_id: String,
        /// The loop it runs in.
        loop_id: String,
        /// Which try this was, from 1.
        retry_index: i64,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
    }
}

wire_object! {
    /// `data` of `iteration_started`.
    pub struct IterationStarted {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What is known before it begins, such as `iterator_length`.
        metadata: Map<String, Value>,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `iteration_next`.
    pub struct IterationNext {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// Which round begins, from 0.
        index: i64,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// Older Dify: what the round before gave.
        pre_iteration_output: Value,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: seconds that the round before took.
        duration: f64,
        /// Older Dify: the parallel run.
        parallel_mode_run_id: String,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `iteration_completed`.
    pub struct IterationCompleted {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What it gave.
        outputs: Map<String, Value>,
        /// Whether `outputs` is cut short.
        outputs_truncated: bool,
        /// How it ended.
        status: NodeStatus,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// Tokens that it used.
        total_tokens: i64,
        /// What it used.
        execution_metadata: ExecutionMetadata,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// When it ended; Unix time, in seconds.
        finished_at: i64,
        /// Rounds that it ran.
        steps: i64,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `loop_started`.
    pub struct LoopStarted {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What is known before it begins, such as `iterator_length`.
        metadata: Map<String, Value>,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `loop_next`.
    pub struct LoopNext {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// Which round begins, from 0.
        index: i64,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// What the round before gave.
        pre_loop_output: Value,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: seconds that the round before took.
        duration: f64,
        /// Older Dify: the parallel run.
        parallel_mode_run_id: String,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `loop_completed`.
    pub struct LoopCompleted {
        /// This run of the node.
        id: String,
        /// The node, as in the workflow's graph.
        node_id: String,
        /// The node's kind, such as `llm`.
        node_type: String,
        /// The node's title.
        title: String,
        /// What it was given.
        inputs: Map<String, Value>,
        /// Whether `inputs` is cut short.
        inputs_truncated: bool,
        /// What it gave.
        outputs: Map<String, Value>,
        /// Whether `outputs` is cut short.
        outputs_truncated: bool,
        /// How it ended.
        status: NodeStatus,
        /// Why it failed.
        error: String,
        /// Seconds that it took.
        elapsed_time: f64,
        /// Tokens that it used.
        total_tokens: i64,
        /// What it used.
        execution_metadata: ExecutionMetadata,
        /// When it began; Unix time, in seconds.
        created_at: i64,
        /// When it ended; Unix time, in seconds.
        finished_at: i64,
        /// Rounds that it ran.
        steps: i64,
        /// What only its kind has.
        extras: Map<String, Value>,
        /// Older Dify: the parallel part it runs in.
        parallel_id: String,
        /// Older Dify: the node that part begins with.
        parallel_start_node_id: String,
        /// Older Dify: the parallel part around that.
        parent_parallel_id: String,
        /// Older Dify: the node that one begins with.
        parent_parallel_start_node_id: String,
        /// Older Dify: the round's parallel run.
        parallel_run_id: String,
    }
}

wire_object! {
    /// `data` of `parallel_branch_started` and `parallel_branch_finished`: older Dify.
    pub struct ParallelBranch {
        /// The parallel part.
        parallel_id: String,
        /// The branch.
        parallel_branch_id: String,
        /// The parallel part around it.
        parent_parallel_id: String,
        /// The node that one begins with.
        parent_parallel_start_node_id: String,
        /// The iteration it runs in.
        iteration_id: String,
        /// The loop it runs in.
        loop_id: String,
        /// Unix time, in seconds.
        created_at: i64,
        /// How the branch ended.
        status: NodeStatus,
        /// Why the branch failed.
        error: String,
    }
}

wire_object! {
    /// What a node used.
    pub struct ExecutionMetadata {
        /// Tokens.
        total_tokens: i64,
        /// What they cost.
        total_price: Decimal,
        /// The price's currency.
        currency: String,
    }
}
