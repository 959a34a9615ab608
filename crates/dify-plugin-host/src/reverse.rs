//! One reverse invocation, from the plugin's call to the last frame of the reply
//! (`internal/core/io_tunnel/backwards_invocation/task.go`).

mod permission;
mod request;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use dify_plugin_manifest::Permission;
use dify_plugin_protocol::invoke::{InvokeSpec, ReverseEvent, ReverseResponse};
use dify_plugin_protocol::{IncomingEvent, InvokeType};
use futures_util::{FutureExt, StreamExt};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::event::HostEvent;
use crate::platform::{PlatformError, Reply, ReverseCall};
use crate::session::{self, Closed, Session};
use crate::shared::Shared;

/// How many replies that are ready at once are written in one go.
const REPLIES_AT_ONCE: usize = 64;

/// A call of the right shape.
#[derive(Debug)]
pub(crate) struct PreparedCall {
    session: Arc<Session>,
    call_id: Arc<str>,
    invoke_type: InvokeType,
    /// The call for the platform, or the error that refuses it.
    admitted: Result<Admitted, String>,
}

/// A call that the daemon would pass on to Dify.
#[derive(Debug)]
struct Admitted {
    spec: &'static InvokeSpec,
    request: Map<String, Value>,
    /// Fields that the daemon drops without a word.
    ignored: Vec<String>,
}

/// Reads the `data` of an `invoke` message.
///
/// # Errors
///
/// Returns what is wrong with a call for which the daemon closes the whole session.
pub(crate) fn prepare(
    session: &Arc<Session>,
    data: &RawValue,
    permission: Option<&Permission>,
) -> Result<PreparedCall, String> {
    let mut fields = match serde_json::from_str::<Value>(data.get()) {
        Ok(Value::Object(fields)) => fields,
        Ok(Value::Null) => return Err("invoke request is empty".to_owned()),
        Ok(_) => return Err("unmarshal invoke request failed: not an object".to_owned()),
        Err(error) => return Err(format!("unmarshal invoke request failed: {error}")),
    };
    let mut text = |name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(format!("invoke request missing {name}: it must be a string")),
    };
    let invoke_type = InvokeType::from(text("type")?.as_str());
    let call_id = Arc::from(text("backwards_request_id")?);
    let Some(Value::Object(request)) = fields.remove("request") else {
        return Err("invoke request missing request: it must be an object".to_owned());
    };
    let admitted = admit(session, &invoke_type, request, permission);
    Ok(PreparedCall { session: Arc::clone(session), call_id, invoke_type, admitted })
}

/// Checks whether the daemon would pass the call on to Dify.
fn admit(
    session: &Session,
    invoke_type: &InvokeType,
    request: Map<String, Value>,
    permission: Option<&Permission>,
) -> Result<Admitted, String> {
    if session.is_model() {
        return Err("you can not invoke dify from model".to_owned());
    }
    let spec = invoke_type.spec().ok_or_else(|| format!("unsupported invoke type: {invoke_type}"))?;
    if let (Some(permission), Some(needed)) = (permission, &spec.permission)
        && !permission::grants(permission, needed)
    {
        return Err(needed.denial());
    }
    let (request, ignored) = request::read(invoke_type, request)
        .map_err(|problem| format!("unmarshal backwards invoke request failed: {problem}"))?;
    Ok(Admitted { spec, request, ignored })
}

/// How a call ended.
enum End {
    Complete,
    Failed(String),
    /// The session ended first; the plugin gets no more frames.
    Silent,
}

/// Answers a call, up to its one `end`.
pub(crate) async fn run(shared: Arc<Shared>, call: PreparedCall) {
    let PreparedCall { session, call_id, invoke_type, admitted } = call;
    let session_id = Arc::clone(&session.info.session_id);
    shared.publish(HostEvent::ReverseCall {
        session_id: Arc::clone(&session_id),
        call_id: Arc::clone(&call_id),
        invoke_type: invoke_type.clone(),
        ignored: admitted.as_ref().map(|admitted| admitted.ignored.clone()).unwrap_or_default(),
    });
    let frames = Frames { session: &session, call_id: &call_id };
    let end = match admitted {
        Err(refusal) => End::Failed(refusal),
        Ok(Admitted { spec, request, .. }) => {
            let info = Arc::clone(&session.info);
            let call =
                ReverseCall { session: info, call_id: Arc::clone(&call_id), invoke_type, request, spec };
            // The plugin waits for the end of its call, even if the platform panics.
            AssertUnwindSafe(answer(&shared, &session, call, &frames)).catch_unwind().await.unwrap_or_else(
                |_| End::Failed(PlatformError::Failed("the platform panicked".to_owned()).text(spec)),
            )
        }
    };
    let mut out = Vec::new();
    let error = match end {
        End::Complete => None,
        End::Failed(text) => {
            frames.write(&mut out, ReverseEvent::Error, &text, None);
            Some(text)
        }
        End::Silent => Some("the session ended first".to_owned()),
    };
    if error.is_none() || !out.is_empty() {
        frames.write(&mut out, ReverseEvent::End, "", None);
        // If stdin is closed, nobody waits for the end.
        let _ = shared.outbox.send(&out).await;
    }
    shared.publish(HostEvent::ReverseCallEnded { session_id, call_id, error });
}

async fn answer(shared: &Shared, session: &Session, call: ReverseCall, frames: &Frames<'_>) -> End {
    let spec = call.spec;
    let stream_prefix = spec.stream_error_prefix.unwrap_or(spec.error_prefix);
    let mut replies = shared.platform.invoke(call).ready_chunks(REPLIES_AT_ONCE);
    // Reset by the first reply: the daemon counts from the head of Dify's response.
    let mut limit = pin!(tokio::time::sleep(shared.config.reverse_call_timeout));
    let mut begun = false;
    loop {
        let ready = tokio::select! {
            biased;
            how = session.closed() => return canceled(how, spec, begun),
            () = &mut limit, if begun => {
                let text = "http: read on closed response body\nfailed to read system header";
                return End::Failed(format!("{stream_prefix}{text}"));
            }
            ready = replies.next() => ready,
        };
        let Some(ready) = ready else {
            // A call with a single reply needs that reply.
            return if spec.is_stream() {
                End::Complete
            } else {
                End::Failed(format!("{}data is nil", spec.error_prefix))
            };
        };
        if !begun {
            begun = true;
            limit.as_mut().reset(tokio::time::Instant::now() + shared.config.reverse_call_timeout);
        }
        let mut out = Vec::new();
        let mut end = None;
        for reply in ready {
            match reply {
                Ok(Reply(data)) => {
                    let message = if spec.is_stream() { "stream" } else { "struct" };
                    frames.write(&mut out, ReverseEvent::Response, message, Some(&data));
                }
                Err(error) => end = Some(End::Failed(error.text(spec))),
            }
            if end.is_none() && !spec.is_stream() {
                end = Some(End::Complete);
            }
            if end.is_some() {
                break;
            }
        }
        if !out.is_empty() {
            tokio::select! {
                biased;
                how = session.closed() => return canceled(how, spec, begun),
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

/// How a call ends whose session ends first: with an error if that was for its time limit, else without a word. The daemon
/// is silent, or nearly always silent, in the other cases.
fn canceled(how: Closed, spec: &InvokeSpec, begun: bool) -> End {
    match how {
        Closed::Silently => End::Silent,
        Closed::TimedOut => End::Failed(match spec.stream_error_prefix {
            Some(prefix) if begun => format!("{prefix}context canceled\nfailed to read system header"),
            _ => format!("{}context canceled", spec.error_prefix),
        }),
    }
}

/// Writes the frames of one call.
struct Frames<'a> {
    session: &'a Session,
    call_id: &'a str,
}

impl Frames<'_> {
    fn write(&self, out: &mut Vec<u8>, event: ReverseEvent, message: &str, data: Option<&RawValue>) {
        let backwards_request_id = self.call_id.into();
        let response = ReverseResponse { backwards_request_id, event, message: message.into(), data };
        session::write_frame(out, &self.session.info, IncomingEvent::BackwardsResponse, response);
    }
}
