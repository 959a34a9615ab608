//! The three interfaces to apps.

use crate::answer::{AnyAnswer, MessageAnswer, Run};
use crate::kind::AppKind;

/// An interface to apps: [`Chat`], [`Workflow`] or [`Completion`]. Sealed.
pub trait Interface: sealed::Sealed + Clone + Send + Sync + Unpin + 'static {
    /// The answer of an app of the interface's kind.
    type Answer: Send + 'static;
}

macro_rules! interfaces {
    ($($(#[$meta:meta])* $name:ident: $answer:ty,)+) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, Copy, Default)]
            #[non_exhaustive]
            pub struct $name;

            impl Interface for $name {
                type Answer = $answer;
            }

            impl sealed::Sealed for $name {
                const KIND: AppKind = AppKind::$name;

                fn own(answer: AnyAnswer) -> Result<$answer, Box<AnyAnswer>> {
                    match answer {
                        AnyAnswer::$name(answer) => Ok(answer),
                        other => Err(Box::new(other)),
                    }
                }
            }
        )+
    };
}

interfaces! {
    /// The interface to Chatbots, Agents and Chatflows.
    Chat: MessageAnswer,
    /// The interface to Workflows.
    Workflow: Run,
    /// The interface to Text Generators.
    Completion: MessageAnswer,
}

mod sealed {
    use super::{AnyAnswer, AppKind, Interface};

    pub trait Sealed: Sized {
        #[doc(hidden)]
        const KIND: AppKind;

        /// Returns the answer if it is of this interface's kind, else the answer as it was.
        #[doc(hidden)]
        fn own(answer: AnyAnswer) -> Result<<Self as Interface>::Answer, Box<AnyAnswer>>
        where
            Self: Interface;
    }
}
