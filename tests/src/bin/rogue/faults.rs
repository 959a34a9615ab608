//! Faults of every kind, at random.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use scenarios::{Daemon, lines};
use serde_json::{Value, json};

use crate::book::Book;
use crate::random::Random;
use crate::{Result, built};

/// How much a process may be sent before it is ended.
const STEPS: usize = 400;

/// Limits and timeouts so low that they are reached.
const LIMITS: [(&str, &str); 7] = [
    ("DIFY_PLUGIN_MAX_LINE_BYTES", "65536"),
    ("DIFY_PLUGIN_MAX_FRAME_BYTES", "16384"),
    ("MAX_WORKER", "150"),
    ("MAX_INVOCATION_TIMEOUT", "0.1"),
    ("DIFY_PLUGIN_HANDLER_DEADLINE", "0.4"),
    ("DIFY_PLUGIN_SHUTDOWN_GRACE", "0.5"),
    ("HEARTBEAT_INTERVAL", "0.05"),
];

/// The tools to call, some of them often; `gone` does not exist.
const ODD: [&str; 9] =
    ["println", "panic", "question_mark", "nothing", "log", "wait", "wait", "forever", "gone"];
const BENCH: [&str; 7] = ["echo", "relay", "relay", "relay", "fail", "blob", "gone"];

/// The number of heartbeats in a row, while a message or the exit is due, after which the plugin counts as stuck.
const PATIENCE: usize = 200;

/// What ends a run.
pub(crate) enum Until {
    Time(Duration),
    Processes(u64),
}

/// Runs one process after the other, and reports what was done.
pub(crate) fn run(until: &Until, seed: u64) -> Result<String> {
    let began = Instant::now();
    let mut random = Random::new(seed);
    let mut done = BTreeMap::new();
    for processes in 1.. {
        let mut rogue = Rogue::start(&mut random, &mut done)?;
        let outcome = rogue.live().and_then(|()| rogue.end());
        rogue.tally();
        outcome.map_err(|error| format!("{error} ({done:?})"))?;
        let is_over = match until {
            Until::Time(time) => began.elapsed() >= *time,
            Until::Processes(wanted) => processes >= *wanted,
        };
        if is_over {
            break;
        }
    }
    let done: Vec<String> = done.iter().map(|(what, times)| format!("{what}: {times}")).collect();
    Ok(format!("nothing was left unanswered\n{}", done.join("\n")))
}

struct Rogue<'a> {
    plugin: Option<Daemon>,
    provider: &'static str,
    /// Its `error` events always have room, so each repeated request is reported as dropped.
    is_roomy: bool,
    /// Its input is closed.
    is_closed: bool,
    book: Book,
    /// Calls that may still be answered, with their sessions; including closed ones.
    calls: Vec<(String, String)>,
    asked: usize,
    random: &'a mut Random,
    done: &'a mut BTreeMap<&'static str, usize>,
}

impl<'a> Rogue<'a> {
    fn start(random: &'a mut Random, done: &'a mut BTreeMap<&'static str, usize>) -> Result<Self> {
        let provider = random.one_of(&["odd", "bench"]);
        let workers = random.one_of(&["1", "2", "4"]);
        let is_roomy = random.once_in(2);
        let room = if is_roomy { "1000000000" } else { "65536" };
        let launch = LIMITS.iter().fold(built(provider)?, |launch, (name, value)| launch.env(name, value));
        let plugin = launch.env("DIFY_PLUGIN_WORKERS", workers).env("DIFY_PLUGIN_OUTPUT_BYTES", room).start();
        let mut rogue = Self {
            plugin: Some(plugin),
            provider,
            is_roomy,
            is_closed: false,
            book: Book::default(),
            calls: Vec::new(),
            asked: 0,
            random,
            done,
        };
        rogue.count("processes");
        Ok(rogue)
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    fn plugin(&mut self) -> Result<&mut Daemon> {
        Ok(self.plugin.as_mut().ok_or("the process is gone")?)
    }

    fn live(&mut self) -> Result<()> {
        for _ in 0..STEPS {
            match self.random.below(12) {
                0 => self.junk()?,
                1 => self.broken_request()?,
                2 => self.stray_reply()?,
                3 => self.duplicate()?,
                // So many that some are past the cap, while nothing is read.
                4 if self.random.once_in(4) => (0..300).try_for_each(|_| self.ask())?,
                _ => self.ask()?,
            }
            let wanted = self.random.below(120);
            while self.book.owed() > wanted {
                self.read()?.ok_or("it ended by itself")?;
            }
        }
        Ok(())
    }

    /// Writes a frame in one or several parts.
    fn write(&mut self, line: impl Into<Vec<u8>>) -> Result<()> {
        let mut line = line.into();
        line.extend_from_slice(self.random.one_of(&["\n", "\n", "\r\n", "\n\n"]).as_bytes());
        let mut rest = &line[..];
        while self.random.once_in(3) && !rest.is_empty() {
            let (piece, later) = rest.split_at(self.random.below(rest.len()));
            rest = later;
            self.plugin()?.write(piece);
        }
        let rest = rest.to_vec();
        self.plugin()?.write(rest);
        Ok(())
    }

    fn new_session(&mut self) -> String {
        self.asked += 1;
        let session = format!("s-{}", self.asked);
        self.book.ask(&session);
        session
    }

    fn ask(&mut self) -> Result<()> {
        let session = self.new_session();
        self.request(&session)
    }

    fn request(&mut self, session: &str) -> Result<()> {
        self.count("requests");
        let line = match self.provider {
            "odd" => lines::tool(session, "odd", self.random.one_of(&ODD), "{}"),
            _ if self.random.once_in(8) => {
                lines::endpoint(session, "GET", self.random.one_of(&["/a", "/no\u{ff}"]))
            }
            _ => {
                let tool = self.random.one_of(&BENCH);
                // Sometimes more than a frame may hold.
                let length = if self.random.once_in(20) { 20_000 } else { self.random.below(200) };
                lines::tool(session, "bench", tool, &json!({"text": "x".repeat(length)}).to_string())
            }
        };
        self.write(line)
    }

    /// Frames that belong to no session.
    fn junk(&mut self) -> Result<()> {
        self.count("lines of junk");
        let line: Vec<u8> = match self.random.below(9) {
            0 => b"\xff\xfe\xfd".to_vec(),
            1 => b"\0".repeat(1 + self.random.below(100)),
            2 => b"[".repeat(1 + self.random.below(60_000)),
            3 => b"9".repeat(1 + self.random.below(60_000)),
            4 => b"x".repeat(65_000 + self.random.below(200_000)),
            5 => b"{}".to_vec(),
            6 => br#"{"session_id":5,"event":"request","data":{}}"#.to_vec(),
            7 => br#"{"session_id":"never","event":"rumour","data":{}}"#.to_vec(),
            _ => (0..self.random.below(300))
                .map(|_| self.random.below(256) as u8)
                .filter(|b| *b != b'\n')
                .collect(),
        };
        self.write(line)
    }

    /// Requests of which only the session id can be read.
    fn broken_request(&mut self) -> Result<()> {
        self.count("broken requests");
        let session = self.new_session();
        let whole = lines::tool(&session, self.provider, "echo", "{}");
        let line: Vec<u8> = match self.random.below(5) {
            0 => whole[..whole.len() - 1 - self.random.below(80)].into(),
            1 => whole.replace(r#""context":null"#, &format!(r#""context":"{}""#, "x".repeat(70_000))).into(),
            2 => lines::request(&session, r#"{"type":"tool"}"#).into(),
            3 => lines::request(&session, &"[".repeat(200)).into(),
            _ => [&whole.as_bytes()[..whole.len() - 5], b"\xff\"}}"].concat(),
        };
        self.write(line)
    }

    /// A second request for a session that may be open.
    fn duplicate(&mut self) -> Result<()> {
        if self.asked == 0 || !self.is_roomy {
            return Ok(());
        }
        self.count("second requests");
        let session = format!("s-{}", self.asked - self.random.below(self.asked.min(20)));
        self.book.ask(&session);
        self.request(&session)
    }

    /// A reply that no call waits for: too late, repeated, or to a call that never existed.
    fn stray_reply(&mut self) -> Result<()> {
        self.count("stray replies");
        let nobody = ("s-1".to_owned(), format!("{:032x}", self.random.below(usize::MAX)));
        let (session, call) = if self.calls.is_empty() || self.random.once_in(2) {
            nobody
        } else {
            self.random.one_of(&self.calls)
        };
        let line = match self.random.below(3) {
            0 => lines::end(&session, &call),
            1 => lines::refusal(&session, &call, "late"),
            _ => lines::response(&session, &call, &lines::chat_message("late").to_string()),
        };
        self.write(line)
    }

    /// Returns the next frame, or `None` at the end. The frame is recorded and, if it is a call, perhaps answered.
    fn read(&mut self) -> Result<Option<()>> {
        for _ in 0..PATIENCE {
            let Some(line) = self.plugin()?.message() else { return Ok(None) };
            match line["event"].as_str() {
                Some("heartbeat") => self.count("heartbeats"),
                Some("log") => self.count("logs"),
                _ => {
                    if let Some(call) = self.book.hear(&line)?
                        && !self.is_closed
                    {
                        self.answer(&line, call)?;
                    }
                    return Ok(Some(()));
                }
            }
        }
        self.book.settle().map_err(|error| format!("nothing comes any more: {error}"))?;
        Err("it was told to end, owes nothing more, and lives on".into())
    }

    fn answer(&mut self, line: &Value, call: String) -> Result<()> {
        self.count("calls");
        let session = line["session_id"].as_str().unwrap_or_default().to_owned();
        let event = |text: &str| lines::response(&session, &call, &lines::chat_message(text).to_string());
        let over = lines::response(&session, &call, r#"{"event":"message_end","id":"m-1","task_id":"t-1"}"#);
        let end = lines::end(&session, &call);
        let answer = match self.random.below(8) {
            0 => Vec::new(),
            1 => vec![lines::refusal(&session, &call, "no"), end],
            2 => vec![lines::response(&session, &call, "5"), end],
            3 => vec![event("a"), end.clone(), end],
            4 => vec![event("a"), lines::response(&session, &call, "{]"), over, end],
            _ => {
                let mut events: Vec<String> = (0..self.random.below(30)).map(|_| event("text")).collect();
                events.extend([over, end]);
                events
            }
        };
        self.calls.push((session.clone(), call.clone()));
        answer.into_iter().try_for_each(|line| self.write(line))
    }

    /// Ends the process. Everything that is due must arrive first, unless the process is killed.
    fn end(&mut self) -> Result<()> {
        let how = self.random.below(3);
        if how == 0 {
            self.count("ends by SIGKILL");
            // Its process group is killed as it is dropped.
            self.plugin = None;
            return Ok(());
        }
        // Once this is answered, everything before it has been read.
        let last = self.new_session();
        self.write(lines::tool(&last, self.provider, "gone", "{}"))?;
        let mut code = vec![0];
        if how == 1 {
            self.count("ends by EOF");
            self.is_closed = true;
            self.plugin()?.close_input();
        } else {
            self.count("ends by SIGTERM");
            while self.book.is_open(&last) {
                self.read()?.ok_or("it ended before all was answered")?;
            }
            self.plugin()?.signal(Signal::TERM);
            // Some may take longer than the grace period, which it then reports.
            code.push(1);
        }
        while self.read()?.is_some() {}
        self.book.settle()?;
        let exit = self.plugin.take().ok_or("the process is gone")?.exit_by_itself();
        if !exit.code.is_some_and(|found| code.contains(&found)) {
            return Err(format!("exit code {:?}; stderr: {}", exit.code, exit.stderr).into());
        }
        Ok(())
    }

    /// Adds the recorded counts to the totals.
    fn tally(&mut self) {
        for (what, times) in [("errors", self.book.errors), ("`error` events", self.book.error_events)] {
            *self.done.entry(what).or_default() += times;
        }
    }
}
