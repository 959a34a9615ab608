//! The kinds of apps.

/// A kind of app, by what it sends back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppKind {
    /// A Chatbot, an Agent or a Chatflow.
    Chat,
    /// A Workflow.
    Workflow,
    /// A Text Generator.
    Completion,
}

impl AppKind {
    /// Returns what Dify's console calls such an app.
    pub fn console_name(self) -> &'static str {
        match self {
            Self::Chat => "a Chatbot, Agent or Chatflow",
            Self::Workflow => "a Workflow",
            Self::Completion => "a Text Generator",
        }
    }

    /// Returns the method of [`Apps`](crate::Apps) that calls such an app.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Chat => "chat(id)",
            Self::Workflow => "workflow(id)",
            Self::Completion => "completion(id)",
        }
    }
}
