//! Shows what a running plugin does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dify_plugin_host::{HostEvent, HostEvents, SessionEnd};
use dify_plugin_protocol::LogLevel;
use tokio::sync::mpsc;

use crate::console::{Console, Tone};
use crate::humanize::seconds;
use crate::launch::Runner;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything except heartbeats, with the time since the start.
    Sessions,
    /// Only what the plugin writes and calls, for a single session.
    Call,
}

/// A line to show.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) tone: Tone,
    pub(crate) verb: &'static str,
    pub(crate) text: String,
}

/// How long stderr is read after the end of a call: it is another pipe, so its last lines may arrive later.
const LAST_LINES: Duration = Duration::from_millis(50);

/// Shows events until the plugin ends or, for a single call, until its session ends, and `notes` in between. Events that happened
/// before a note was sent are shown before it. Times count from `started`.
pub(crate) async fn narrate(
    console: Console,
    detail: Detail,
    runner: Runner,
    mut events: HostEvents,
    mut notes: mpsc::UnboundedReceiver<Note>,
    started: Instant,
) {
    let mut narrator = Narrator::new(detail, runner);
    let last_lines = tokio::time::sleep(LAST_LINES);
    tokio::pin!(last_lines);
    let mut over = false;
    loop {
        let note = tokio::select! {
            biased;
            event = events.recv() => match event {
                None | Some(HostEvent::Exited(_)) => return,
                Some(event) => {
                    if detail == Detail::Call && matches!(event, HostEvent::SessionClosed { .. }) {
                        over = true;
                        last_lines.as_mut().reset(tokio::time::Instant::now() + LAST_LINES);
                    }
                    narrator.note(event, started.elapsed())
                }
            },
            () = &mut last_lines, if over => return,
            Some(note) = notes.recv() => Some(note),
        };
        let Some(Note { tone, verb, text }) = note else { continue };
        match detail {
            Detail::Sessions => {
                console.entry(tone, verb, &format!("{:7.3} {text}", started.elapsed().as_secs_f64()));
            }
            Detail::Call => console.entry(tone, verb, &text),
        }
    }
}

/// Turns events into lines, with times since the start.
struct Narrator {
    detail: Detail,
    runner: Runner,
    /// Whether the first heartbeat has arrived.
    ready: bool,
    /// When each open session began.
    sessions: HashMap<Arc<str>, Duration>,
    /// When each open reverse invocation began, and its type.
    calls: HashMap<(Arc<str>, Arc<str>), (Duration, String)>,
}

impl Narrator {
    fn new(detail: Detail, runner: Runner) -> Self {
        Self { detail, runner, ready: false, sessions: HashMap::new(), calls: HashMap::new() }
    }

    fn note(&mut self, event: HostEvent, now: Duration) -> Option<Note> {
        let note = |tone, verb, text| Some(Note { tone, verb, text });
        match event {
            HostEvent::Log(log) => {
                let tone = match log.level {
                    LogLevel::Warning => Tone::Warning,
                    LogLevel::Error => Tone::Bad,
                    _ => Tone::Note,
                };
                note(tone, "Log", format!("{} {}", log.level, log.message))
            }
            HostEvent::Stderr(line) => note(Tone::Note, "Stderr", line),
            HostEvent::Heartbeat => {
                self.ready = true;
                None
            }
            HostEvent::JunkFrame { text: printed, reason } => {
                // Once the plugin runs, the library redirects stdout, so `println!` does no harm.
                let cure = if !self.ready && self.runner == Runner::Binary {
                    "; use eprintln! or tracing instead of println! before run()"
                } else {
                    ""
                };
                let text = format!("a line on stdout that the daemon ignores: {reason}{cure}\n{printed}");
                note(Tone::Warning, "Junk", text)
            }
            HostEvent::ErrorEvent(text) => {
                note(Tone::Bad, "Error", format!("outside of a session, so the daemon drops it: {text}"))
            }
            HostEvent::SessionOpened { session_id, access_type, action } => {
                let text = self.about(&session_id, &format!("{access_type}/{action}"));
                self.sessions.insert(session_id, now);
                (self.detail == Detail::Sessions).then_some(Note { tone: Tone::Good, verb: "Opened", text })
            }
            HostEvent::SessionClosed { session_id, end } => {
                let after = took(self.sessions.remove(&session_id), now);
                if self.detail == Detail::Call {
                    return None;
                }
                let (tone, verb, how) = match end {
                    SessionEnd::Done => (Tone::Good, "Closed", format!("done{after}")),
                    SessionEnd::Abandoned => (
                        Tone::Note,
                        "Closed",
                        format!("abandoned by its caller{after}; the plugin is not notified"),
                    ),
                    // The stderr of a plugin that died is shown already, line by line.
                    SessionEnd::Failed(failure) => {
                        (Tone::Bad, "Failed", format!("{}: {}", after.trim_start(), failure.brief()))
                    }
                    other => (Tone::Note, "Closed", format!("{other:?}{after}")),
                };
                note(tone, verb, self.about(&session_id, &how))
            }
            HostEvent::ReverseCall { session_id, call_id, invoke_type, ignored } => {
                let mut text = self.about(&session_id, &format!("the plugin calls `{invoke_type}`"));
                let tone = if ignored.is_empty() { Tone::Note } else { Tone::Warning };
                if !ignored.is_empty() {
                    text.push_str(&format!("; the daemon drops the fields `{}`", ignored.join("`, `")));
                }
                self.calls.insert((session_id, call_id), (now, invoke_type.to_string()));
                note(tone, "Reverse", text)
            }
            HostEvent::ReverseCallEnded { session_id, call_id, error } => {
                let call = self.calls.remove(&(Arc::clone(&session_id), call_id));
                let (began, kind) =
                    call.map_or((None, "a call".to_owned()), |(at, kind)| (Some(at), format!("`{kind}`")));
                let after = took(began, now);
                let (tone, how) = match error {
                    None if self.detail == Detail::Call => return None,
                    None => (Tone::Note, format!("{kind} completed{after}")),
                    Some(error) => (Tone::Bad, format!("{kind} failed{after}: {error}")),
                };
                note(tone, "Reverse", self.about(&session_id, &how))
            }
            HostEvent::Missed(count) => {
                note(Tone::Warning, "Missed", format!("{count} events, which came too fast to be shown"))
            }
            // Other events are not for people.
            _ => None,
        }
    }

    /// Puts the session before `text` if there may be several.
    fn about(&self, session_id: &str, text: &str) -> String {
        match self.detail {
            Detail::Sessions => format!("{} {text}", short(session_id)),
            Detail::Call => text.to_owned(),
        }
    }
}

/// Returns the beginning of a session's id, which is enough to tell sessions apart.
pub(crate) fn short(session_id: &str) -> &str {
    session_id.get(..8).unwrap_or(session_id)
}

fn took(began: Option<Duration>, now: Duration) -> String {
    began.map_or_else(String::new, |began| format!(" after {}", seconds(now.saturating_sub(began))))
}
