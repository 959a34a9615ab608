//! Very many messages, of a mixed load.

use std::time::{Duration, Instant};

use scenarios::{Daemon, lines};

use crate::book::{Book, Heard};
use crate::{Result, built};

/// Sessions open at once.
const OPEN: usize = 64;

/// Events in the answer to a call.
const EVENTS: usize = 20;

/// Below this many messages memory has not settled, and its drift means nothing.
const SETTLED: u64 = 1_000_000;

struct Soak {
    plugin: Daemon,
    book: Book,
    asked: usize,
    messages: u64,
}

/// Sends and reads so many messages in all.
pub(crate) fn run(wanted: u64) -> Result<String> {
    let plugin = built("bench")?.lifetime(Duration::from_secs(3600)).start();
    let mut soak = Soak { plugin, book: Book::default(), asked: 0, messages: 0 };
    let began = Instant::now();
    soak.until(wanted / 10)?;
    let (before, descriptors) = (soak.plugin.memory_kib("VmRSS"), soak.descriptors()?);
    soak.until(wanted)?;
    let (after, descriptors_after) = (soak.plugin.memory_kib("VmRSS"), soak.descriptors()?);
    let Soak { plugin, book, asked, messages } = soak;
    book.settle()?;
    let exit = plugin.exit();
    if exit.code != Some(0) || !exit.rest.is_empty() {
        return Err(format!("it ended with {exit:?}").into());
    }
    let said = format!(
        "{messages} messages of {asked} sessions in {:.0} s, {} errors among the answers, each session ended once; memory \
         {before} KiB after a tenth, {after} KiB at the end; {descriptors} descriptors, then {descriptors_after}",
        began.elapsed().as_secs_f64(),
        book.errors,
    );
    let drifted = wanted >= SETTLED && after.abs_diff(before) * 20 >= before;
    if drifted || descriptors != descriptors_after { Err(said.into()) } else { Ok(said) }
}

impl Soak {
    /// Goes on until so many messages went by, and all is answered.
    fn until(&mut self, wanted: u64) -> Result<()> {
        while self.messages < wanted || self.book.owed() > 0 {
            while self.messages < wanted && self.book.owed() < OPEN {
                self.ask();
            }
            let Some(line) = self.plugin.message() else { return Err("it ended by itself".into()) };
            if line["event"] != "session" {
                continue;
            }
            self.messages += 1;
            if let Heard::Call(call) = self.book.hear(&line)? {
                let session = line["session_id"].as_str().unwrap_or_default();
                let event = lines::response(session, &call, &lines::chat_message("some text").to_string());
                let over =
                    lines::response(session, &call, r#"{"event":"message_end","id":"m-1","task_id":"t-1"}"#);
                let end = lines::end(session, &call);
                self.plugin.write(format!("{}{over}\n{end}\n", format!("{event}\n").repeat(EVENTS)));
                self.messages += EVENTS as u64 + 2;
            }
        }
        self.book.forget();
        Ok(())
    }

    fn ask(&mut self) {
        self.asked += 1;
        self.messages += 1;
        let session = format!("s-{}", self.asked);
        self.book.ask(&session);
        let tool = ["relay", "echo", "fail", "relay", "gone"][self.asked % 5];
        self.plugin.line(lines::tool(&session, "bench", tool, r#"{"text":"some text"}"#));
    }

    fn descriptors(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.plugin.pid()))?.count())
    }
}
