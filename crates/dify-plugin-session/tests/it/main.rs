//! Scenarios: a connection on one end of a pipe, literal daemon lines on the other. Time is paused where it matters, and
//! the pipe is narrow, so that lines arrive in pieces.

mod calls;
mod daemon;
mod drain;
mod input;
mod limits;
mod sessions;
