//! One frame of the daemon's, read as far as the multiplexer needs it.

use dify_plugin_protocol::daemon_frame::DaemonFrame;
use dify_plugin_protocol::frame::Frame;
use dify_plugin_protocol::salvage::Salvage;
use dify_plugin_protocol::{Incoming, IncomingEvent, RequestHeader, ReverseResponse, error};

/// Longest session id taken, in bytes. The daemon's are UUIDs; the id is all that is kept of a refused request.
pub(super) const SESSION_ID_BYTES: usize = 256;

/// A frame whose envelope has been read. Reading it needs no lock, so a slow parse holds up nobody.
pub(crate) enum Inbound<'a> {
    Request(Incoming<'a>, RequestHeader<'a>),
    Reply(ReverseResponse<'a>),
    Unreadable { whose: Salvage, reason: String },
}

impl<'a> Inbound<'a> {
    /// Reads the envelope of `frame`; `limit` is the longest frame taken, in bytes.
    pub(crate) fn read(frame: Frame<'a>, limit: usize) -> Self {
        let frame = match frame {
            Frame::Whole(frame) => frame,
            Frame::TooLong(prefix) => {
                let whose = Salvage::from_frame(prefix);
                let reason = format!("a frame over the limit of {limit} bytes; raise `max_line_bytes`");
                return Self::Unreadable { whose, reason };
            }
            _ => return Self::Unreadable { whose: Salvage::default(), reason: "unknown framing".to_owned() },
        };
        match Self::read_whole(frame) {
            Ok(inbound) => inbound,
            Err(reason) => {
                let reason = format!("a frame of {} bytes: {reason}", frame.len());
                Self::Unreadable { whose: Salvage::from_frame(frame), reason }
            }
        }
    }

    fn read_whole(frame: &'a [u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(frame)
            .map_err(|error| format!("invalid UTF-8 after byte {}", error.valid_up_to()))?;
        // The daemon always writes the fields in the same order, and reading just that form is several times faster. A
        // frame in any other form means the same and is parsed in general, and a broken one gets its error there.
        let inbound = match DaemonFrame::read(text) {
            Some(DaemonFrame::Request(incoming, header)) => Self::Request(incoming, header),
            Some(DaemonFrame::Reply(reply)) => Self::Reply(reply),
            None => Self::read_any_form(text)?,
        };
        match &inbound {
            Self::Request(incoming, _) if incoming.session_id.len() > SESSION_ID_BYTES => Err(format!(
                "a `session_id` of {} bytes; at most {SESSION_ID_BYTES} are taken",
                incoming.session_id.len()
            )),
            _ => Ok(inbound),
        }
    }

    fn read_any_form(text: &'a str) -> Result<Self, String> {
        let incoming = Incoming::parse(text).map_err(|error| error::describe_json(&error))?;
        let in_data = |error| format!("in `data`: {}", error::describe_json(&error));
        match incoming.event {
            IncomingEvent::BackwardsResponse => {
                Ok(Self::Reply(ReverseResponse::parse(incoming.data).map_err(in_data)?))
            }
            IncomingEvent::Request => {
                let header = RequestHeader::parse(incoming.data).map_err(in_data)?;
                Ok(Self::Request(incoming, header))
            }
            ref unknown => Err(format!("unknown event `{unknown:.40}`")),
        }
    }
}
