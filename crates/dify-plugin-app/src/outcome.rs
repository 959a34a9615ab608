//! How a call ended that did not fail.

use crate::answer::Pause;
use crate::error::AppError;

/// How a call ended that did not fail.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Outcome<T> {
    /// The app finished with this answer.
    Finished(T),
    /// The run waits for a person. The call is over, the run is not.
    Paused(Box<Pause>),
}

impl<T> Outcome<T> {
    /// Returns the answer, and treats a pause as an error.
    ///
    /// # Errors
    ///
    /// [`AppError::Paused`] if the run waits for a person.
    pub fn finished(self) -> Result<T, AppError> {
        match self {
            Self::Finished(answer) => Ok(answer),
            Self::Paused(pause) => Err(AppError::Paused(pause)),
        }
    }

    /// Returns the pause, if the run waits for a person.
    pub fn paused(&self) -> Option<&Pause> {
        match self {
            Self::Finished(_) => None,
            Self::Paused(pause) => Some(pause),
        }
    }
}
