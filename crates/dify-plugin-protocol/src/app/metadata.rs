//! Facts about an app's answer: its status, its cost and its sources.

use crate::app::decimal::Decimal;
use crate::open_enum::open_enum;
use crate::wire_object::wire_object;

pub use crate::retriever::RetrieverResource;

open_enum! {
    /// The kind of an app. It decides what the app sends, not the interface through which the app was called.
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
    /// The status of a workflow run.
    pub enum RunStatus {
        /// Still running.
        Running => "running",
        /// Finished without a failure.
        Succeeded => "succeeded",
        /// Failed.
        Failed => "failed",
        /// Stopped by a user.
        Stopped => "stopped",
        /// Finished. Nodes failed, and their failures were handled.
        PartialSucceeded => "partial-succeeded",
        /// Waiting for a person.
        Paused => "paused",
    }
}

open_enum! {
    /// The status of a node or of an agent's step.
    pub enum NodeStatus {
        /// Still running.
        Running => "running",
        /// Finished without a failure.
        Succeeded => "succeeded",
        /// Failed.
        Failed => "failed",
        /// Failed, and the workflow continued.
        Exception => "exception",
        /// Stopped by a user.
        Stopped => "stopped",
        /// Failed, and will be retried.
        Retry => "retry",
    }
}

wire_object! {
    /// The `metadata` of a finished message.
    pub struct Metadata {
        /// Tokens and prices.
        usage: Usage,
        /// The citations.
        retriever_resources: Vec<RetrieverResource>,
        /// The annotation, if one was used in place of a model's answer.
        annotation_reply: AnnotationReply,
    }
}

wire_object! {
    /// Tokens and prices. A price is the number of tokens × `…_unit_price` × `…_price_unit`.
    pub struct Usage {
        /// Number of prompt tokens.
        prompt_tokens: i64,
        /// Price of one unit of prompt tokens.
        prompt_unit_price: Decimal,
        /// The unit: `0.000001` for a price per million tokens.
        prompt_price_unit: Decimal,
        /// Price of the prompt.
        prompt_price: Decimal,
        /// Number of completion tokens.
        completion_tokens: i64,
        /// Price of one unit of completion tokens.
        completion_unit_price: Decimal,
        /// The unit.
        completion_price_unit: Decimal,
        /// Price of the completion.
        completion_price: Decimal,
        /// Number of all tokens.
        total_tokens: i64,
        /// Total price.
        total_price: Decimal,
        /// Currency of the prices, such as `USD`.
        currency: String,
        /// Duration of the call, in seconds.
        latency: f64,
        /// Time to the first token, in seconds.
        time_to_first_token: f64,
        /// Time from the first token to the last, in seconds.
        time_to_generate: f64,
    }
}

wire_object! {
    /// An annotation that was used as the answer.
    pub struct AnnotationReply {
        /// The id of the annotation.
        id: String,
        /// The author.
        account: AnnotationAuthor,
    }
}

wire_object! {
    /// The author of an annotation.
    pub struct AnnotationAuthor {
        /// The id of the account.
        id: String,
        /// The name of the account.
        name: String,
    }
}

wire_object! {
    /// A file that an app created or received.
    pub struct AppFile {
        /// The id of the object that the file belongs to.
        related_id: String,
        /// The type of the file.
        #[serde(rename = "type")]
        file_type: crate::app::request::FileType,
        /// The file name.
        filename: String,
        /// The extension, including the dot.
        extension: String,
        /// The MIME type.
        mime_type: String,
        /// The size, in bytes.
        size: i64,
        /// How Dify got the file.
        transfer_method: crate::app::request::TransferMethod,
        /// The URL of the file.
        url: String,
        /// The id of the upload.
        upload_file_id: String,
        /// The original URL of a remote file.
        remote_url: String,
    }
}
