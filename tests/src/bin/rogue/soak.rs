//! A mixed load of very many messages.

use std::time::{Duration, Instant};

use scenarios::{Daemon, lines};

use crate::book::Book;
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

/// Sends and reads this many messages in total.
pub(crate) fn run(wanted: u64) -> Result<String> {
    let plugin = built("bench")?.lifetime(Duration::from_secs(3600)).start();
    let mut soak = Soak { plugin, book: Book::default(), asked: 0, messages: 0 };
    let began = Instant::now();
    let (mut memory, mut descriptors) = (Vec::new(), Vec::new());
    for tenth in 1..=10 {
        soak.until(wanted / 10 * tenth)?;
        memory.push(soak.plugin.memory_kib("VmRSS"));
        descriptors.push(soak.descriptors()?);
    }
    let Soak { plugin, book, asked, messages } = soak;
    book.settle()?;
    let exit = plugin.exit();
    if exit.code != Some(0) || !exit.rest.is_empty() {
        return Err(format!("it ended with {exit:?}").into());
    }
    let drift = drift(&memory);
    let said = format!(
        "{messages} messages of {asked} sessions in {:.0} s, {} errors among the answers, each session ended once\n\
         memory after each tenth, KiB: {memory:?}, drift {:.1} %\ndescriptors: {descriptors:?}",
        began.elapsed().as_secs_f64(),
        book.errors,
        drift * 100.0,
    );
    let has_drifted = wanted >= SETTLED && drift >= 0.05;
    let have_changed = descriptors.iter().any(|count| *count != descriptors[0]);
    if has_drifted || have_changed { Err(said.into()) } else { Ok(said) }
}

/// Returns the relative growth from the three samples in the middle to the last three. Medians are used, because a single
/// sample depends on what the allocator happens to hold.
fn drift(memory: &[u64]) -> f64 {
    let median = |samples: &[u64]| {
        let mut samples = samples.to_vec();
        samples.sort_unstable();
        samples[samples.len() / 2] as f64
    };
    let (middle, last) = (median(&memory[3..6]), median(&memory[7..10]));
    (last - middle) / middle
}

impl Soak {
    /// Continues until this many messages have passed and every request is answered.
    fn until(&mut self, wanted: u64) -> Result<()> {
        while self.messages < wanted || self.book.owed() > 0 {
            while self.messages < wanted && self.book.owed() < OPEN {
                self.ask();
            }
            let Some(line) = self.plugin.message() else { return Err("it ended by itself".into()) };
            if line["event"] == "heartbeat" || line["event"] == "log" {
                continue;
            }
            self.messages += 1;
            if let Some(call) = self.book.hear(&line)? {
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
