//! The `type` and `action` of a request.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::open_enum::open_enum;

open_enum! {
    /// The `type` of a request: the kind of plugin it is for
    /// (`internal/core/io_tunnel/access_types/access.go`).
    pub enum AccessType {
        /// Tools and their credentials.
        Tool => "tool",
        /// Models of all types. Their sessions may not make reverse invocations.
        Model => "model",
        /// HTTP endpoints.
        Endpoint => "endpoint",
        /// Agent strategies.
        AgentStrategy => "agent_strategy",
        /// OAuth flows of tools, datasources and triggers.
        Oauth => "oauth",
        /// Datasources.
        Datasource => "datasource",
        /// Options of a parameter, fetched when a form is shown.
        DynamicParameter => "dynamic_parameter",
        /// Triggers and their events.
        Trigger => "trigger",
    }
}

open_enum! {
    /// The `action` of a request (`internal/core/io_tunnel/access_types/access.go`).
    pub enum Action {
        /// Runs a tool. The plugin sends tool messages.
        InvokeTool => "invoke_tool",
        /// Checks the credentials of a tool provider.
        ValidateToolCredentials => "validate_tool_credentials",
        /// Fetches a tool's parameters that depend on its credentials.
        GetToolRuntimeParameters => "get_tool_runtime_parameters",
        /// Runs an agent strategy.
        InvokeAgentStrategy => "invoke_agent_strategy",
        /// Runs a large language model.
        InvokeLlm => "invoke_llm",
        /// Starts a model run whose result is polled.
        StartPolling => "start_polling",
        /// Polls the result of a model run.
        CheckPolling => "check_polling",
        /// Counts the tokens of a prompt.
        GetLlmNumTokens => "get_llm_num_tokens",
        /// Embeds texts.
        InvokeTextEmbedding => "invoke_text_embedding",
        /// Embeds texts and images.
        InvokeMultimodalEmbedding => "invoke_multimodal_embedding",
        /// Counts the tokens of texts to embed.
        GetTextEmbeddingNumTokens => "get_text_embedding_num_tokens",
        /// Ranks documents.
        InvokeRerank => "invoke_rerank",
        /// Ranks documents with images.
        InvokeMultimodalRerank => "invoke_multimodal_rerank",
        /// Converts text to speech.
        InvokeTts => "invoke_tts",
        /// Lists voices.
        GetTtsModelVoices => "get_tts_model_voices",
        /// Transcribes speech.
        InvokeSpeech2Text => "invoke_speech2text",
        /// Checks a text against a moderation model.
        InvokeModeration => "invoke_moderation",
        /// Checks the credentials of a model provider.
        ValidateProviderCredentials => "validate_provider_credentials",
        /// Checks the credentials of one model.
        ValidateModelCredentials => "validate_model_credentials",
        /// Fetches the schema of a customizable model.
        GetAiModelSchemas => "get_ai_model_schemas",
        /// Handles one HTTP request. The plugin sends the response in chunks.
        InvokeEndpoint => "invoke_endpoint",
        /// Returns the URL where a user grants access.
        GetAuthorizationUrl => "get_authorization_url",
        /// Exchanges a grant for credentials.
        GetCredentials => "get_credentials",
        /// Refreshes credentials.
        RefreshCredentials => "refresh_credentials",
        /// Checks the credentials of a datasource.
        ValidateDatasourceCredentials => "validate_datasource_credentials",
        /// Crawls a website.
        InvokeWebsiteDatasourceGetCrawl => "invoke_website_datasource_get_crawl",
        /// Lists the pages of an online document.
        InvokeOnlineDocumentDatasourceGetPages => "invoke_online_document_datasource_get_pages",
        /// Reads one page of an online document.
        InvokeOnlineDocumentDatasourceGetPageContent => "invoke_online_document_datasource_get_page_content",
        /// Lists the files of an online drive.
        InvokeOnlineDriveBrowseFiles => "invoke_online_drive_browse_files",
        /// Reads one file of an online drive.
        InvokeOnlineDriveDownloadFile => "invoke_online_drive_download_file",
        /// Lists the options of a parameter.
        FetchParameterOptions => "fetch_parameter_options",
        /// Checks the credentials of a trigger.
        ValidateTriggerCredentials => "validate_trigger_credentials",
        /// Subscribes to events.
        SubscribeTrigger => "subscribe_trigger",
        /// Refreshes a subscription.
        RefreshTrigger => "refresh_trigger",
        /// Cancels a subscription.
        UnsubscribeTrigger => "unsubscribe_trigger",
        /// Returns the events that a webhook call stands for.
        DispatchTriggerEvent => "dispatch_trigger_event",
        /// Converts one event to variables.
        InvokeTriggerEvent => "invoke_trigger_event",
    }
}

/// The three fields of every request's `data`. The action's own fields are at the same level
/// (`internal/core/io_tunnel/mapping.go`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHeader<'a> {
    /// The kind of plugin the request is for.
    #[serde(rename = "type")]
    pub access_type: AccessType,
    /// What the plugin is asked to do.
    pub action: Action,
    /// The id of the Dify user. Empty for endpoints and for dispatched trigger events.
    #[serde(borrow, default, deserialize_with = "crate::text::or_empty")]
    pub user_id: Cow<'a, str>,
}

impl<'a> RequestHeader<'a> {
    /// Parses the header of a request's `data` and skips the action's own fields.
    ///
    /// # Errors
    ///
    /// If `data` is not a JSON object, `type` or `action` is missing, or a field is not a string.
    pub fn parse(data: &'a RawValue) -> serde_json::Result<Self> {
        crate::object::parse(data.get())
    }
}
