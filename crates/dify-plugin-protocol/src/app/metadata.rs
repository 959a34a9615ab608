//! What an app tells about its answer: what it cost, and what it rests on.

use crate::app::decimal::Decimal;
use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

pub use crate::retriever::RetrieverResource;

open_enum! {
    /// An app's kind. It, and not the interface a plugin used, decides what comes back.
    pub enum AppMode {
        /// A Chatbot.
        Chat => "chat",
        /// An Agent.
        AgentChat => "agent-chat",
        /// A Chatflow.
        AdvancedChat => "advanced-chat",
        /// A Workflow.
        Workflow => "workflow",
        /// A Text Generator.
        Completion => "completion",
    }
}

open_enum! {
    /// How a workflow run stands.
    pub enum RunStatus {
        /// Not over yet.
        Running => "running",
        /// Over, without a failure.
        Succeeded => "succeeded",
        /// Over, by a failure.
        Failed => "failed",
        /// Stopped by somebody.
        Stopped => "stopped",
        /// Over; nodes failed and their failures were handled.
        PartialSucceeded => "partial-succeeded",
        /// Waits for a person.
        Paused => "paused",
    }
}

open_enum! {
    /// How a node's run, or an agent's step, stands.
    pub enum NodeStatus {
        /// Not over yet.
        Running => "running",
        /// Over, without a failure.
        Succeeded => "succeeded",
        /// Over, by a failure.
        Failed => "failed",
        /// Failed, and the workflow went on.
        Exception => "exception",
        /// Stopped by somebody.
        Stopped => "stopped",
        /// Failed, and is tried again.
        Retry => "retry",
    }
}

wire_object! {
    /// The `metadata` of a finished message.
    pub struct Metadata {
        /// What the models used.
        usage: Usage,
        /// The cited knowledge.
        retriever_resources: Vec<RetrieverResource>,
        /// Set when a person's annotation answered in place of a model.
        annotation_reply: AnnotationReply,
    }
}

wire_object! {
    /// What a model call used and cost. A price is the number of tokens × `…_unit_price` × `…_price_unit`.
    pub struct Usage {
        /// Tokens of the prompt.
        prompt_tokens: i64,
        /// Price of one unit of prompt tokens.
        prompt_unit_price: Decimal,
        /// The unit, as a multiplier per token: `0.000001` for a price per million.
        prompt_price_unit: Decimal,
        /// Price of the prompt.
        prompt_price: Decimal,
        /// Tokens of the answer.
        completion_tokens: i64,
        /// Price of one unit of answer tokens.
        completion_unit_price: Decimal,
        /// The unit, as a multiplier per token.
        completion_price_unit: Decimal,
        /// Price of the answer.
        completion_price: Decimal,
        /// Tokens of both.
        total_tokens: i64,
        /// Price of both.
        total_price: Decimal,
        /// The prices' currency, such as `USD`.
        currency: String,
        /// Seconds that the call took.
        latency: f64,
        /// Seconds until the first token.
        time_to_first_token: f64,
        /// Seconds from the first token to the last.
        time_to_generate: f64,
    }
}

wire_object! {
    /// The annotation that answered.
    pub struct AnnotationReply {
        /// The annotation's id.
        id: String,
        /// Who wrote it.
        account: AnnotationAuthor,
    }
}

wire_object! {
    /// The author of an annotation.
    pub struct AnnotationAuthor {
        /// The account's id.
        id: String,
        /// The account's name.
        name: String,
    }
}

wire_object! {
    /// A file that an app made or was given.
    pub struct AppFile {
        /// The id of what this file belongs to.
        related_id: String,
        /// Its kind.
        #[serde(rename = "type")]
        file_type: crate::app::request::FileType,
        /// Its name.
        filename: String,
        /// The name's extension, with its dot.
        extension: String,
        /// Its MIME type.
        mime_type: String,
        /// Its size, in bytes.
        size: i64,
        /// How Dify got it.
        transfer_method: crate::app::request::TransferMethod,
        /// Where it can be fetched.
        url: String,
        /// The id of the upload.
        upload_file_id: String,
        /// Where it came from, for a remote file.
        remote_url: String,
    }
}
