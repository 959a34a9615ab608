//! The frames to send, as the daemon writes them, and the kind of a received frame.

use scenarios::lines;

use crate::Result;

/// A message of a session, or something outside of any.
pub(crate) enum Kind {
    Stream,
    Invoke,
    End,
    /// A heartbeat or a log record.
    Other,
}

/// Returns the kind of a frame, determined from its beginning.
pub(crate) fn kind(line: &[u8]) -> Result<Kind> {
    const TYPE: &[u8] = br#""type":""#;
    if !line.starts_with(br#"{"event":"session""#) {
        return if line.starts_with(br#"{"event":"error""#) {
            Err(unexpected(line))
        } else {
            Ok(Kind::Other)
        };
    }
    let head = &line[..line.len().min(120)];
    let kind = memchr::memmem::find(head, TYPE).map(|at| &line[at + TYPE.len()..]);
    match kind {
        Some([b's', b't', ..]) => Ok(Kind::Stream),
        Some([b'i', ..]) => Ok(Kind::Invoke),
        Some([b'e', b'n', ..]) => Ok(Kind::End),
        _ => Err(unexpected(line)),
    }
}

fn unexpected(line: &[u8]) -> Box<dyn std::error::Error + Send + Sync> {
    format!("it wrote: {}", String::from_utf8_lossy(&line[..line.len().min(500)])).into()
}

/// Returns a call of one of the tools of `bench`, with its newline.
pub(crate) fn request(session: &str, tool: &str, text: &str) -> String {
    lines::tool(session, "bench", tool, &format!(r#"{{"text":"{text}"}}"#)) + "\n"
}

/// A session that waits for the replies to a call.
pub(crate) struct Call {
    session: String,
    id: String,
}

impl Call {
    /// Reads the frame of the call.
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        let line = std::str::from_utf8(line)?;
        Ok(Self { session: field(line, "session_id")?, id: field(line, "backwards_request_id")? })
    }

    /// Appends one event, as a chat app streams them, with its newline.
    pub(crate) fn write_event(&self, out: &mut String) {
        const EVENT: &str = r#"{"answer":"token ","conversation_id":"c-1","created_at":1,"event":"message","id":"m-1","message_id":"m-1","task_id":"t-1"}"#;
        out.push_str(&lines::response(&self.session, &self.id, EVENT));
        out.push('\n');
    }

    /// Appends the last event, which has no text, and the end of the replies.
    pub(crate) fn write_end(&self, out: &mut String) {
        const EVENT: &str = r#"{"conversation_id":"c-1","created_at":1,"event":"message_end","id":"m-1","message_id":"m-1","metadata":{},"task_id":"t-1"}"#;
        out.push_str(&lines::response(&self.session, &self.id, EVENT));
        out.push('\n');
        out.push_str(&lines::end(&self.session, &self.id));
        out.push('\n');
    }
}

fn field(line: &str, name: &str) -> Result<String> {
    let (_, rest) =
        line.split_once(&format!("\"{name}\":\"")).ok_or_else(|| format!("no {name} in {line}"))?;
    let (value, _) = rest.split_once('"').ok_or("an unfinished string")?;
    Ok(value.to_owned())
}
