//! How errors are converted: their names, texts and details.

use std::io;

use dify_plugin::Error;
use dify_plugin::protocol::InvokeType;
use dify_plugin::session_layer::{InvokeError, SendError};

#[derive(Debug, thiserror::Error)]
#[error("the upstream failed")]
struct UpstreamError(#[source] io::Error);

/// An error that says what its source says.
#[derive(Debug, thiserror::Error)]
#[error("sending failed: {0}")]
struct Wrapped(#[source] SendError);

#[test]
fn a_converted_error_has_the_texts_of_its_sources_each_once() {
    let error = Error::from(UpstreamError(io::Error::other("connection reset")));
    assert_eq!(error.error_type(), "HandlerFailed");
    assert_eq!(error.message(), "the upstream failed: connection reset");
    assert_eq!(error.to_string(), error.message());
    assert_eq!(format!("{error:?}"), "HandlerFailed: the upstream failed: connection reset");
    assert!(error.source().is_some_and(|source| source.is::<UpstreamError>()));
    let error = Error::from(Wrapped(SendError::Ended));
    assert_eq!(error.message().matches("the session has ended").count(), 1, "{error}");
    assert!(Error::new("Mine", "my own").source().is_none());
}

#[test]
fn errors_of_the_layers_below_have_their_names_on_the_wire_also_when_wrapped() {
    let too_large = || SendError::TooLarge { size: 9, limit: 8 };
    let timed_out = InvokeError::TimedOut { kind: InvokeType::App, after: std::time::Duration::from_secs(1) };
    for (error, name) in [
        (Error::from(too_large()), "FrameTooLarge"),
        (Error::from(Wrapped(too_large())), "FrameTooLarge"),
        (Error::from(InvokeError::TooLarge { size: 9, limit: 8 }), "FrameTooLarge"),
        (Error::from(SendError::Closed(None)), "Closed"),
        (Error::from(InvokeError::Closed(None)), "Closed"),
        (Error::from(SendError::Ended), "HandlerFailed"),
        (Error::from(timed_out), "InvokeError"),
        (Error::from(io::Error::other("x")).named("Disk"), "Disk"),
    ] {
        assert_eq!(error.error_type(), name, "{error}");
    }
}

#[test]
fn a_limit_is_named_with_the_variable_that_sets_it() {
    let overrun = InvokeError::Overrun { limit: 9, field: "reply_queue_bytes" };
    let error = Error::from(overrun);
    assert!(error.message().contains("`reply_queue_bytes` (DIFY_PLUGIN_REPLY_QUEUE_BYTES)"), "{error}");
    // Passed on, it is not named twice.
    let again = Error::from(io::Error::other(error.to_string()));
    assert_eq!(again.message(), error.message());
}

#[test]
fn a_json_error_does_not_quote_the_value() {
    let error = Error::from(serde_json::from_str::<u32>(r#""hunter2""#).unwrap_err());
    assert!(error.message().contains("found string") && !error.message().contains("hunter2"), "{error}");
}
