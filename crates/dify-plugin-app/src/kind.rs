//! The kinds of apps.

use std::fmt;

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

impl fmt::Display for AppKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chat => "chat",
            Self::Workflow => "workflow",
            Self::Completion => "completion",
        })
    }
}
