//! The three interfaces to an app, and the kind of app behind each.

use std::fmt;

use crate::answer::{AnyAnswer, ChatAnswer, CompletionAnswer, Run};

/// A kind of app, by how it answers. An interface is meant for one kind; what runs is decided by the app.
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
    /// What Dify's console calls such an app.
    pub fn console_name(self) -> &'static str {
        match self {
            Self::Chat => "a Chatbot, Agent or Chatflow",
            Self::Workflow => "a Workflow",
            Self::Completion => "a Text Generator",
        }
    }

    /// The method of [`Apps`](crate::Apps) that is meant for it.
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

/// An interface to an app: [`Chat`], [`Workflow`] or [`Completion`]. Sealed.
pub trait Interface: sealed::Sealed + Clone + Send + Sync + Unpin + 'static {
    /// What an app of the interface's kind answers.
    type Answer: Send + 'static;
}

/// The interface to Chatbots, Agents and Chatflows.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Chat;

/// The interface to Workflows.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Workflow;

/// The interface to Text Generators.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Completion;

impl Interface for Chat {
    type Answer = ChatAnswer;
}

impl Interface for Workflow {
    type Answer = Run;
}

impl Interface for Completion {
    type Answer = CompletionAnswer;
}

pub(crate) mod sealed {
    use super::*;

    pub trait Sealed: Sized {
        #[doc(hidden)]
        const KIND: AppKind;

        /// The answer, if it is of this interface's kind; else it is given back.
        #[doc(hidden)]
        fn own(answer: AnyAnswer) -> Result<<Self as Interface>::Answer, Box<AnyAnswer>>
        where
            Self: Interface;
    }

    impl Sealed for Chat {
        const KIND: AppKind = AppKind::Chat;
        fn own(answer: AnyAnswer) -> Result<ChatAnswer, Box<AnyAnswer>> {
            match answer {
                AnyAnswer::Chat(answer) => Ok(answer),
                other => Err(Box::new(other)),
            }
        }
    }

    impl Sealed for Workflow {
        const KIND: AppKind = AppKind::Workflow;
        fn own(answer: AnyAnswer) -> Result<Run, Box<AnyAnswer>> {
            match answer {
                AnyAnswer::Workflow(run) => Ok(run),
                other => Err(Box::new(other)),
            }
        }
    }

    impl Sealed for Completion {
        const KIND: AppKind = AppKind::Completion;
        fn own(answer: AnyAnswer) -> Result<CompletionAnswer, Box<AnyAnswer>> {
            match answer {
                AnyAnswer::Completion(answer) => Ok(answer),
                other => Err(Box::new(other)),
            }
        }
    }
}
