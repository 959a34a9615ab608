//! What is known of a failed app call: the one string that the daemon sends, taken apart.
//!
//! The daemon writes a prefix that tells when it failed (`internal/core/io_tunnel/backwards_invocation/task.go`) and then
//! whatever it was told, such as Dify's status and body
//! (`pkg/utils/http_requests/http_warpper.go`). Dify's body is JSON whose key order and spaces vary.

use std::fmt;

use serde::Deserialize;

use crate::outline::Outlined;

/// A failed call of an app, or of `fetch_app`.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppFailure {
    /// When it failed.
    pub stage: FailureStage,
    /// What went wrong, as far as it is one of the known cases.
    pub kind: FailureKind,
    /// The HTTP status that Dify answered with.
    pub status: Option<u16>,
    /// Dify's name of the error, such as `invalid_param`.
    pub code: Option<String>,
    /// The text in the middle: Dify's own message if there is one, else what the daemon says without its prefix.
    pub message: String,
    /// All of what the daemon sent.
    pub raw: String,
}

/// When a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureStage {
    /// The daemon refused it; Dify was not asked.
    Refused,
    /// Before the first event.
    BeforeFirst,
    /// After the stream began; events may have come.
    WhileReading,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The plugin's manifest lacks this permission (`app`, …).
    PermissionDenied(String),
    /// The request has a field of a wrong type, or lacks one.
    InvalidRequest,
    /// No such app in this workspace.
    AppNotFound,
    /// The app is of a kind that can't be called, or was never published.
    WrongMode,
    /// A chat app was called without a query.
    MissingQuery,
    /// An Agent was called in blocking mode.
    AgentNeedsStreaming,
    /// A variable that the app requires was not given.
    MissingInput(String),
    /// The conversation is not this app's or not this user's. Dify says so with an empty text, so it is told from what
    /// was sent: see [`AppFailure::with_conversation`].
    ConversationNotFound,
    /// Dify refused the call and gave no reason.
    Unexplained,
    /// The session's user has no end user: Dify before 1.15.
    UserNotFound,
    /// Too many calls, or the quota is used up.
    RateLimited,
    /// Dify failed inside.
    DifyFailed,
    /// As `DifyFailed`, from a Text Generator, which fails so on every call: see [`AppFailure::of_completion`].
    CompletionBroken,
    /// `fetch_app` found nothing; the daemon throws the reason away.
    NoParameters,
    /// The daemon could not reach Dify.
    Unreachable,
    /// Whoever opened the session hung up, which cancels its calls.
    CallerGone,
    /// The answer took longer than the daemon reads one: 240 s in all by default, also while events come.
    ResponseTimeLimit,
    /// The stream broke, or is none.
    BrokenStream,
    /// The app raised an error in mid-stream.
    Raised,
    /// None of these.
    Other,
}

impl AppFailure {
    /// Takes the daemon's text apart. Never fails: what is not understood is [`FailureKind::Other`], text untouched.
    ///
    /// ```
    /// use dify_plugin_protocol::app::failure::{AppFailure, FailureKind};
    ///
    /// let failure = AppFailure::parse(concat!(
    ///     "invoke app failed: request failed with status code: 400 and respond with: ",
    ///     r#"{"code":"invalid_param","message":"missing query","status":400}"#,
    ///     "\n",
    /// ));
    /// assert_eq!(failure.kind, FailureKind::MissingQuery);
    /// assert_eq!((failure.status, failure.message.as_str()), (Some(400), "missing query"));
    /// ```
    pub fn parse(text: &str) -> Self {
        let (stage, rest) = split_stage(text);
        let mut failure = Self {
            stage,
            kind: FailureKind::Other,
            status: None,
            code: None,
            message: rest.trim().to_owned(),
            raw: text.to_owned(),
        };
        if let Some((status, body)) = split_status(rest) {
            failure.read_answer(status, body);
        } else {
            failure.kind = plain_kind(stage, rest);
            if let (FailureKind::Raised, Some(raised)) =
                (&failure.kind, rest.strip_prefix("request failed: "))
            {
                failure.message = raised.to_owned();
            }
        }
        if text.starts_with("fetch app failed: data is nil") {
            failure.kind = FailureKind::NoParameters;
        }
        failure
    }

    /// Says whether the call carried a `conversation_id`: if so, a refusal without a reason means that the conversation
    /// is not this app's or not this user's.
    #[must_use]
    pub fn with_conversation(mut self, sent: bool) -> Self {
        if sent && self.kind == FailureKind::Unexplained {
            self.kind = FailureKind::ConversationNotFound;
        }
        self
    }

    /// Says that the call was one of the completion interface: there a failure inside Dify is a known fault of Dify.
    #[must_use]
    pub fn of_completion(mut self) -> Self {
        if self.kind == FailureKind::DifyFailed && self.stage == FailureStage::BeforeFirst {
            self.kind = FailureKind::CompletionBroken;
        }
        self
    }

    fn read_answer(&mut self, status: Option<u16>, body: &str) {
        #[derive(Default, Deserialize)]
        struct Refusal {
            code: Option<String>,
            message: Option<String>,
            status: Option<u16>,
        }
        let body = body.trim();
        let refusal = body.starts_with('{').then(|| serde_json::from_str::<Refusal>(body).ok()).flatten();
        let explained = refusal.is_some();
        let refusal = refusal.unwrap_or_default();
        self.status = status.or(refusal.status);
        self.code = refusal.code;
        self.message = refusal.message.unwrap_or_else(|| if explained { "" } else { body }.to_owned());
        self.kind = match (self.status, self.code.as_deref(), self.message.as_str()) {
            (_, _, "app not found") => FailureKind::AppNotFound,
            (_, _, "unexpected app type") => FailureKind::WrongMode,
            (_, _, "missing query") => FailureKind::MissingQuery,
            (_, _, "Agent Chat App does not support blocking mode") => FailureKind::AgentNeedsStreaming,
            (_, _, "user not found") => FailureKind::UserNotFound,
            (_, Some("invalid_param"), "") => FailureKind::Unexplained,
            (Some(429), ..) | (_, Some("too_many_requests"), _) => FailureKind::RateLimited,
            (_, Some("unknown" | "internal_server_error"), _) | (Some(500), ..) => FailureKind::DifyFailed,
            (Some(502..=504), ..) => FailureKind::Unreachable,
            (_, _, message) => match message.strip_suffix(" is required in input form") {
                Some(name) => FailureKind::MissingInput(name.to_owned()),
                None => FailureKind::Other,
            },
        };
    }
}

fn split_stage(text: &str) -> (FailureStage, &str) {
    for (prefix, stage) in [
        ("invoke app failed: ", FailureStage::BeforeFirst),
        ("fetch app failed: ", FailureStage::BeforeFirst),
        ("read app failed: ", FailureStage::WhileReading),
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return (stage, rest);
        }
    }
    (FailureStage::Refused, text)
}

/// The status, if it is a number, and the body of Dify's answer.
fn split_status(text: &str) -> Option<(Option<u16>, &str)> {
    let rest = text.strip_prefix("request failed with status code: ")?;
    let (status, body) = rest.split_once(" and respond with: ")?;
    Some((status.trim().parse().ok(), body))
}

fn plain_kind(stage: FailureStage, text: &str) -> FailureKind {
    if stage == FailureStage::Refused {
        let access = text
            .strip_prefix("permission denied, you need to enable ")
            .and_then(|rest| rest.strip_suffix(" access in plugin manifest"));
        return match access {
            Some(access) => FailureKind::PermissionDenied(access.to_owned()),
            None if text.starts_with("unmarshal backwards invoke request failed: ") => {
                FailureKind::InvalidRequest
            }
            None => FailureKind::Other,
        };
    }
    if text.contains("read on closed response body") {
        FailureKind::ResponseTimeLimit
    } else if text.contains("context canceled") {
        FailureKind::CallerGone
    } else if text.starts_with("request failed: ") {
        FailureKind::Raised
    } else if text.starts_with("Post \"") {
        FailureKind::Unreachable
    } else if ["magic number mismatch", "EOF", "unexpected EOF", "data length is too long", "data is nil"]
        .iter()
        .any(|start| text.starts_with(start))
    {
        FailureKind::BrokenStream
    } else {
        FailureKind::Other
    }
}

impl FailureKind {
    /// What to do about it, or how it comes about; `None` if the text alone says enough.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::PermissionDenied(_) => "enable it under resource.permission in manifest.yaml",
            Self::AppNotFound => {
                "the id is that in the app's console URL, and the app must be of the plugin's workspace"
            }
            Self::WrongMode => "the app may never have been published",
            Self::MissingQuery => "chat apps need a query, whichever interface calls them",
            Self::AgentNeedsStreaming => "call it in streaming mode and fold the events",
            Self::ConversationNotFound => {
                "a conversation id is good for the same app and the same end user only; \
                 before Dify 1.15 each call could be a new end user"
            }
            Self::Unexplained => "Dify gave no reason; an unpublished app fails so in older releases",
            Self::CompletionBroken => {
                "Dify's reverse path to Text Generator apps fails on every call in the releases known so far; \
                 a Chatbot or Workflow app can do the same work"
            }
            Self::NoParameters => {
                "no such app in this workspace, or never published; the daemon does not pass on which"
            }
            Self::ResponseTimeLimit => {
                "the daemon stops reading an answer after DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT, 240 s by default, events or not"
            }
            _ => return None,
        })
    }
}

impl fmt::Debug for AppFailure {
    // The text is an error's, written to be read; what else the daemon sent along is not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppFailure")
            .field("stage", &self.stage)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("raw", &Outlined(&self.raw))
            .finish()
    }
}

impl fmt::Display for AppFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            FailureStage::Refused => "the daemon refused the call",
            FailureStage::BeforeFirst => "the call failed",
            FailureStage::WhileReading => "the answer broke off",
        })?;
        match (self.status, self.code.as_deref()) {
            (Some(status), Some(code)) => write!(f, " with {status} {code}")?,
            (Some(status), None) => write!(f, " with {status}")?,
            (None, Some(code)) => write!(f, " with {code}")?,
            (None, None) => {}
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match self.kind.advice() {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for AppFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str = "invoke app failed: request failed with status code: ";

    fn refused(status: u16, body: &str) -> AppFailure {
        AppFailure::parse(&format!("{REFUSED}{status} and respond with: {body}"))
    }

    #[test]
    fn difys_refusals_are_read_whatever_their_key_order() {
        let failure = refused(
            400,
            "{\"status\": 400, \"message\": \"app not found\",\n \"code\": \"invalid_param\"}\n",
        );
        assert_eq!((failure.kind, failure.stage), (FailureKind::AppNotFound, FailureStage::BeforeFirst));
        assert_eq!((failure.status, failure.code.as_deref()), (Some(400), Some("invalid_param")));
        let text = r#"{"code":"invalid_param","message":"topic is required in input form","status":400}"#;
        assert_eq!(refused(400, text).kind, FailureKind::MissingInput("topic".into()));
        let text = r#"{"code":"too_many_requests","message":"slow down","status":429}"#;
        assert_eq!(refused(429, text).kind, FailureKind::RateLimited);
    }

    #[test]
    fn an_empty_refusal_means_the_conversation_if_one_was_sent() {
        let failure = refused(400, r#"{"code":"invalid_param","message":"","status":400}"#);
        assert_eq!(failure.kind, FailureKind::Unexplained);
        assert_eq!(failure.clone().with_conversation(false).kind, FailureKind::Unexplained);
        let failure = failure.with_conversation(true);
        assert_eq!(failure.kind, FailureKind::ConversationNotFound);
        assert!(failure.to_string().contains("same end user"), "{failure}");
    }

    #[test]
    fn completions_known_fault_is_named() {
        let body = r#"{"message":"Internal Server Error","code":"unknown","status":500}"#;
        assert_eq!(refused(500, body).kind, FailureKind::DifyFailed);
        let failure = refused(500, body).of_completion();
        assert_eq!(failure.kind, FailureKind::CompletionBroken);
        assert!(failure.to_string().contains("Text Generator"), "{failure}");
    }

    #[test]
    fn plain_texts_are_told_apart() {
        for (text, stage, kind) in [
            (
                "permission denied, you need to enable app access in plugin manifest",
                FailureStage::Refused,
                FailureKind::PermissionDenied("app".into()),
            ),
            ("read app failed: request failed: boom", FailureStage::WhileReading, FailureKind::Raised),
            (
                "read app failed: http: read on closed response body\nfailed to read system header",
                FailureStage::WhileReading,
                FailureKind::ResponseTimeLimit,
            ),
            (
                "read app failed: context canceled\nfailed to read system header",
                FailureStage::WhileReading,
                FailureKind::CallerGone,
            ),
            (
                "invoke app failed: Post \"http://x/inner/api/invoke/app\": dial tcp: refused",
                FailureStage::BeforeFirst,
                FailureKind::Unreachable,
            ),
            (
                "read app failed: magic number mismatch: 60",
                FailureStage::WhileReading,
                FailureKind::BrokenStream,
            ),
            ("fetch app failed: data is nil", FailureStage::BeforeFirst, FailureKind::NoParameters),
            ("something new", FailureStage::Refused, FailureKind::Other),
        ] {
            let failure = AppFailure::parse(text);
            assert_eq!((failure.stage, failure.kind), (stage, kind), "{text}");
            assert_eq!(failure.raw, text);
        }
        assert_eq!(AppFailure::parse("read app failed: request failed: boom").message, "boom");
    }

    #[test]
    fn a_body_that_is_no_json_is_the_message() {
        let failure = refused(502, "<html>502 Bad Gateway</html>");
        assert_eq!((failure.kind, failure.status), (FailureKind::Unreachable, Some(502)));
        assert_eq!(failure.message, "<html>502 Bad Gateway</html>");
        assert_eq!(refused(404, "{\"message\":").message, "{\"message\":");
        assert_eq!(AppFailure::parse("").message, "");
    }
}
