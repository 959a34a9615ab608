//! One reverse invocation, from the plugin's question to the last line of its answer
//! (`internal/core/io_tunnel/backwards_invocation/task.go`).

mod go_text;
mod request;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use dify_plugin_manifest::Permission;
use dify_plugin_protocol::InvokeType;
use futures_util::{FutureExt, StreamExt};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::accept;
use crate::encode;
use crate::event::HostEvent;
use crate::permission;
use crate::platform::{PlatformError, Reply, ReverseCall, Words};
use crate::session::{self, Closed, Session};
use crate::shared::Shared;

/// Items that are ready at once and written in one go.
const ITEMS_AT_ONCE: usize = 64;

/// A call whose shape is right; what else the daemon checks is in `request`.
#[derive(Debug)]
pub(crate) struct PreparedCall {
    session: Arc<Session>,
    call_id: Arc<str>,
    invoke_type: InvokeType,
    /// The fields for the platform, or the text that refuses the call.
    request: Result<Map<String, Value>, String>,
    /// Fields that the daemon drops without a word.
    ignored: Vec<String>,
}

/// Reads the `data` of an `invoke` message.
///
/// # Errors
///
/// The text after `invoke dify failed: `, with which the whole session is closed.
pub(crate) fn prepare(
    session: &Arc<Session>,
    data: &RawValue,
    permission: Option<&Permission>,
) -> Result<PreparedCall, String> {
    let mut fields = match serde_json::from_str::<Value>(data.get()) {
        Ok(Value::Object(fields)) => fields,
        Ok(Value::Null) => return Err("invoke request is empty".to_owned()),
        Ok(other) => {
            return Err(format!(
                "unmarshal invoke request failed: json: cannot unmarshal {} into Go value of type \
                 map[string]interface {{}}",
                accept::kind(&other)
            ));
        }
        Err(error) => return Err(format!("unmarshal invoke request failed: {error}")),
    };
    let missing = |name: &str, fields: &Map<String, Value>| {
        format!("invoke request missing {name}: {}", go_text::map(fields))
    };
    let Some(Value::String(kind)) = fields.get("type") else { return Err(missing("type", &fields)) };
    let invoke_type = InvokeType::from(kind.as_str());
    let Some(Value::String(id)) = fields.get("backwards_request_id") else {
        return Err(missing("request_id", &fields));
    };
    let call_id = Arc::from(id.as_str());
    if !matches!(fields.get("request"), Some(Value::Object(_))) {
        return Err(missing("request", &fields));
    }
    let Some(Value::Object(request)) = fields.remove("request") else { unreachable!("looked at above") };

    let mut ignored = Vec::new();
    let refusal = if session.is_model() {
        Some("you can not invoke dify from model".to_owned())
    } else {
        permission::refusal(permission, &invoke_type)
    };
    let request = match refusal {
        Some(text) => Err(text),
        None => request::read(&invoke_type, request, &mut ignored),
    };
    Ok(PreparedCall { session: Arc::clone(session), call_id, invoke_type, request, ignored })
}

/// How a call ended.
enum End {
    Complete,
    Failed(String),
    /// The session is over; the plugin hears nothing more.
    Silent,
}

/// Messages a call, to its one `end`.
pub(crate) async fn run(shared: Arc<Shared>, call: PreparedCall) {
    let PreparedCall { session, call_id, invoke_type, request, ignored } = call;
    let session_id = Arc::clone(&session.info.session_id);
    shared.tell(HostEvent::ReverseCall {
        session_id: Arc::clone(&session_id),
        call_id: Arc::clone(&call_id),
        invoke_type: invoke_type.clone(),
        ignored,
    });
    let lines = Lines::new(&session, &call_id, Words::of(&invoke_type).answer_message());
    let end = match request {
        Err(refusal) => End::Failed(refusal),
        Ok(request) => {
            let call = ReverseCall {
                session: Arc::clone(&session.info),
                call_id: Arc::clone(&call_id),
                invoke_type: invoke_type.clone(),
                request,
            };
            let answer = answer(&shared, &session, call, &lines);
            // A call must be closed whatever the platform's code does.
            AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
                End::Failed(PlatformError::Failed("the platform panicked".to_owned()).text(&invoke_type))
            })
        }
    };
    let mut out = Vec::new();
    let error = match end {
        End::Complete => None,
        End::Failed(text) => {
            lines.error(&mut out, &text);
            Some(text)
        }
        End::Silent => Some("the session is over".to_owned()),
    };
    if error.is_none() || !out.is_empty() {
        lines.end(&mut out);
        // Nobody is left to hear of a closed pipe.
        let _ = shared.outbox.send(&out).await;
    }
    shared.tell(HostEvent::ReverseCallEnded { session_id, call_id, error });
}

async fn answer(shared: &Shared, session: &Session, call: ReverseCall, lines: &Lines) -> End {
    let kind = &call.invoke_type.clone();
    let words = Words::of(kind);
    let mut items = shared.platform.invoke(call).ready_chunks(ITEMS_AT_ONCE);
    // Set going by the first item: the daemon counts from the head of Dify's answer.
    let mut limit = pin!(tokio::time::sleep(shared.config.reverse_call_timeout));
    let mut begun = false;
    loop {
        let chunk = tokio::select! {
            biased;
            how = session.closed() => return cancelled(how, &words, begun),
            () = &mut limit, if begun => {
                let prefix = words.reading.unwrap_or(words.asking);
                let text = "http: read on closed response body\nfailed to read system header";
                return End::Failed(format!("{prefix}{text}"));
            }
            chunk = items.next() => chunk,
        };
        let Some(chunk) = chunk else {
            // A kind that is answered with one object needs that object.
            return if words.reading.is_none() {
                End::Failed(format!("{}data is nil", words.asking))
            } else {
                End::Complete
            };
        };
        if !begun {
            begun = true;
            limit.as_mut().reset(tokio::time::Instant::now() + shared.config.reverse_call_timeout);
        }
        let mut out = Vec::new();
        let mut end = None;
        for item in chunk {
            match item {
                Ok(item) => lines.response(&mut out, &item),
                Err(error) => end = Some(End::Failed(error.text(kind))),
            }
            if end.is_none() && words.reading.is_none() {
                end = Some(End::Complete);
            }
            if end.is_some() {
                break;
            }
        }
        if !out.is_empty() {
            tokio::select! {
                biased;
                how = session.closed() => return cancelled(how, &words, begun),
                sent = shared.outbox.send(&out) => if sent.is_err() {
                    return End::Silent;
                },
            }
        }
        if let Some(end) = end {
            return end;
        }
    }
}

/// What a call's plugin reads when its session ends first: at a time limit the words below, else nothing. The daemon
/// is silent, or nearly always silent, in the other cases.
fn cancelled(how: Closed, words: &Words, begun: bool) -> End {
    match how {
        Closed::Silently => End::Silent,
        Closed::TimedOut => End::Failed(match words.reading {
            Some(reading) if begun => format!("{reading}context canceled\nfailed to read system header"),
            _ => format!("{}context canceled", words.asking),
        }),
    }
}

/// Writes the lines of one call.
struct Lines {
    /// Envelope and id, up to the event's name.
    head: Vec<u8>,
    answer_message: &'static str,
}

impl Lines {
    fn new(session: &Session, call_id: &str, answer_message: &'static str) -> Self {
        let mut head = Vec::new();
        session::write_envelope(&mut head, &session.info);
        head.extend_from_slice(br#""backwards_response","data":{"backwards_request_id":"#);
        encode::string(&mut head, call_id);
        head.extend_from_slice(br#","event":"#);
        Self { head, answer_message }
    }

    fn response(&self, out: &mut Vec<u8>, item: &Reply) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#""response","message":"#);
        encode::string(out, self.answer_message);
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(&item.0);
        out.extend_from_slice(b"}}\n");
    }

    fn error(&self, out: &mut Vec<u8>, text: &str) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(br#""error","message":"#);
        encode::string(out, text);
        out.extend_from_slice(b",\"data\":null}}\n");
    }

    fn end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b"\"end\",\"message\":\"\",\"data\":null}}\n");
    }
}
