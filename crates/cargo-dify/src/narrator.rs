//! What a running plugin does, told a line at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dify_plugin_host::{HostEvent, HostEvents, SessionEnd};
use dify_plugin_protocol::LogLevel;
use tokio::sync::mpsc;

use crate::console::{Console, Tone};
use crate::humanize::seconds;
use crate::launch::Runner;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Everything but heartbeats, with the time since the start.
    Sessions,
    /// What the plugin says and asks, for a single call: its session needs no telling.
    Call,
}

/// A line that isn't an event of the host.
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) tone: Tone,
    pub(crate) verb: &'static str,
    pub(crate) text: String,
}

/// How long after a call's end its last words on stderr, which come on a pipe of their own, are waited for.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// Tells what happens, and `notes` in between: until the plugin is gone, or of a single call until its end. What had
/// happened before a note was sent is told before it. Times count from `started`.
pub(crate) async fn narrate(
    console: Console,
    detail: Detail,
    runner: Runner,
    mut events: HostEvents,
    mut notes: mpsc::UnboundedReceiver<Note>,
    started: Instant,
) {
    let mut narrator = Narrator::new(detail, runner);
    let last_words = tokio::time::sleep(LAST_WORDS);
    tokio::pin!(last_words);
    let mut over = false;
    loop {
        let note = tokio::select! {
            biased;
            event = events.recv() => match event {
                None | Some(HostEvent::Exited(_)) => return,
                Some(event) => {
                    if detail == Detail::Call && matches!(event, HostEvent::SessionClosed { .. }) {
                        over = true;
                        last_words.as_mut().reset(tokio::time::Instant::now() + LAST_WORDS);
                    }
                    narrator.note(event, started.elapsed())
                }
            },
            () = &mut last_words, if over => return,
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

/// Turns events into lines. Times are since the start.
struct Narrator {
    detail: Detail,
    runner: Runner,
    /// Whether the first heartbeat has come.
    ready: bool,
    /// When the open sessions began.
    sessions: HashMap<Arc<str>, Duration>,
    /// When the open reverse calls began, and what they ask for.
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
                // Once it runs, the library keeps stdout for itself.
                let cure = if !self.ready && self.runner == Runner::Binary {
                    "; use eprintln! or tracing instead of println! before run()"
                } else {
                    ""
                };
                let text = format!("a line on stdout that the daemon passes over: {reason}{cure}\n{printed}");
                note(Tone::Warning, "Junk", text)
            }
            HostEvent::ErrorEvent(text) => {
                note(Tone::Bad, "Error", format!("outside any session, where the daemon drops it: {text}"))
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
                        format!("abandoned by its caller{after}; the plugin is not told"),
                    ),
                    // What a plugin that died wrote on stderr stands above, line by line.
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
                    text.push_str(&format!("; the daemon drops what it put in `{}`", ignored.join("`, `")));
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
                    None => (Tone::Note, format!("{kind} answered{after}")),
                    Some(error) => (Tone::Bad, format!("{kind} failed{after}: {error}")),
                };
                note(tone, "Reverse", self.about(&session_id, &how))
            }
            HostEvent::Missed(count) => {
                note(Tone::Warning, "Missed", format!("{count} events came too fast to be shown"))
            }
            // New kinds of events are for new kinds of watchers.
            _ => None,
        }
    }

    /// `text`, with its session before it where there may be several.
    fn about(&self, session_id: &str, text: &str) -> String {
        match self.detail {
            Detail::Sessions => format!("{} {text}", short(session_id)),
            Detail::Call => text.to_owned(),
        }
    }
}

/// The beginning of a session's id, enough to tell it from others.
pub(crate) fn short(session_id: &str) -> &str {
    session_id.get(..8).unwrap_or(session_id)
}

fn took(began: Option<Duration>, now: Duration) -> String {
    began.map_or_else(String::new, |began| format!(" after {}", seconds(now.saturating_sub(began))))
}

#[cfg(test)]
mod tests {
    use dify_plugin_host::SessionFailure;
    use dify_plugin_protocol::{AccessType, Action, ErrorData, InvokeType};

    use super::*;

    const ID: &str = "3f2a91c0-0000-4000-8000-000000000000";

    fn told(detail: Detail, events: Vec<(u64, HostEvent)>) -> Vec<String> {
        let mut narrator = Narrator::new(detail, Runner::Binary);
        let line = |note: Note| format!("{} {}", note.verb, note.text);
        events
            .into_iter()
            .filter_map(|(millis, event)| narrator.note(event, Duration::from_millis(millis)).map(line))
            .collect()
    }

    fn a_session(end: SessionEnd) -> Vec<(u64, HostEvent)> {
        let (session_id, call_id): (Arc<str>, Arc<str>) = (ID.into(), "c".into());
        vec![
            (0, HostEvent::Heartbeat),
            (
                10,
                HostEvent::SessionOpened {
                    session_id: Arc::clone(&session_id),
                    access_type: AccessType::Tool,
                    action: Action::InvokeTool,
                },
            ),
            (
                20,
                HostEvent::ReverseCall {
                    session_id: Arc::clone(&session_id),
                    call_id: Arc::clone(&call_id),
                    invoke_type: InvokeType::App,
                    ignored: vec!["files".to_owned()],
                },
            ),
            (
                1520,
                HostEvent::ReverseCallEnded {
                    session_id: Arc::clone(&session_id),
                    call_id,
                    error: Some("no".to_owned()),
                },
            ),
            (2010, HostEvent::SessionClosed { session_id, end }),
        ]
    }

    #[test]
    fn a_session_is_told_from_its_opening_to_its_end() {
        let failure = SessionFailure::Plugin(ErrorData::new("ValueError", "bad"));
        assert_eq!(
            told(Detail::Sessions, a_session(SessionEnd::Failed(failure))),
            [
                "Opened 3f2a91c0 tool/invoke_tool",
                "Reverse 3f2a91c0 the plugin calls `app`; the daemon drops what it put in `files`",
                "Reverse 3f2a91c0 `app` failed after 1.50 s: no",
                "Failed 3f2a91c0 after 2.00 s: ValueError: bad",
            ]
        );
    }

    #[test]
    fn of_a_single_call_only_what_the_plugin_says_and_asks_is_told() {
        let mut events = a_session(SessionEnd::Done);
        events.push((3000, HostEvent::Stderr("quack".to_owned())));
        assert_eq!(
            told(Detail::Call, events),
            [
                "Reverse the plugin calls `app`; the daemon drops what it put in `files`",
                "Reverse `app` failed after 1.50 s: no",
                "Stderr quack",
            ]
        );
    }

    #[test]
    fn a_line_printed_before_the_plugin_is_ready_is_told_with_its_cure() {
        let junk = || HostEvent::JunkFrame {
            text: "hello".to_owned(),
            reason: "it is not a JSON object".to_owned(),
        };
        let told = told(Detail::Call, vec![(0, junk()), (1, HostEvent::Heartbeat), (2, junk())]);
        let what = "Junk a line on stdout that the daemon passes over: it is not a JSON object";
        let cure = "use eprintln! or tracing instead of println! before run()";
        assert_eq!(told, [format!("{what}; {cure}\nhello"), format!("{what}\nhello")]);
    }
}
